/* SPDX-License-Identifier: ISC
 *
 * receipt_file.c - see receipt_file.h. Every byte counts: each line is one that is signed, hashed
 * into what is signed, or a signature, and nothing else may stand in the file. One pass, no memory.
 * The first wrong record is named as if one had been changed, for that is what people ask.
 */
#include "mail/receipt_file.h"

struct reader {
	struct str rest;
	uint64_t line;
	const struct digest *expected; /* the key, or NULL */
	struct receipt_verdict *verdict;
};

static bool found(struct reader *r, enum receipt_fault fault, uint64_t record)
{
	r->verdict->fault = fault;
	r->verdict->record = record;
	r->verdict->line = r->line;
	return false;
}

/* A line without its end. A last one without an end is none. */
static bool next_line(struct reader *r, struct str *line)
{
	if (str_find(r->rest, '\n') == r->rest.len)
		return false;
	*line = str_cut(&r->rest, '\n');
	r->line++;
	return true;
}

static bool peek_line(const struct reader *r, struct str *line)
{
	struct reader copy = *r;

	return next_line(&copy, line);
}

static bool is_record(struct str line)
{
	return str_starts(line, STR(LINE_RECORD));
}

static bool same(const struct digest *a, const struct digest *b)
{
	return str_eq(digest_str(a), digest_str(b));
}

/* --- statements --- */

struct checkpoint {
	uint64_t number;
	struct digest hash;
};

/* The rest of a statement: by whom, when. */
static bool read_signed_by(struct reader *r, struct str rest)
{
	struct receipt_verdict *v = r->verdict;

	v->server = STR("");
	if (line_skip(&rest, ",\"server\":\""))
		v->server = str_cut(&rest, '"');
	if (!line_skip(&rest, ",\"key\":\"") || !line_digest(&rest, &v->key) ||
		!line_skip(&rest, "\",\"time\":\""))
		return false;
	v->time = str_cut(&rest, '"');
	return str_eq(rest, STR("}"));
}

/* The signature follows a statement at once. */
static bool check_signature(struct reader *r, struct str statement)
{
	uint64_t line = r->line;
	struct str signature;

	if (r->expected && !same(r->expected, &r->verdict->key))
		return found(r, RECEIPT_OTHER_KEY, 0);
	if (!next_line(r, &signature))
		return found(r, RECEIPT_CUT, 0);
	if (!line_skip(&signature, LINE_SIGNATURE) ||
		!str_eq(str_tail(signature, SIGNATURE_HEX), STR("\"}")))
		return found(r, RECEIPT_UNREADABLE, 0);
	if (signature_holds(
		    digest_str(&r->verdict->key), statement, str_head(signature, SIGNATURE_HEX)))
		return true;
	r->line = line;
	return found(r, RECEIPT_UNSIGNED, 0);
}

static bool read_checkpoint(struct reader *r, struct str line, struct checkpoint *point)
{
	struct str rest = line;

	if (!line_skip(&rest, LINE_CHECKPOINT) || !line_number(&rest, &point->number) ||
		!line_skip(&rest, ",\"hash\":\"") || !line_digest(&rest, &point->hash) ||
		!line_skip(&rest, "\"") || !read_signed_by(r, rest))
		return found(r, RECEIPT_UNREADABLE, 0);
	return check_signature(r, line);
}

static bool check_end(struct reader *r)
{
	if (!r->rest.len)
		return true;
	r->line++;
	return found(r, RECEIPT_UNREADABLE, 0);
}

/* --- a chain --- */

/* What the line behind a record says that record's hash is. */
static bool next_says(const struct reader *r, struct digest *hash)
{
	struct record_link link;
	uint64_t number;
	struct str line;

	if (!peek_line(r, &line))
		return false;
	if (record_read_link(line, &link)) {
		*hash = link.previous;
		return true;
	}
	return line_skip(&line, LINE_CHECKPOINT) && line_number(&line, &number) &&
	       line_skip(&line, ",\"hash\":\"") && line_digest(&line, hash);
}

/* Two records don't fit together: the later one is the wrong one unless what follows it vouches
 * for it. */
static bool misfit(struct reader *r, uint64_t number, const struct digest *hash)
{
	struct digest said;

	if (r->verdict->records && next_says(r, &said) && same(&said, hash)) {
		r->line--;
		return found(r, RECEIPT_CHANGED, number - 1);
	}
	return found(r, RECEIPT_CHANGED, number);
}

static bool is_whole(struct str line)
{
	struct str behind = str_tail(line, 1);

	return str_ends_nocase(line, STR("}")) &&
	       str_find_str(behind, STR("{\"version\":1,\"")) == behind.len;
}

static bool check_record(struct reader *r, struct str line, struct checkpoint *at)
{
	struct record_link link;
	uint64_t number = at->number + 1;
	struct digest hash = digest_of(line);

	if (!record_read_link(line, &link))
		return found(r, RECEIPT_CHANGED, number);
	if (link.number != number)
		return found(r, same(&link.previous, &at->hash) ? RECEIPT_CHANGED : RECEIPT_MISSING,
			number);
	if (!same(&link.previous, &at->hash))
		return misfit(r, number, &hash);
	if (!is_whole(line))
		return found(r, RECEIPT_CHANGED, number);
	*at = (struct checkpoint){ number, hash };
	r->verdict->records++;
	return true;
}

static bool close_chain(struct reader *r, struct str line, const struct checkpoint *at)
{
	uint64_t last_line = r->line - 1;
	struct checkpoint closing;

	if (!read_checkpoint(r, line, &closing) || !check_end(r))
		return false;
	r->line = last_line;
	if (closing.number > at->number)
		return found(r, RECEIPT_MISSING, at->number + 1);
	if (closing.number < at->number)
		return found(r, RECEIPT_ADDED, closing.number + 1);
	if (!same(&closing.hash, &at->hash))
		return found(r, RECEIPT_CHANGED, at->number);
	return true;
}

static bool verify_chain(struct reader *r)
{
	struct checkpoint at;
	struct str line;

	r->verdict->is_chain = true;
	if (!next_line(r, &line) || !read_checkpoint(r, line, &at))
		return r->verdict->fault ? false : found(r, RECEIPT_CUT, 0);
	r->verdict->first = at.number + 1;
	while (next_line(r, &line)) {
		if (str_starts(line, STR(LINE_CHECKPOINT))) {
			r->verdict->last = at.number;
			return close_chain(r, line, &at);
		}
		if (!check_record(r, line, &at))
			return false;
	}
	return found(r, RECEIPT_CUT, 0);
}

/* --- the records of one message --- */

/* One record against the statement's reference to it; *records is at the record's line. */
static bool check_reference(struct reader *records, const struct checkpoint *reference)
{
	struct record_link link;
	struct digest hash;
	struct str line;

	if (!next_line(records, &line) || !is_record(line))
		return found(records, RECEIPT_MISSING, reference->number);
	hash = digest_of(line);
	if (same(&hash, &reference->hash)) {
		records->verdict->records++;
		return true;
	}
	bool here = record_read_link(line, &link) && link.number == reference->number;
	return found(records, here ? RECEIPT_CHANGED : RECEIPT_MISSING, reference->number);
}

static bool read_reference(struct str *rest, struct checkpoint *reference)
{
	return line_skip(rest, "{\"record\":") && line_number(rest, &reference->number) &&
	       line_skip(rest, ",\"hash\":\"") && line_digest(rest, &reference->hash) &&
	       line_skip(rest, "\"}");
}

/* Walk over the references; with `records`, compare each with its record. */
static bool walk_references(struct str *rest, struct reader *records)
{
	struct checkpoint reference;

	while (rest->len && rest->at[0] == '{') {
		if (!read_reference(rest, &reference))
			return false;
		if (records && !records->verdict->first)
			records->verdict->first = reference.number;
		if (records)
			records->verdict->last = reference.number;
		if (records && !check_reference(records, &reference))
			return false;
		if (!line_skip(rest, ",") && !str_starts(*rest, STR("]")))
			return false;
	}
	return true;
}

static bool read_message(struct reader *r, struct str line, struct str *references)
{
	struct receipt_verdict *v = r->verdict;

	if (!line_skip(&line, LINE_MESSAGE))
		return false;
	v->message = str_cut(&line, '"');
	*references = line;
	if (!line_skip(references, ",\"records\":["))
		return false;
	line = *references;
	return walk_references(&line, NULL) && line_skip(&line, "],\"earlier\":") &&
	       line_number(&line, &v->earlier) && line_skip(&line, ",\"removed\":") &&
	       line_number(&line, &v->removed) && read_signed_by(r, line);
}

static bool verify_message(struct reader *r)
{
	struct reader records = *r;
	struct str line, references;
	bool there;

	while ((there = next_line(r, &line)) && !str_starts(line, STR(LINE_MESSAGE)) &&
		!str_starts(line, STR(LINE_SIGNATURE)))
		;
	if (!there)
		return found(r, RECEIPT_CUT, 0);
	if (!read_message(r, line, &references))
		return found(r, RECEIPT_UNREADABLE, 0);
	if (!check_signature(r, line) || !check_end(r))
		return false;
	if (!walk_references(&references, &records))
		return false;
	if (records.line + 1 == r->line - 1)
		return true;
	records.line++;
	return found(&records, RECEIPT_ADDED, 0);
}

bool receipt_file_verify(struct str file, const struct digest *key, struct receipt_verdict *verdict)
{
	struct reader reader = { .rest = file, .expected = key, .verdict = verdict };
	struct str line;

	*verdict = (struct receipt_verdict){
		.message = STR(""), .server = STR(""), .time = STR(""), .key = digest_none()
	};
	if (!peek_line(&reader, &line))
		return found(&reader, RECEIPT_CUT, 0);
	if (str_starts(line, STR(LINE_CHECKPOINT)))
		return verify_chain(&reader);
	return verify_message(&reader);
}
