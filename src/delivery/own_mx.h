/* SPDX-License-Identifier: ISC
 *
 * own_mx.h - policy.md section 6: every MX of a secure domain must be this server. Another one
 * would take mail for the alias without keeping its promise, and nobody would notice.
 */
#ifndef DELIVERY_OWN_MX_H
#define DELIVERY_OWN_MX_H

#include "delivery/config.h"

/* Look every secure domain up once: an alarm for each MX that isn't our host_name, a warning where
 * there is none or the look-up fails. Blocks for 20 seconds per domain at most. */
void own_mx_check(const struct config *config);

#endif
