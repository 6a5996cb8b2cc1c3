/* SPDX-License-Identifier: ISC
 *
 * receipt_file.h - is a file of receipts what was signed? (doc/receipts.md is the format.) Needs
 * nothing but the file and a public key. The file is anybody's bytes. Pure.
 */
#ifndef MAIL_RECEIPT_FILE_H
#define MAIL_RECEIPT_FILE_H

#include "mail/receipt.h"

enum receipt_fault {
	RECEIPT_GOOD,
	RECEIPT_UNREADABLE, /* `line` is none of a receipt's, or not where it belongs */
	RECEIPT_CUT,	    /* the file ends before its signed end */
	RECEIPT_OTHER_KEY,  /* it names another key than the one expected */
	RECEIPT_UNSIGNED,   /* the statement in `line` is not what the key signed */
	RECEIPT_CHANGED,    /* `record` is not as it was */
	RECEIPT_MISSING,    /* `record` is not there, or not in its place */
	RECEIPT_ADDED,	    /* `record` was not among them */
};

struct receipt_verdict {
	enum receipt_fault fault;
	uint64_t line, record;
	bool is_chain;	    /* all records of a stretch of time; else those of `message` */
	struct str message; /* queue id, as in the file */
	uint64_t first, last, records;
	uint64_t earlier, removed; /* of a message: not listed; of all: no longer kept */
	struct str server,
		time; /* as the closing statement says, as in the file: anybody's bytes */
	struct digest key;
};

/* Check the whole file against `key`, or against the key that it names where that is NULL: then it
 * is whole, but nobody knows whose it is. True if nothing is wrong. */
bool receipt_file_verify(
	struct str file, const struct digest *key, struct receipt_verdict *verdict);

#endif
