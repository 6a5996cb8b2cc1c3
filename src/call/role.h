/* SPDX-License-Identifier: ISC
 *
 * role.h - the roles, as a mask, so that the table of calls can say who may ask what.
 */
#ifndef CALL_ROLE_H
#define CALL_ROLE_H

enum role {
	ROLE_STORE = 1,
	ROLE_SMTPD = 2,
	ROLE_DELIVERY = 4,
	ROLE_MAILBOX = 8,
	ROLE_CTL = 16,
	ROLE_WEB = 32
};

/* "store", "smtpd", ... */
const char *role_name(enum role role);

#endif
