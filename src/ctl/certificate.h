/* SPDX-License-Identifier: ISC
 *
 * certificate.h - what the commands `siegel certificate ...` share (certificate.c, learn.c).
 */
#ifndef CTL_CERTIFICATE_H
#define CTL_CERTIFICATE_H

#include "ctl/ctl.h"

/* A domain as people write it, in A-labels. False: it is none, and ctl->err says so. */
bool certificate_domain(struct ctl *ctl, const char *text, struct str *domain) must_use;
/* The next page of what is stored for a domain, or for all ("" ); `last`: the last entry of the page
 * before, or NULL. Empty: that was all. */
enum exit_status certificate_page(struct ctl *ctl, struct str domain,
	const struct certificate_entry *last, struct certificate_answer *answer) must_use;
json_t *certificate_json(struct ctl *ctl, const struct certificate_entry *entry);
/* What --expires and --note say, in *ask. False: no date, and ctl->err says so. */
bool certificate_terms(struct ctl *ctl, struct certificate_add_ask *ask) must_use;
/* "never", "2027-03-01 (12 d)", "expired". */
void add_expiry(struct buf *to, uint64_t wall_ms);

#endif
