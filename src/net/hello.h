/* SPDX-License-Identifier: ISC
 *
 * hello.h - what a failed handshake means; for connect.c and its test alone.
 */
#ifndef NET_HELLO_H
#define NET_HELLO_H

#include "mail/policy.h"

/* The row of policy.md section 3 for an entry of OpenSSL's error queue; 0 is a connection that
 * broke without one. */
enum hello hello_of_tls_error(unsigned long error);

#endif
