/* SPDX-License-Identifier: ISC
 *
 * sts_refresh.h - policies by MTA-STS are fetched again every day while mail still asks for them,
 * so that whoever blocks the fetch can't wait for one to run out (RFC 8461 3.3, 10.2).
 */
#ifndef DELIVERY_STS_REFRESH_H
#define DELIVERY_STS_REFRESH_H

#include "delivery/config.h"

/* Have those fetched again that are due, by threads of the cache. Blocks for the store's answer
 * alone. To be called every few minutes. */
void sts_refresh_due(struct config *config);

#endif
