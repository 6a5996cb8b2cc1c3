/* SPDX-License-Identifier: ISC
 *
 * header.c - the header section, split into fields, and the senders in it. Runs in smtpd (and in
 * the store for subjects) on bytes anybody may have written. The readers of a mail program and of
 * this server must not see two different senders, so whatever programs are known to read in
 * different ways makes the senders unclear: comments and quotes that don't end, words beside an
 * address without quotes that hold an '@', repeated fields, encoded words as addresses.
 * Decoding for listings is in header_decode.c.
 */
#include "mail/header.h"

#include <string.h>

static const struct {
	const char *name;
	enum header_id id;
} known[] = {
#define HEADER_ROW(name, text) { text, HEADER_##name },
	HEADER_FIELDS(HEADER_ROW)
#undef HEADER_ROW
};

static enum header_id id_of(struct str name)
{
	for (size_t i = 0; i < count_of(known); i++) {
		if (str_eq_nocase(name, str_of(known[i].name)))
			return known[i].id;
	}
	return HEADER_OTHER;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cut the next line; *line is without its CRLF. False at a CR or LF on its own. */
static bool next_line(struct str *rest, struct str *line, size_t *taken)
{
	size_t end = str_find(*rest, '\n');
	bool ended = end < rest->len;

	if (ended && (end == 0 || rest->at[end - 1] != '\r'))
		return false;
	*line = str_head(*rest, ended ? end - 1 : end);
	*taken = ended ? end + 1 : end;
	*rest = str_tail(*rest, *taken);
	return str_find(*line, '\r') == line->len;
}

/* field-name ":" with the blanks that RFC 5322 4.5 lets stand between them. */
static bool split_field(struct str line, struct header_field *field)
{
	size_t colon = str_find(line, ':');
	struct str name = str_head(line, colon);

	while (name.len && is_blank(name.at[name.len - 1]))
		name.len--;
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] <= ' ' || name.at[i] > '~')
			return false;
	}
	field->name = name;
	field->value = str_tail(line, colon + 1);
	field->whole = line;
	field->id = id_of(name);
	return colon < line.len && name.len != 0;
}

static void extend(struct header_field *field, struct str line, struct str whole)
{
	field->value.len = (size_t)(line.at + line.len - field->value.at);
	field->whole.len = (size_t)(whole.at + whole.len - field->whole.at);
}

static const char *take_line(struct header *header, struct str line, struct str whole)
{
	struct header_field *last = header->n ? &header->fields[header->n - 1] : NULL;

	if (is_blank(line.at[0])) {
		if (!last)
			return "the header section begins with a blank";
		extend(last, line, whole);
		return NULL;
	}
	if (header->n == HEADER_FIELDS_MAX)
		return "too many header fields";
	struct header_field *field = &header->fields[header->n];
	if (!split_field(line, field))
		return "a line in the header section is no header field";
	extend(field, line, whole);
	header->count[field->id]++;
	header->n++;
	return NULL;
}

static const char *split(struct str message, struct header *header)
{
	struct str rest = message, line;
	size_t taken;

	while (rest.len) {
		const char *start = rest.at;
		header->section = (struct str){ message.at, (size_t)(start - message.at) };
		if (!next_line(&rest, &line, &taken))
			return "a CR or LF on its own";
		if (header->section.len + taken > HEADER_SECTION_MAX)
			return "the header section is too large";
		if (line.len == 0) {
			header->body = rest;
			return NULL;
		}
		if (str_find(line, '\0') < line.len)
			return "a NUL in the header section";
		const char *fault = take_line(header, line, (struct str){ start, taken });
		if (fault)
			return fault;
	}
	header->section = message;
	return NULL;
}

/* RFC 8689 5: the field once, with the value "No". */
static bool says_no_tls(const struct header *header)
{
	const struct header_field *field = header_find(header, HEADER_TLS_REQUIRED);

	return field && header->count[HEADER_TLS_REQUIRED] == 1 &&
	       str_eq_nocase(str_trim(field->value), STR("No"));
}

bool header_scan(struct str message, struct arena *arena, struct header *header)
{
	struct header_field *fields;
	size_t lines = 1;

	*header = (struct header){ .section = str_head(message, 0), .body = STR("") };
	struct str section = str_head(message, str_find_str(message, STR("\r\n\r\n")));
	for (size_t i = 0; i < section.len && lines < HEADER_FIELDS_MAX; i++)
		lines += section.at[i] == '\n';
	fields = arena_array(
		arena, lines < HEADER_FIELDS_MAX ? lines : HEADER_FIELDS_MAX, sizeof *fields);
	header->fields = fields;
	header->fault = fields ? split(message, header) : "the header section is too large";
	header->tls_required_no = fields && says_no_tls(header);
	return header->fault == NULL;
}

const struct header_field *header_find(const struct header *header, enum header_id id)
{
	for (size_t i = 0; i < header->n; i++) {
		if (header->fields[i].id == id)
			return &header->fields[i];
	}
	return NULL;
}

/*
 * Addresses, RFC 5322 3.4 with the obsolete forms of 4.4. The scanner below gives one token at a
 * time; comments and folding are skipped between them.
 */
enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_LITERAL, TOKEN_SPECIAL, TOKEN_BAD };

struct token {
	enum token_kind kind;
	char special;	 /* for TOKEN_SPECIAL */
	struct str text; /* as written, quotes and brackets included */
};

enum { COMMENT_DEPTH_MAX = 16, PHRASE_MAX = 1024 };

static bool is_word_char(char c)
{
	return c > ' ' && c != 0x7f && !strchr("()<>[]:;@\\,.\"", c);
}

/* UTF-8 (RFC 6532) counts as a word's letter; whether it is well-formed is asked once for all. */
static bool is_word_byte(char c)
{
	return (unsigned char)c >= 0x80 || is_word_char(c);
}

/* Move behind a comment. False if it doesn't end. */
static bool skip_comment(struct str *rest)
{
	size_t depth = 0;

	for (size_t i = 0; i < rest->len; i++) {
		switch (rest->at[i]) {
		case '(':
			if (++depth > COMMENT_DEPTH_MAX)
				return false;
			break;
		case ')':
			if (--depth == 0) {
				*rest = str_tail(*rest, i + 1);
				return true;
			}
			break;
		case '\\':
			i++;
			break;
		}
	}
	return false;
}

static bool skip_blanks(struct str *rest)
{
	while (rest->len) {
		char c = rest->at[0];
		if (c == '(') {
			if (!skip_comment(rest))
				return false;
		} else if (is_blank(c) || c == '\r' || c == '\n') {
			*rest = str_tail(*rest, 1);
		} else {
			return true;
		}
	}
	return true;
}

/* The piece from an opening to its closing character, both included; empty if it doesn't end. */
static struct str enclosed(struct str s, char closing)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.at[i] == closing)
			return str_head(s, i + 1);
		if (s.at[i] == '\\')
			i++;
	}
	return str_head(s, 0);
}

static struct token next_token(struct str *rest)
{
	struct token t = { .kind = TOKEN_BAD };

	if (!skip_blanks(rest))
		return t;
	if (rest->len == 0)
		return (struct token){ .kind = TOKEN_END };
	t.special = rest->at[0];
	if (t.special == '"' || t.special == '[') {
		t.kind = t.special == '"' ? TOKEN_QUOTED : TOKEN_LITERAL;
		t.text = enclosed(*rest, t.special == '"' ? '"' : ']');
	} else if (strchr("<>:;@,.", t.special)) {
		t.kind = TOKEN_SPECIAL;
		t.text = str_head(*rest, 1);
	} else {
		size_t n = 0;
		while (n < rest->len && is_word_byte(rest->at[n]))
			n++;
		t.kind = TOKEN_WORD;
		t.text = str_head(*rest, n);
	}
	if (t.text.len == 0)
		t.kind = TOKEN_BAD;
	*rest = str_tail(*rest, t.text.len);
	return t;
}

static struct token peek_token(struct str rest)
{
	return next_token(&rest);
}

static bool is_special(struct token t, char c)
{
	return t.kind == TOKEN_SPECIAL && t.special == c;
}

/* What is being read, and into where. */
struct reader {
	struct str rest;
	struct arena *arena;
	struct senders *senders;
	bool in_group;
};

/* Folding inside a quoted string isn't part of it (RFC 5322 3.2.4). */
static void put_unfolded(struct buf *to, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] != '\r' && s.at[i] != '\n')
			buf_add_char(to, s.at[i]);
	}
}

static bool has_encoded_word(struct str s)
{
	return str_find_str(s, STR("=?")) < s.len && str_find_str(s, STR("?=")) < s.len;
}

/* local-part "@" domain with blanks and comments between the pieces, as obs-local-part and
 * obs-domain allow. The pieces are joined and parsed as one address. */
static bool take_addr_spec(struct reader *r, struct address *address)
{
	scoped(buf_free) struct buf joined = BUF(PHRASE_MAX);
	struct str rest = r->rest;
	bool word_next = true, at_seen = false;

	for (;; word_next = !word_next) {
		struct token t = peek_token(rest);
		bool word = t.kind == TOKEN_WORD || (t.kind == TOKEN_QUOTED && !at_seen) ||
			    (t.kind == TOKEN_LITERAL && at_seen);
		bool joint = is_special(t, '.') || (is_special(t, '@') && !at_seen);
		if (word_next ? !word : !joint)
			break;
		at_seen = at_seen || is_special(t, '@');
		put_unfolded(&joined, t.text);
		(void)next_token(&rest);
	}
	if (word_next || !at_seen || joined.overflowed || has_encoded_word(buf_str(&joined)))
		return false;
	r->rest = rest;
	return address_parse(buf_str(&joined), r->arena, address);
}

/* obs-route: "@" domain *("," "@" domain) ":", ignored as RFC 5322 4.4 asks. */
static bool skip_route(struct reader *r)
{
	if (!is_special(peek_token(r->rest), '@'))
		return true;
	for (;;) {
		struct token t = next_token(&r->rest);
		if (is_special(t, ':'))
			return true;
		if (t.kind != TOKEN_WORD && t.kind != TOKEN_LITERAL && !is_special(t, '.') &&
			!is_special(t, '@') && !is_special(t, ','))
			return false;
	}
}

static bool add_sender(struct reader *r, struct address address)
{
	if (r->senders->n == HEADER_SENDERS_MAX)
		return false;
	r->senders->at[r->senders->n++] = address;
	return true;
}

static bool take_angle_address(struct reader *r)
{
	struct address address;

	(void)next_token(&r->rest);
	return skip_route(r) && take_addr_spec(r, &address) &&
	       is_special(next_token(&r->rest), '>') && add_sender(r, address);
}

/* Move behind a display name: words, quoted strings and (obsolete) dots. Encoded words are words;
 * what they decode to is never read as an address. An '@' ends it, and then it wasn't one. */
static bool skip_phrase(struct reader *r)
{
	bool any = false;

	for (;; any = true) {
		struct token t = peek_token(r->rest);
		if (t.kind != TOKEN_WORD && t.kind != TOKEN_QUOTED && !(any && is_special(t, '.')))
			return any;
		(void)next_token(&r->rest);
	}
}

/* A bare address, or a display name with one in angle brackets. */
static bool take_mailbox(struct reader *r)
{
	struct address address;
	struct str before = r->rest;

	if (is_special(peek_token(r->rest), '<'))
		return take_angle_address(r);
	if (take_addr_spec(r, &address)) {
		/* "ada@x <mallory@y>" is read as ada by some and as mallory by others. */
		return !is_special(peek_token(r->rest), '<') && add_sender(r, address);
	}
	r->rest = before;
	return skip_phrase(r) && is_special(peek_token(r->rest), '<') && take_angle_address(r);
}

/* phrase ":" [list] ";" - true if a group begins here; r->rest is then behind the colon. */
static bool begins_group(struct reader *r)
{
	struct reader ahead = *r;

	if (!skip_phrase(&ahead) || !is_special(next_token(&ahead.rest), ':'))
		return false;
	r->rest = ahead.rest;
	return true;
}

/* What may stand between two addresses; sets *more if another one may follow. */
static bool take_separator(struct reader *r, bool *more)
{
	struct token t = next_token(&r->rest);

	*more = true;
	if (t.kind == TOKEN_END) {
		*more = false;
		return !r->in_group;
	}
	if (is_special(t, ';') && r->in_group) {
		r->in_group = false;
		t = peek_token(r->rest);
		if (t.kind == TOKEN_END)
			*more = false;
		else
			return is_special(t, ',');
		return true;
	}
	return is_special(t, ',');
}

/* address-list with empty elements (obs-addr-list). False at the first thing that isn't one. */
static bool take_address_list(struct reader *r)
{
	bool more = true;

	while (more) {
		struct token t = peek_token(r->rest);
		if (t.kind == TOKEN_END || is_special(t, ',') || is_special(t, ';')) {
			if (!take_separator(r, &more))
				return false;
			continue;
		}
		if (!r->in_group && begins_group(r)) {
			r->in_group = true;
			continue;
		}
		if (!take_mailbox(r) || !take_separator(r, &more))
			return false;
	}
	return true;
}

/* A continuation line of blanks alone ends the header section for some readers (RFC 5322 3.2.2
 * forbids it, 4.2 has it as obsolete). */
static bool has_blank_line(struct str value)
{
	struct str rest = value;
	bool first = true;

	for (; rest.len; first = false) {
		struct str line = str_cut(&rest, '\n');
		if (!first && str_trim(line).len == 0)
			return true;
	}
	return false;
}

static const char *read_field(
	const struct header_field *field, struct arena *arena, struct senders *senders)
{
	struct reader r = { .rest = field->value, .arena = arena, .senders = senders };
	size_t before = senders->n;

	if (!str_is_utf8(field->value))
		return "a sender field is not UTF-8";
	if (has_blank_line(field->value))
		return "a sender field has a blank line in it";
	for (size_t i = 0; i < field->value.len; i++) {
		unsigned char c = (unsigned char)field->value.at[i];
		if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
			return "a sender field has control characters in it";
	}
	if (!take_address_list(&r))
		return "a sender field can be read in more than one way";
	if (senders->n == before)
		return "a sender field has no address in it";
	if (senders->n > before + 1 &&
		(field->id == HEADER_SENDER || field->id == HEADER_RESENT_SENDER))
		return "a Sender field has more than one address in it";
	return NULL;
}

static bool is_sender_field(enum header_id id)
{
	return id == HEADER_FROM || id == HEADER_SENDER || id == HEADER_RESENT_FROM ||
	       id == HEADER_RESENT_SENDER;
}

static void note(struct senders *senders, const char *why)
{
	if (!senders->why)
		senders->why = why;
}

enum senders_reading header_senders(
	const struct header *header, struct arena *arena, struct senders *senders)
{
	*senders = (struct senders){ .why = header->fault };
	senders->at = arena_array(arena, HEADER_SENDERS_MAX, sizeof *senders->at);
	if (!senders->at) {
		senders->why = "the header section is too large";
		return SENDERS_UNCLEAR;
	}
	if (header->count[HEADER_FROM] > 1)
		note(senders, "there is more than one From field");
	if (header->count[HEADER_SENDER] > 1)
		note(senders, "there is more than one Sender field");
	for (size_t i = 0; i < header->n; i++) {
		if (is_sender_field(header->fields[i].id))
			note(senders, read_field(&header->fields[i], arena, senders));
	}
	if (senders->why)
		return SENDERS_UNCLEAR;
	return header->count[HEADER_FROM] ? SENDERS_READ : SENDERS_MISSING;
}
