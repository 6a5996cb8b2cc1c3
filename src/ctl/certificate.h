/* SPDX-License-Identifier: ISC
 *
 * certificate.h - what the commands `siegel certificate ...` share (certificate.c, learn.c,
 * compare.c).
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
/* What all servers of a domain show now. Anything but EXIT_DONE is the command's end. */
enum exit_status certificate_examine(
	struct ctl *ctl, struct str domain, struct examine_answer *answer) must_use;
/* Why a domain has no servers to look at; "" where it has. */
const char *certificate_no_route(const struct examine_answer *answer);
/* One server for programs. */
json_t *examined_json(const struct examined *e);
/* "never", "2027-03-01 (12 d)", "expired". */
void add_expiry(struct buf *to, uint64_t wall_ms);

#endif
