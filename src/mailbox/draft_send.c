/* SPDX-License-Identifier: ISC
 *
 * draft_send.c - a draft becomes a message: composed to be sent. Runs in the mailbox role, in any
 * thread. What the store is given is composed together with its copy, which waits beside the draft
 * (composition.h): whatever is saved, attached or removed meanwhile, the copy is of what was sent.
 */
#include "mailbox/draft.h"

#include "mail/compose.h"
#include "mailbox/composition.h"
#include "mailbox/draft_open.h"
#include "mailbox/folder.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
	HEAD_MAX = 4 * DRAFT_BODY_MAX,
	PIECE = 1024 * COMPOSE_LINE,
	UNDER_WAY_MS = HOUR /* no question to the store takes so long */
};

/* Where a message is written to: in CRLF lines for SMTP, in LF lines for a Maildir. */
struct output {
	int fd;
	bool crlf;
};

/* Whole lines, which are forgotten afterwards. */
static bool put(const struct output *to, struct buf *lines)
{
	scoped(buf_free) struct buf lf = BUF(2 * HEAD_MAX);
	bool good = !lines->overflowed;

	if (!good)
		errno = EMSGSIZE;
	if (good && !to->crlf)
		draft_add_lf(&lf, buf_str(lines));
	good = good && fd_write_all(to->fd, to->crlf ? buf_str(lines) : buf_str(&lf));
	buf_clear(lines);
	return good;
}

/* --- who it goes to -------------------------------------------------------------------------- */

/* The envelope's recipients: all of To, Cc and Bcc, each once. */
struct recipients {
	struct text *at;
	size_t n;
};

static bool add_recipients(
	struct recipients *recipients, struct compose_people people, struct why *why)
{
	for (size_t i = 0; i < people.n; i++) {
		struct str address = people.at[i].address;
		bool known = false;

		if (!address.len)
			return why_not(why, "no address that can be sent to: \"%.*s\"",
				STR_ARG(str_head(people.at[i].name, 100)));
		for (size_t j = 0; j < recipients->n && !known; j++)
			known = str_eq(recipients->at[j].text, address);
		if (!known)
			recipients->at[recipients->n++].text = address;
	}
	return true;
}

/* The draft as a message; *why says what keeps it from being one. */
static bool message_of(const struct draft_answer *state, struct arena *arena, struct compose *m,
	struct recipients *recipients, struct why *why)
{
	size_t most = state->to.len + state->cc.len + state->bcc.len;

	*m = (struct compose){
		.from = draft_sender(state->sender, arena),
		.to = draft_people(state->to.at, state->to.len, arena),
		.cc = draft_people(state->cc.at, state->cc.len, arena),
		.bcc = draft_people(state->bcc.at, state->bcc.len, arena),
		.subject = state->subject,
	};
	*recipients = (struct recipients){ .at = arena_array(arena, most, sizeof(struct text)) };
	m->message_id = arena_printf(arena, "<%.*s@%.*s>", STR_ARG(state->draft),
		STR_ARG(address_domain_part(m->from.address)));
	if (!m->from.address.len)
		return why_not(why, "no sender");
	if (most == 0)
		return why_not(why, "no recipients");
	return recipients->at && add_recipients(recipients, m->to, why) &&
	       add_recipients(recipients, m->cc, why) && add_recipients(recipients, m->bcc, why);
}

/* --- composing ------------------------------------------------------------------------------- */

/* An attachment's bytes, a piece of whole base64 lines at a time. */
static bool put_content(const struct output *to, int fd, off_t at, struct buf *lines)
{
	char piece[PIECE];
	size_t filled = 0;
	ssize_t n = 1;

	while (n > 0) {
		n = pread(fd, piece + filled, sizeof piece - filled, at);
		if (n < 0)
			return false;
		at += n;
		filled += (size_t)n;
		if (n > 0 && filled < sizeof piece)
			continue;
		compose_base64(lines, (struct str){ piece, filled });
		if (!put(to, lines))
			return false;
		filled = 0;
	}
	return true;
}

static bool put_attachment(
	const struct output *to, int own, const struct attachment *a, struct str seed)
{
	scoped(buf_free) struct buf lines = BUF(HEAD_MAX);
	off_t start = 0;
	scoped(fd_close) int fd = staging_content(own, a, &start);

	if (fd < 0)
		return false;
	compose_delimiter(&lines, seed, false);
	compose_attachment(&lines, a->type, a->name);
	return put(to, &lines) && put_content(to, fd, start, &lines);
}

static bool put_message(
	const struct output *to, const struct compose *m, const struct open_draft *open)
{
	scoped(buf_free) struct buf lines = BUF(HEAD_MAX);
	const struct draft_answer *state = &open->draft.state;
	struct str seed = state->draft;

	compose_header(&lines, m);
	if (state->attachments.len) {
		compose_multipart(&lines, seed);
		compose_delimiter(&lines, seed, false);
	}
	compose_text(&lines, state->body, false);
	if (!put(to, &lines))
		return false;
	for (size_t i = 0; i < state->attachments.len; i++) {
		if (!put_attachment(to, open->own, &state->attachments.at[i], seed))
			return false;
	}
	if (!state->attachments.len)
		return true;
	compose_delimiter(&lines, seed, true);
	return put(to, &lines);
}

static bool same_attachment(const struct attachment *a, const struct attachment *b)
{
	return a->entry == b->entry && a->size == b->size && str_eq(a->name, b->name) &&
	       str_eq(a->type, b->type);
}

/* Is it what whoever sends has before them? Another window may have saved, or attached, since. */
static bool is_as_seen(const struct draft_answer *state, const struct compose_ask *ask)
{
	bool same = state->revision == ask->revision;

	if (!ask->named)
		return same;
	same = same && state->attachments.len == ask->attachments.len;
	for (size_t i = 0; same && i < ask->attachments.len; i++)
		same = same_attachment(&state->attachments.at[i], &ask->attachments.at[i]);
	return same;
}

/* The draft in this revision, and the message it makes. */
static enum web_outcome prepare(const struct drafts *drafts, const struct compose_ask *ask,
	struct arena *arena, struct open_draft *open, struct compose *m,
	struct recipients *recipients, struct why *why)
{
	enum web_outcome outcome = draft_open(drafts, ask->draft, arena, open, why);

	if (outcome != WEB_OK)
		return outcome;
	if (!open->found) {
		why_not(why, "there is no such draft");
		return WEB_NOT_FOUND;
	}
	if (!is_as_seen(&open->draft.state, ask)) {
		why_not(why, "the draft was changed elsewhere");
		return WEB_OLD;
	}
	if (composition_is_taken_back(open->own, ask->revision)) {
		why_not(why, "it was taken back");
		return WEB_TOO_LATE;
	}
	if (!message_of(&open->draft.state, arena, m, recipients, why))
		return WEB_REFUSED;
	m->in_reply_to = open->draft.in_reply_to;
	m->references = open->draft.references;
	return WEB_OK;
}

/* As it goes to the store. */
static enum web_outcome compose_into(const struct drafts *drafts, const struct open_draft *open,
	const struct compose *copy, int memfd, uint64_t *size, struct why *why)
{
	const struct output to = { .fd = memfd, .crlf = true };
	struct compose m = *copy;
	size_t length;

	m.bcc.n = 0;
	if (memfd < 0 || !put_message(&to, &m, open) || !fd_seal(memfd))
		return draft_failed(why, "composing");
	if (!fd_check_sealed(memfd, drafts->message_max, &length, why))
		return WEB_TOO_LARGE;
	*size = length;
	return WEB_OK;
}

/* The copy of it: kept, or found to be the one that was kept (`known`). */
static enum web_outcome keep_copy(const struct drafts *drafts, const struct open_draft *open,
	const struct compose *m, const struct composition *known, struct why *why)
{
	const struct draft_answer *state = &open->draft.state;
	bool room = known || draft_has_room(drafts, draft_message_size(state, 0));
	scoped(fd_close) int fd = room ? composition_begin(open->own) : -1;
	const struct output to = { .fd = fd };

	if (fd < 0 || !put_message(&to, m, open))
		return draft_failed(why, "the copy of what is sent");
	if (known && !composition_is_same(open->own, fd, known)) {
		why_not(why, "it was changed since it was put together; save it once more");
		return WEB_OLD;
	}
	if (!known && !composition_keep(open->own, fd, state->revision, m->date))
		return draft_failed(why, "the copy of what is sent");
	return WEB_OK;
}

/* Compose both; asked again, to the same bytes. */
static enum web_outcome compose_draft(const struct drafts *drafts, struct open_draft *open,
	struct compose *m, int memfd, uint64_t *size, struct why *why)
{
	uint64_t revision = open->draft.state.revision;
	struct composition known;
	int64_t now = clock_wall_ms();
	bool again = composition_find(open->own, revision, &known);

	if (!draft_make_own(open, open->draft.state.draft))
		return draft_failed(why, "the draft's folder");
	m->date = again ? known.time : now;
	enum web_outcome outcome = compose_into(drafts, open, m, memfd, size, why);
	if (outcome == WEB_OK)
		outcome = keep_copy(drafts, open, m, again ? &known : NULL, why);
	composition_end(open->own);
	composition_forget(open->own, revision, now - UNDER_WAY_MS);
	return outcome;
}

int draft_compose(const struct drafts *drafts, const struct compose_ask *ask, struct arena *arena,
	struct composed_answer *answer)
{
	struct recipients recipients = { 0 };
	struct why why = { "" };
	struct compose m;
	scoped(fd_close) int memfd = fd_memfd("message");
	scoped(draft_close) struct open_draft open;
	int result = memfd;

	*answer = (struct composed_answer){ 0 };
	answer->outcome = prepare(drafts, ask, arena, &open, &m, &recipients, &why);
	if (answer->outcome == WEB_OK)
		answer->outcome = compose_draft(drafts, &open, &m, memfd, &answer->size, &why);
	if (answer->outcome != WEB_OK) {
		answer->text = arena_printf(arena, "%s", why.text);
		return -1;
	}
	answer->sender = m.from.address;
	answer->recipients.at = recipients.at;
	answer->recipients.len = recipients.n;
	answer->subject = open.draft.state.subject;
	memfd = -1;
	return result;
}
