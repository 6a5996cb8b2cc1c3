/* SPDX-License-Identifier: ISC
 *
 * role.c - what the roles are called, in logs and in the names of their programs and users.
 */
#include "call/role.h"

const char *role_name(enum role role)
{
	switch (role) {
	case ROLE_STORE:
		return "store";
	case ROLE_SMTPD:
		return "smtpd";
	case ROLE_DELIVERY:
		return "delivery";
	case ROLE_MAILBOX:
		return "mailbox";
	case ROLE_WEB:
		return "web";
	case ROLE_CTL:
		return "ctl";
	}
	return "unknown";
}
