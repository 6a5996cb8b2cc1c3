/* SPDX-License-Identifier: ISC
 *
 * receipt.c - the commands `siegel receipt ...`. Showing and exporting ask the store; verifying
 * asks nobody: it needs the file and a public key, and works on any machine.
 */
#include "ctl/receipt.h"

#include "base/fd.h"
#include "base/must.h"
#include "ctl/account.h"
#include "ctl/columns.h"
#include "mail/receipt_file.h"
#include "settings/value.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8 * 1024 * 1024, PEM_MAX = 4096, PIPED_MAX = 256 * 1024 * 1024 };

/* --- asking --- */

typedef void (*take_record)(void *to, const struct receipt_record *record);

/* Ask for a page after the other, up to the record `until`; *last is the last one taken. */
static enum exit_status each_record(struct ctl *ctl, struct receipt_ask ask, uint64_t until,
	take_record take, void *to, uint64_t *last)
{
	for (;;) {
		struct receipt_answer answer;
		enum exit_status status = ask_receipt_read(ctl, &ask, &answer);

		if (status != EXIT_DONE)
			return status;
		if (answer.outcome != CTL_OK)
			return ctl_refused(ctl, answer.outcome, answer.text);
		for (size_t i = 0; i < answer.records.len; i++) {
			if (answer.records.at[i].record > until)
				return EXIT_DONE;
			take(to, &answer.records.at[i]);
			*last = answer.records.at[i].record;
		}
		if (!answer.records.len)
			return EXIT_DONE;
		ask.from = *last + 1;
		ask.since = 0;
		arena_reset(&ctl->arena);
	}
}

static void take_json(void *to, const struct receipt_record *record)
{
	json_t *value = json_loadb(record->text.at, record->text.len, JSON_ALLOW_NUL, NULL);

	json_array_append_new(to, value ? value : json_text(record->text));
}

enum exit_status run_receipt_show(struct ctl *ctl)
{
	struct receipt_ask ask = { .id = str_of(ctl->request.arguments[0]) };
	json_t *records = json_array();
	uint64_t language = LANGUAGE_EN, last;
	enum exit_status status;

	if (ctl->request.language && !language_of(ctl->request.language, &language)) {
		buf_printf(&ctl->err, "siegel: --language: en or de would be right\n");
		json_decref(records);
		return EXIT_USAGE;
	}
	status = each_record(ctl, ask, UINT64_MAX, take_json, records, &last);
	if (status == EXIT_DONE && ctl->request.json)
		ctl_json(ctl,
			json_pack("{s:o, s:O}", "message", json_text(ask.id), "records", records));
	else if (status == EXIT_DONE)
		receipt_print(&ctl->out, ask.id, records, (enum language)language);
	json_decref(records);
	return status;
}

/* --- exporting --- */

static void add_line(struct buf *to, struct str line)
{
	buf_add(to, line);
	buf_add_char(to, '\n');
}

/* A statement of the store with its signature. */
static enum exit_status add_statement(
	struct ctl *ctl, struct str id, uint64_t number, struct buf *to)
{
	struct receipt_sign_ask ask = { .id = id, .record = number };
	struct receipt_sign_answer answer;
	enum exit_status status = ask_receipt_sign(ctl, &ask, &answer);

	if (status != EXIT_DONE)
		return status;
	if (answer.outcome != CTL_OK)
		return ctl_refused(ctl, answer.outcome, answer.text);
	add_line(to, answer.statement);
	must(buf_printf(to, LINE_SIGNATURE "%.*s\"}\n", STR_ARG(answer.signature)));
	return EXIT_DONE;
}

struct export
{
	struct ctl *ctl;
	uint64_t next;
	bool gap; /* records were removed while we read */
};

/* Records go out as they come: there may be millions. */
static void put_record(void *to, const struct receipt_record *record)
{
	struct export *export = to;
	struct ctl *ctl = export->ctl;

	export->gap |= record->record != export->next;
	export->next = record->record + 1;
	add_line(&ctl->out, record->text);
	if (ctl->out.len < LINE_MAX_BYTES)
		return;
	if (!fd_write_all(STDOUT_FILENO, buf_str(&ctl->out)))
		ctl->out.overflowed = true;
	ctl->out.len = 0;
}

static enum exit_status export_chain(struct ctl *ctl, uint64_t since)
{
	struct receipt_ask ask = { .since = since };
	struct receipt_answer answer;
	uint64_t last;
	enum exit_status status = ask_receipt_read(ctl, &ask, &answer);

	if (status != EXIT_DONE)
		return status;
	struct export export = { ctl, answer.first, false };
	ask = (struct receipt_ask){ .from = answer.first };
	last = answer.first - 1;
	status = add_statement(ctl, STR(""), last, &ctl->out);
	if (status == EXIT_DONE)
		status = each_record(ctl, ask, answer.last, put_record, &export, &last);
	if (status == EXIT_DONE && export.gap) {
		buf_add(&ctl->err, STR("siegel: records were removed meanwhile; export again\n"));
		return EXIT_FAULT;
	}
	if (status == EXIT_DONE)
		status = add_statement(ctl, STR(""), last, &ctl->out);
	return status;
}

struct message_lines {
	struct buf text;
	size_t n;
};

static void keep_record(void *to, const struct receipt_record *record)
{
	struct message_lines *lines = to;

	add_line(&lines->text, record->text);
	lines->n++;
}

/* A statement lists the newest records alone where there are very many. */
static void drop_earlier(struct buf *lines, struct str statement)
{
	size_t at = str_find_str(statement, STR(",\"earlier\":"));
	struct str rest = str_tail(statement, at + STR(",\"earlier\":").len);
	uint64_t earlier = 0;

	if (!line_number(&rest, &earlier))
		return;
	for (; earlier > 0; earlier--)
		buf_consume(lines, str_find(buf_str(lines), '\n') + 1);
}

static enum exit_status export_message(struct ctl *ctl, struct str id)
{
	scoped(buf_free) struct buf statement = BUF(LINE_MAX_BYTES);
	struct message_lines lines = { .text = BUF(ctl->out.max) };
	struct receipt_ask ask = { .id = id };
	uint64_t last = 0;
	enum exit_status status = each_record(ctl, ask, UINT64_MAX, keep_record, &lines, &last);

	if (status == EXIT_DONE)
		status = add_statement(ctl, id, last, &statement);
	if (status == EXIT_DONE) {
		drop_earlier(&lines.text, buf_str(&statement));
		buf_add(&ctl->out, buf_str(&lines.text));
		buf_add(&ctl->out, buf_str(&statement));
	}
	buf_free(&lines.text);
	return status;
}

/* "2026-11-25", "2026-11-25T18:00:00Z", or how long ago: "7d". */
static bool read_since(struct ctl *ctl, uint64_t *since)
{
	static const char *const forms[] = { "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d" };
	const char *text = ctl->request.since;
	int64_t ago;

	*since = 0;
	if (!text)
		return true;
	for (size_t i = 0; i < count_of(forms); i++) {
		struct tm utc = { 0 };
		const char *rest = strptime(text, forms[i], &utc);
		if (!rest || *rest)
			continue;
		*since = (uint64_t)timegm(&utc) * SECOND;
		return true;
	}
	if (value_span(str_of(text), 0, INT64_MAX / 2, &ago, NULL)) {
		*since = (uint64_t)(clock_wall_ms() > ago ? clock_wall_ms() - ago : 1);
		return true;
	}
	buf_printf(&ctl->err,
		"siegel: --since: \"%s\" does not fit; a date such as 2026-11-25, or how long ago, "
		"such as 7d, would be right\n",
		text);
	return false;
}

enum exit_status run_receipt_export(struct ctl *ctl)
{
	uint64_t since;

	if (!read_since(ctl, &since))
		return EXIT_USAGE;
	enum exit_status status = ctl->request.n
					  ? export_message(ctl, str_of(ctl->request.arguments[0]))
					  : export_chain(ctl, since);
	if (status == EXIT_DONE && ctl->out.overflowed) {
		buf_printf(&ctl->err, "siegel: can't write all of it\n");
		status = EXIT_FAULT;
	}
	return status;
}

/* --- verifying --- */

/* The public key to expect, and whose it is. */
struct expected {
	bool known;
	struct digest key;
	struct buf whose;
};

static bool read_file(const char *path, struct buf *to)
{
	if (!strcmp(path, "-"))
		return fd_read_all(STDIN_FILENO, to);
	scoped(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && fd_read_all(fd, to);
}

static bool read_key(const char *path, struct digest *key)
{
	scoped(buf_free) struct buf pem = BUF(PEM_MAX);

	errno = 0;
	return read_file(path, &pem) && public_key_of_pem(buf_str(&pem), key);
}

/* --key: the key itself in hex, or a file with it. */
static bool expect_given(struct ctl *ctl, struct expected *expected)
{
	const char *text = ctl->request.key;

	expected->known =
		digest_read(str_of(text), &expected->key) || read_key(text, &expected->key);
	buf_printf(&expected->whose, "the key given by --key");
	if (!expected->known)
		buf_printf(&ctl->err,
			"siegel: --key: %s%s%s; 64 hex digits, or a file with a public key such as "
			"STATE/store/receipt.pub, would be right\n",
			text, errno ? ": " : " holds no key", errno ? strerrordesc_np(errno) : "");
	return expected->known;
}

/* The installation's own, where there is one on this machine. */
static void expect_own(struct ctl *ctl, struct expected *expected)
{
	scoped(buf_free) struct buf path = BUF(4096);
	size_t before = ctl->err.len;

	if (ctl_settings(ctl)) {
		must(buf_printf(&path, "%.*s/store/receipt.pub",
			     STR_ARG(ctl->settings->state_directory)) &&
			buf_add_char(&path, '\0'));
		expected->known = read_key(path.at, &expected->key);
		buf_printf(&expected->whose, "the key of this installation (%s)", path.at);
	}
	ctl->err.len = before;
}

static void add_fault(struct buf *to, const struct receipt_verdict *v)
{
	unsigned long long line = v->line, record = v->record;

	switch (v->fault) {
	case RECEIPT_GOOD:
		buf_printf(to, "nothing was changed, removed or moved");
		break;
	case RECEIPT_UNREADABLE:
		buf_printf(to, "line %llu does not belong into a receipt", line);
		break;
	case RECEIPT_CUT:
		buf_printf(to, "the end is missing, behind line %llu", line);
		break;
	case RECEIPT_OTHER_KEY:
		buf_printf(
			to, "it was signed with another key, %.*s", STR_ARG(digest_str(&v->key)));
		break;
	case RECEIPT_UNSIGNED:
		buf_printf(to, "the statement in line %llu is not what was signed", line);
		break;
	case RECEIPT_CHANGED:
		buf_printf(to, "record %llu (line %llu) was changed", record, line);
		break;
	case RECEIPT_MISSING:
		buf_printf(to, "record %llu is missing, or not in its place (line %llu)", record,
			line);
		break;
	case RECEIPT_ADDED:
		buf_printf(to, "line %llu was not among the records", line);
		break;
	}
}

static void print_verdict(
	struct ctl *ctl, const struct receipt_verdict *v, const struct expected *expected)
{
	struct buf *to = &ctl->out;

	add_visible(to, str_of(ctl->request.arguments[0]));
	buf_add(to, STR(": "));
	add_fault(to, v);
	buf_add(to, STR(".\n"));
	if (v->fault != RECEIPT_GOOD)
		return;
	buf_printf(to, "%llu records, number %llu to %llu, ", (unsigned long long)v->records,
		(unsigned long long)v->first, (unsigned long long)v->last);
	buf_add(to, v->is_chain ? STR("all of that stretch") : STR("of message "));
	add_visible(to, v->message);
	buf_add(to, STR(".\nSigned by "));
	add_visible(to, v->server);
	buf_add(to, STR(" at "));
	add_visible(to, v->time);
	buf_printf(to, " with the key %.*s,\n", STR_ARG(digest_str(&v->key)));
	if (expected->known)
		buf_printf(to, "%.*s.\n", STR_ARG(buf_str(&expected->whose)));
	else
		buf_add(to, STR("but whose key that is nobody here knows: give the one to expect "
				"by --key.\n"));
	if (v->earlier)
		buf_printf(to, "%llu earlier records of this message are not in the file.\n",
			(unsigned long long)v->earlier);
	if (!v->is_chain && v->removed)
		buf_printf(to, "Records up to number %llu are no longer kept.\n",
			(unsigned long long)v->removed);
}

static const char *const fault_words[] = {
	[RECEIPT_GOOD] = "none",
	[RECEIPT_UNREADABLE] = "unreadable",
	[RECEIPT_CUT] = "cut",
	[RECEIPT_OTHER_KEY] = "other-key",
	[RECEIPT_UNSIGNED] = "unsigned",
	[RECEIPT_CHANGED] = "changed",
	[RECEIPT_MISSING] = "missing",
	[RECEIPT_ADDED] = "added",
};

static void verdict_json(
	struct ctl *ctl, const struct receipt_verdict *v, const struct expected *expected)
{
	ctl_json(ctl,
		json_pack("{s:b, s:s, s:I, s:I, s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o}",
			"good", v->fault == RECEIPT_GOOD && expected->known, "fault",
			fault_words[v->fault], "line", (json_int_t)v->line, "record",
			(json_int_t)v->record, "key_expected", expected->known, "key",
			json_text(digest_str(&v->key)), "server", json_text(v->server), "time",
			json_text(v->time), "records", (json_int_t)v->records, "first",
			(json_int_t)v->first, "last", (json_int_t)v->last, "earlier",
			(json_int_t)v->earlier, "removed", (json_int_t)v->removed, "message",
			v->is_chain ? json_null() : json_text(v->message)));
}

/* A file to be verified. It is mapped, for all receipts of a quarter may be more than there is
 * memory; what comes through a pipe has to be read. */
struct proof {
	struct mapping mapping;
	struct buf piped;
};

static void proof_close(struct proof *proof)
{
	fd_unmap(&proof->mapping);
	buf_free(&proof->piped);
}

static bool read_piped(int fd, struct proof *proof, struct str *text, struct why *why)
{
	if (!fd_read_all(fd, &proof->piped))
		return why_not(why, "%s%s", strerrordesc_np(errno),
			errno == EFBIG ? "; a file instead of a pipe would be right" : "");
	*text = buf_str(&proof->piped);
	return true;
}

static bool proof_open(const char *path, struct proof *proof, struct str *text, struct why *why)
{
	scoped(fd_close) int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
						    : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	struct stat state;

	if (fd < 0 || fstat(fd, &state) != 0)
		return why_not(why, "%s", strerrordesc_np(errno));
	if (S_ISFIFO(state.st_mode) || S_ISSOCK(state.st_mode))
		return read_piped(fd, proof, text, why);
	if (S_ISDIR(state.st_mode))
		return why_not(why, "%s", strerrordesc_np(EISDIR));
	if (!fd_map_file(fd, &proof->mapping, why))
		return false;
	*text = proof->mapping.bytes;
	return true;
}

static enum exit_status verify(struct ctl *ctl, const struct expected *expected)
{
	scoped(proof_close) struct proof proof = { { STR("") }, BUF(PIPED_MAX) };
	struct receipt_verdict v;
	const char *path = ctl->request.arguments[0];
	struct str text;
	struct why why;

	if (!proof_open(path, &proof, &text, &why)) {
		buf_printf(&ctl->err, "siegel: %s: %s\n", path, why.text);
		return EXIT_USAGE;
	}
	bool good = receipt_file_verify(text, expected->known ? &expected->key : NULL, &v);
	if (ctl->request.json)
		verdict_json(ctl, &v, expected);
	else
		print_verdict(ctl, &v, expected);
	return good && expected->known ? EXIT_DONE : EXIT_NEGATIVE;
}

enum exit_status run_receipt_verify(struct ctl *ctl)
{
	struct expected expected = { .whose = BUF(8192) };
	enum exit_status status = EXIT_USAGE;

	if (!ctl->request.key)
		expect_own(ctl, &expected);
	if (!ctl->request.key || expect_given(ctl, &expected))
		status = verify(ctl, &expected);
	buf_free(&expected.whose);
	return status;
}
