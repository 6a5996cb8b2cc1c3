/* SPDX-License-Identifier: ISC
 *
 * mail.h - shapes that more than one noun of the mailbox has.
 */
#ifndef WEB_MAIL_H
#define WEB_MAIL_H

#include "web/json.h"

/* {name, address}: struct person. */
extern const struct json_shape person_shape;

#endif
