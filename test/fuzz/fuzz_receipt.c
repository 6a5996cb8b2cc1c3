/* SPDX-License-Identifier: ISC
 *
 * fuzz_receipt.c - no file of receipts is too odd to be read; whatever texts are in a record, it is
 * one line, and the file it is in verifies; and with one byte of it changed it doesn't.
 */
#include "mail/receipt_file.h"

#include "base/must.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS = 3 };

static const struct signing_key *a_key(void)
{
	static struct signing_key *key;
	char folder[] = "/tmp/siegel-fuzz-XXXXXX", path[64], public_path[64];
	struct why why;
	bool made;

	if (key)
		return key;
	must(mkdtemp(folder) != NULL);
	snprintf(path, sizeof path, "%s/key", folder);
	snprintf(public_path, sizeof public_path, "%s/pub", folder);
	must(signing_key_open(path, public_path, &key, &made, &why));
	unlink(path);
	unlink(public_path);
	rmdir(folder);
	return key;
}

/* The next piece of the input, up to a NUL. */
static struct str piece(struct str *rest)
{
	return str_cut(rest, '\0');
}

static struct digest add_record(
	struct buf *file, uint64_t number, const struct digest *previous, struct str *rest)
{
	size_t begin = file->len;
	struct record_recipient r = { .address = piece(rest),
		.state = RECORD_STATE_FAILED,
		.reason = REASON_EXPIRED,
		.host = piece(rest),
		.said = piece(rest) };
	struct evidence e = { .host = r.host, .address = piece(rest), .said = piece(rest) };

	record_begin(file, &(struct record_head){
				   number, *previous, 0, RECORD_ATTEMPT, STR("00064f2a91c3b7e5") });
	record_destination(file, piece(rest));
	record_recipients_begin(file);
	record_recipient(file, &r);
	record_recipients_end(file);
	record_attempts_begin(file);
	record_attempt(file, &e);
	record_attempts_end(file);
	record_end(file);
	struct str line = str_tail(buf_str(file), begin);
	must(!file->overflowed && str_is_utf8(line) && str_find(line, '\n') == line.len);
	struct digest hash = digest_of(line);
	buf_add_char(file, '\n');
	return hash;
}

static void add_checkpoint(struct buf *file, uint64_t number, const struct digest *hash)
{
	struct statement_by by = { STR("mx.example.test"), signing_key_public(a_key()), 0 };
	struct signature signature;
	size_t begin = file->len;

	must(statement_checkpoint(file, number, hash, &by));
	must(signing_key_sign(a_key(), str_tail(buf_str(file), begin), &signature));
	buf_add_char(file, '\n');
	must(statement_signature(file, &signature));
	buf_add_char(file, '\n');
}

static void check_whole(struct str rest, size_t at, char change)
{
	struct digest key = signing_key_public(a_key()), hash = digest_none();
	scoped(buf_free) struct buf file = BUF(8 * 1024 * 1024);
	struct receipt_verdict verdict;

	add_checkpoint(&file, 0, &hash);
	for (uint64_t number = 1; number <= RECORDS; number++)
		hash = add_record(&file, number, &hash, &rest);
	add_checkpoint(&file, RECORDS, &hash);
	must(receipt_file_verify(buf_str(&file), &key, &verdict));
	must(verdict.records == RECORDS);
	if (!change)
		return;
	file.at[at % file.len] = (char)(file.at[at % file.len] ^ change);
	must(!receipt_file_verify(buf_str(&file), &key, &verdict));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = { (const char *)data, size };
	struct receipt_verdict verdict;

	receipt_file_verify(input, NULL, &verdict);
	if (size < 3)
		return 0;
	check_whole(str_tail(input, 3), (size_t)data[0] << 8 | data[1], (char)data[2]);
	return 0;
}
