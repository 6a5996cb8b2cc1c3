/* SPDX-License-Identifier: ISC
 *
 * test_receipt.c - a file of receipts is what was signed, or it is named what is wrong with it: any
 * bit, any record removed, any two exchanged, any end cut off, any other key.
 */
#include "base/clock.h"
#include "base/must.h"
#include "mail/receipt_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECORDS = 5, FILE_MAX = 1024 * 1024 };

static char folder[64];
static struct signing_key *ours, *theirs;
static const char id[] = "00064f2a91c3b7e5";

static struct signing_key *make_key(const char *name)
{
	char path[128], public_path[128];
	struct signing_key *key;
	struct why why;
	bool made;

	snprintf(path, sizeof path, "%s/%s.key", folder, name);
	snprintf(public_path, sizeof public_path, "%s/%s.pub", folder, name);
	if (!signing_key_open(path, public_path, &key, &made, &why))
		fail_msg("%s", why.text);
	assert_true(made);
	return key;
}

static int open_keys(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/siegel-receipt-XXXXXX");
	assert_non_null(mkdtemp(folder));
	ours = make_key("ours");
	theirs = make_key("theirs");
	return 0;
}

static int close_keys(void **state)
{
	char command[128];

	(void)state;
	signing_key_free(&ours);
	signing_key_free(&theirs);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

/* --- files to check --- */

struct chain {
	struct buf lines[RECORDS];
	struct digest hashes[RECORDS];
	uint64_t first;
};

static void write_record(struct buf *to, uint64_t number, const struct digest *previous)
{
	struct evidence e = { .time = 1795454523000 + (int64_t)number * SECOND,
		.host = STR("mx.example.net"),
		.address = STR("192.0.2.1"),
		.port = 25,
		.tls_version = STR("TLSv1.3"),
		.cipher = STR("TLS_AES_256_GCM_SHA384"),
		.group = STR("X25519"),
		.proven_by = STR("dane"),
		.said = STR("250 \"ok\" \x01 j\xe4") };
	struct record_recipient r = { .address = STR("bob@example.net"),
		.state = RECORD_STATE_DELIVERED,
		.demands = DEMAND_TLS,
		.host = e.host,
		.transmitted = true,
		.transport = TRANSPORT_QUALIFIED };

	record_begin(
		to, &(struct record_head){ number, *previous, e.time, RECORD_ATTEMPT, str_of(id) });
	record_destination(to, STR("example.net"));
	record_recipients_begin(to);
	record_recipient(to, &r);
	record_recipients_end(to);
	record_attempts_begin(to);
	record_attempt(to, &e);
	record_attempts_end(to);
	record_end(to);
}

static struct chain make_chain(uint64_t first)
{
	struct chain c = { .first = first };
	struct digest previous = first == 1 ? digest_none() : digest_of(STR("removed"));

	for (size_t i = 0; i < RECORDS; i++) {
		c.lines[i] = BUF(RECORD_MAX);
		write_record(&c.lines[i], first + i, &previous);
		c.hashes[i] = previous = digest_of(buf_str(&c.lines[i]));
	}
	return c;
}

static void free_chain(struct chain *c)
{
	for (size_t i = 0; i < RECORDS; i++)
		buf_free(&c->lines[i]);
}

static void add_line(struct buf *file, struct str line)
{
	buf_add(file, line);
	buf_add_char(file, '\n');
}

static void add_signed(struct buf *file, struct buf *statement, const struct signing_key *key)
{
	struct buf line = BUF(1000);
	struct signature signature;

	assert_true(signing_key_sign(key, buf_str(statement), &signature));
	assert_true(statement_signature(&line, &signature));
	add_line(file, buf_str(statement));
	add_line(file, buf_str(&line));
	buf_free(&line);
	buf_free(statement);
}

static struct statement_by by(const struct signing_key *key)
{
	return (struct statement_by){ STR("mx.example.test"), signing_key_public(key),
		1795454600000 };
}

static void add_checkpoint(
	struct buf *file, uint64_t number, const struct digest *hash, const struct signing_key *key)
{
	struct buf statement = BUF(10000);
	struct statement_by whom = by(key);

	assert_true(statement_checkpoint(&statement, number, hash, &whom));
	add_signed(file, &statement, key);
}

static struct digest hash_before(const struct chain *c)
{
	return c->first == 1 ? digest_none() : digest_of(STR("removed"));
}

/* The records in this order, between checkpoints of the whole. */
static struct buf chain_file(const struct chain *c, const size_t *order, size_t n)
{
	struct buf file = BUF(FILE_MAX);
	struct digest before = hash_before(c);

	add_checkpoint(&file, c->first - 1, &before, ours);
	for (size_t i = 0; i < n; i++)
		add_line(&file, buf_str(&c->lines[order[i]]));
	add_checkpoint(&file, c->first + RECORDS - 1, &c->hashes[RECORDS - 1], ours);
	assert_false(file.overflowed);
	return file;
}

static struct buf message_file(const struct chain *c, const size_t *order, size_t n)
{
	struct buf file = BUF(FILE_MAX), statement = BUF(FILE_MAX);
	struct statement_by whom = by(ours);

	for (size_t i = 0; i < n; i++)
		add_line(&file, buf_str(&c->lines[order[i]]));
	statement_message_begin(&statement, str_of(id));
	for (size_t i = 0; i < RECORDS; i++)
		statement_reference(&statement, c->first + i, &c->hashes[i]);
	assert_true(statement_message_end(&statement, 0, 0, &whom));
	add_signed(&file, &statement, ours);
	return file;
}

typedef struct buf (*file_maker)(const struct chain *c, const size_t *order, size_t n);
static const file_maker makers[] = { chain_file, message_file };

static const size_t in_order[RECORDS] = { 0, 1, 2, 3, 4 };

static struct receipt_verdict verdict_on(struct str file)
{
	struct digest key = signing_key_public(ours);
	struct receipt_verdict verdict;
	bool good = receipt_file_verify(file, &key, &verdict);

	assert_int_equal(good, verdict.fault == RECEIPT_GOOD);
	return verdict;
}

/* --- tests --- */

static void what_was_signed_is_good(void **state)
{
	static const uint64_t firsts[] = { 1, 1000 };

	(void)state;
	for (size_t i = 0; i < count_of(firsts) * count_of(makers); i++) {
		uint64_t first = firsts[i / 2];
		struct chain c = make_chain(first);
		struct buf file = makers[i % 2](&c, in_order, RECORDS);
		struct receipt_verdict v = verdict_on(buf_str(&file));

		assert_int_equal(v.fault, RECEIPT_GOOD);
		assert_int_equal(v.records, RECORDS);
		assert_int_equal(v.first, first);
		assert_int_equal(v.last, first + RECORDS - 1);
		assert_int_equal(v.is_chain, makers[i % 2] == chain_file);
		assert_true(str_eq(v.server, STR("mx.example.test")));
		if (!v.is_chain)
			assert_true(str_eq(v.message, str_of(id)));
		buf_free(&file);
		free_chain(&c);
	}
}

static void a_record_is_one_line_of_json_with_one_spelling(void **state)
{
	struct digest none = digest_none();
	struct buf line = BUF(RECORD_MAX);

	(void)state;
	write_record(&line, 7, &none);
	must(buf_add_char(&line, '\0'));
	assert_string_equal(line.at,
		"{\"version\":1,\"record\":7,\"previous\":"
		"\"0000000000000000000000000000000000000000000000000000000000000000\","
		"\"time\":\"2026-11-23T17:22:10Z\",\"kind\":\"attempt\","
		"\"message\":\"00064f2a91c3b7e5\",\"destination\":\"example.net\","
		"\"recipients\":[{\"address\":\"bob@example.net\",\"state\":\"delivered\","
		"\"demands\":[\"tls\"],\"host\":\"mx.example.net\",\"transport\":\"qualified\"}],"
		"\"attempts\":[{\"time\":\"2026-11-23T17:22:10Z\",\"host\":\"mx.example.net\","
		"\"address\":\"192.0.2.1\",\"port\":25,\"verdict\":\"accepted\","
		"\"tls_version\":\"TLSv1.3\",\"cipher\":\"TLS_AES_256_GCM_SHA384\","
		"\"group\":\"X25519\",\"proven_by\":\"dane\","
		"\"said\":\"250 \\\"ok\\\" \\u0001 j\\u00e4\"}]}");
	buf_free(&line);
}

static void every_text_fits_a_record(void **state)
{
	static char text[4096];
	struct str hostile = { text, sizeof text };
	struct digest none = digest_none();
	struct buf line = BUF(RECORD_MAX);
	struct record_recipient r = { hostile, RECORD_STATE_FAILED, DEMANDS_ALL, true,
		REASON_EXPIRED, REASON_STORED_CERTIFICATE_MISMATCH, hostile, hostile, hostile,
		TRANSMISSION_NO_CONNECTION, true, TRANSPORT_QUALIFIED };
	struct evidence e = { 0, hostile, hostile, 65535, VERDICT_REFUSED,
		REASON_STORED_CERTIFICATE_MISMATCH, hostile, hostile, hostile, hostile, hostile,
		hostile, hostile };
	struct record_taken taken = { hostile, hostile, UINT64_MAX, hostile, hostile, hostile,
		hostile };

	(void)state;
	memset(text, 1, sizeof text);
	record_begin(&line, &(struct record_head){ UINT64_MAX, none, 0, RECORD_TAKEN, hostile });
	record_taken(&line, &taken);
	record_destination(&line, hostile);
	record_recipients_begin(&line);
	for (int i = 0; i < RECORD_RECIPIENTS_MAX; i++)
		record_recipient(&line, &r);
	record_recipients_end(&line);
	record_attempts_begin(&line);
	for (int i = 0; i < RECORD_ATTEMPTS_MAX; i++)
		record_attempt(&line, &e);
	record_attempts_end(&line);
	record_end(&line);
	assert_false(line.overflowed);
	assert_true(str_find(buf_str(&line), '\n') == line.len);
	buf_free(&line);
}

/* Which record the byte at `at` belongs to; 0: none. */
static uint64_t record_at(const struct chain *c, struct str file, size_t at)
{
	uint64_t record = 0;

	for (size_t i = 0; i < RECORDS; i++) {
		size_t begin = str_find_str(file, buf_str(&c->lines[i]));
		if (at >= begin && at < begin + c->lines[i].len)
			record = c->first + i;
	}
	return record;
}

static void every_bit_counts(void **state)
{
	size_t bits = 0;

	(void)state;
	for (size_t m = 0; m < count_of(makers); m++) {
		struct chain c = make_chain(1);
		struct buf file = makers[m](&c, in_order, RECORDS), copy = BUF(FILE_MAX);

		buf_add(&copy, buf_str(&file));
		uint64_t line = 1;
		for (size_t i = 0; i < file.len * 8; i++, bits++) {
			line += i % 8 == 0 && i && copy.at[i / 8 - 1] == '\n';
			file.at[i / 8] = (char)(file.at[i / 8] ^ 1 << i % 8);
			struct receipt_verdict v = verdict_on(buf_str(&file));
			uint64_t record = record_at(&c, buf_str(&copy), i / 8);
			if (v.fault == RECEIPT_GOOD)
				fail_msg("bit %zu of byte %zu is not seen", i % 8, i / 8);
			/* A byte that becomes the end of a line makes another line of it. */
			if (record && file.at[i / 8] != '\n' &&
				(v.record != record || v.line != line))
				fail_msg("bit %zu of byte %zu: record %d, not %d; line %d, not %d",
					i % 8, i / 8, (int)v.record, (int)record, (int)v.line,
					(int)line);
			file.at[i / 8] = copy.at[i / 8];
		}
		buf_free(&file);
		buf_free(&copy);
		free_chain(&c);
	}
	printf("# %zu bits flipped\n", bits);
}

static void every_record_removed_is_missed_and_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(makers) * RECORDS; i++) {
		struct chain c = make_chain(100);
		size_t gone = i / 2, order[RECORDS], n = 0;

		for (size_t j = 0; j < RECORDS; j++)
			if (j != gone)
				order[n++] = j;
		struct buf file = makers[i % 2](&c, order, n);
		struct receipt_verdict v = verdict_on(buf_str(&file));
		assert_int_equal(v.fault, RECEIPT_MISSING);
		assert_int_equal(v.record, 100 + gone);
		buf_free(&file);
		free_chain(&c);
	}
}

static void every_two_exchanged_are_out_of_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(makers) * RECORDS * RECORDS; i++) {
		size_t a = i / 2 / RECORDS, b = i / 2 % RECORDS, order[RECORDS];

		if (a >= b)
			continue;
		struct chain c = make_chain(1);
		memcpy(order, in_order, sizeof order);
		order[a] = b;
		order[b] = a;
		struct buf file = makers[i % 2](&c, order, RECORDS);
		struct receipt_verdict v = verdict_on(buf_str(&file));
		assert_int_equal(v.fault, RECEIPT_MISSING);
		assert_int_equal(v.record, 1 + a);
		buf_free(&file);
		free_chain(&c);
	}
}

static void every_record_doubled_is_seen(void **state)
{
	(void)state;
	for (size_t i = 0; i < count_of(makers) * RECORDS; i++) {
		struct chain c = make_chain(1);
		size_t twice = i / 2, order[RECORDS + 1], n = 0;

		for (size_t j = 0; j < RECORDS; j++) {
			order[n++] = j;
			if (j == twice)
				order[n++] = j;
		}
		struct buf file = makers[i % 2](&c, order, n);
		assert_int_not_equal(verdict_on(buf_str(&file)).fault, RECEIPT_GOOD);
		buf_free(&file);
		free_chain(&c);
	}
}

static void a_file_cut_anywhere_is_not_whole(void **state)
{
	(void)state;
	for (size_t m = 0; m < count_of(makers); m++) {
		struct chain c = make_chain(1);
		struct buf file = makers[m](&c, in_order, RECORDS);

		for (size_t n = 0; n < file.len; n++)
			if (verdict_on(str_head(buf_str(&file), n)).fault == RECEIPT_GOOD)
				fail_msg("%zu of %zu bytes", n, file.len);
		/* Nor is one with more behind its end. */
		buf_add_char(&file, '\n');
		assert_int_equal(verdict_on(buf_str(&file)).fault, RECEIPT_UNREADABLE);
		buf_free(&file);
		free_chain(&c);
	}
}

/* All records and hashes made anew: only the signature can tell. */
static void a_chain_made_anew_is_not_ours(void **state)
{
	struct chain c = make_chain(1);
	struct digest before = hash_before(&c);
	struct buf file = BUF(FILE_MAX);

	(void)state;
	add_checkpoint(&file, 0, &before, theirs);
	for (size_t i = 0; i < RECORDS; i++)
		add_line(&file, buf_str(&c.lines[i]));
	add_checkpoint(&file, RECORDS, &c.hashes[RECORDS - 1], theirs);
	assert_int_equal(verdict_on(buf_str(&file)).fault, RECEIPT_OTHER_KEY);
	/* Without a key to expect it is whole, and says whose. */
	struct receipt_verdict v;
	struct digest key = signing_key_public(theirs);
	assert_true(receipt_file_verify(buf_str(&file), NULL, &v));
	assert_true(str_eq(digest_str(&v.key), digest_str(&key)));
	buf_free(&file);
	free_chain(&c);
}

/* Our name under their signature. */
static void another_keys_signature_is_none(void **state)
{
	struct chain c = make_chain(1);
	struct buf file = BUF(FILE_MAX), statement = BUF(10000);
	struct statement_by whom = by(ours);
	struct digest before = hash_before(&c);

	(void)state;
	add_checkpoint(&file, 0, &before, ours);
	assert_true(statement_checkpoint(&statement, 0, &before, &whom));
	add_signed(&file, &statement, theirs);
	struct receipt_verdict v = verdict_on(buf_str(&file));
	assert_int_equal(v.fault, RECEIPT_UNSIGNED);
	assert_int_equal(v.line, 3);
	buf_free(&file);
	free_chain(&c);
}

/* A beginning that is later than the end, a stretch of another chain. */
static void checkpoints_of_another_stretch_dont_fit(void **state)
{
	struct chain c = make_chain(1), other = make_chain(100);
	struct digest before = hash_before(&c);
	struct buf file = BUF(FILE_MAX);

	(void)state;
	add_checkpoint(&file, 0, &before, ours);
	for (size_t i = 0; i < RECORDS; i++)
		add_line(&file, buf_str(&c.lines[i]));
	add_checkpoint(&file, RECORDS - 1, &c.hashes[RECORDS - 2], ours);
	struct receipt_verdict v = verdict_on(buf_str(&file));
	assert_int_equal(v.fault, RECEIPT_ADDED);
	assert_int_equal(v.record, RECORDS);
	buf_clear(&file);
	add_checkpoint(&file, 0, &before, ours);
	add_line(&file, buf_str(&other.lines[0]));
	add_checkpoint(&file, 100, &other.hashes[0], ours);
	assert_int_equal(verdict_on(buf_str(&file)).fault, RECEIPT_MISSING);
	buf_free(&file);
	free_chain(&c);
	free_chain(&other);
}

static void a_chain_without_records_is_whole(void **state)
{
	struct digest none = digest_none();
	struct buf file = BUF(FILE_MAX);

	(void)state;
	add_checkpoint(&file, 0, &none, ours);
	assert_int_equal(verdict_on(buf_str(&file)).fault, RECEIPT_CUT);
	add_checkpoint(&file, 0, &none, ours);
	assert_int_equal(verdict_on(buf_str(&file)).fault, RECEIPT_GOOD);
	assert_int_equal(verdict_on(STR("")).fault, RECEIPT_CUT);
	assert_int_equal(verdict_on(STR("\n")).fault, RECEIPT_CUT);
	buf_free(&file);
}

static void a_key_is_kept_for_its_owner_alone(void **state)
{
	char path[128], public_path[128];
	struct signing_key *again;
	struct digest before = signing_key_public(ours), after, pem;
	struct stat s;
	struct why why;
	bool made;

	(void)state;
	snprintf(path, sizeof path, "%s/ours.key", folder);
	snprintf(public_path, sizeof public_path, "%s/ours.pub", folder);
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 07777, 0600);
	assert_int_equal(stat(public_path, &s), 0);
	assert_int_equal(s.st_mode & 07777, 0644);
	assert_true(signing_key_open(path, public_path, &again, &made, &why));
	assert_false(made);
	after = signing_key_public(again);
	assert_true(str_eq(digest_str(&before), digest_str(&after)));
	signing_key_free(&again);
	/* The public half is made again where it was lost. */
	assert_int_equal(unlink(public_path), 0);
	assert_true(signing_key_open(path, public_path, &again, &made, &why));
	signing_key_free(&again);
	FILE *file = fopen(public_path, "r");
	char text[1000];
	size_t n = fread(text, 1, sizeof text, file);
	fclose(file);
	assert_true(public_key_of_pem((struct str){ text, n }, &pem));
	assert_true(str_eq(digest_str(&pem), digest_str(&before)));
	assert_false(public_key_of_pem(STR("-----BEGIN PUBLIC KEY-----\n"), &pem));
	assert_false(public_key_of_pem(STR(""), &pem));
}

static void a_key_that_cannot_be_read_is_no_reason_for_another(void **state)
{
	char path[128], public_path[128];
	struct signing_key *key;
	struct why why;
	bool made;

	(void)state;
	snprintf(path, sizeof path, "%s/broken.key", folder);
	snprintf(public_path, sizeof public_path, "%s/broken.pub", folder);
	FILE *file = fopen(path, "w");
	fputs("no key", file);
	fclose(file);
	assert_false(signing_key_open(path, public_path, &key, &made, &why));
	assert_false(made);
	assert_non_null(strstr(why.text, "holds no Ed25519 key"));
	assert_int_equal(access(public_path, F_OK), -1);
}

static void transport_is_called_what_it_was(void **state)
{
	static const struct {
		const char *version, *cipher, *proven_by;
		enum transport transport;
	} cases[] = {
		{ "", "", "", TRANSPORT_NONE },
		{ "TLSv1.1", "ECDHE-RSA-AES256-SHA", "ca", TRANSPORT_NONE },
		{ "TLSv1.3", "TLS_AES_256_GCM_SHA384", "", TRANSPORT_MANDATORY },
		{ "TLSv1.3", "TLS_AES_256_GCM_SHA384", "dane", TRANSPORT_QUALIFIED },
		{ "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", "sts", TRANSPORT_QUALIFIED },
		{ "TLSv1.2", "DHE-RSA-AES128-GCM-SHA256", "ca", TRANSPORT_QUALIFIED },
		{ "TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", "", TRANSPORT_MANDATORY },
		{ "TLSv1.2", "AES128-GCM-SHA256", "pin",
			TRANSPORT_MANDATORY }, /* RSA key exchange */
	};

	(void)state;
	for (size_t i = 0; i < count_of(cases); i++)
		assert_int_equal(transport_of(str_of(cases[i].version), str_of(cases[i].cipher),
					 str_of(cases[i].proven_by)),
			cases[i].transport);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_signed_is_good),
		cmocka_unit_test(a_record_is_one_line_of_json_with_one_spelling),
		cmocka_unit_test(every_text_fits_a_record),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(every_record_removed_is_missed_and_named),
		cmocka_unit_test(every_two_exchanged_are_out_of_place),
		cmocka_unit_test(every_record_doubled_is_seen),
		cmocka_unit_test(a_file_cut_anywhere_is_not_whole),
		cmocka_unit_test(a_chain_made_anew_is_not_ours),
		cmocka_unit_test(another_keys_signature_is_none),
		cmocka_unit_test(checkpoints_of_another_stretch_dont_fit),
		cmocka_unit_test(a_chain_without_records_is_whole),
		cmocka_unit_test(a_key_is_kept_for_its_owner_alone),
		cmocka_unit_test(a_key_that_cannot_be_read_is_no_reason_for_another),
		cmocka_unit_test(transport_is_called_what_it_was),
	};

	return cmocka_run_group_tests(tests, open_keys, close_keys);
}
