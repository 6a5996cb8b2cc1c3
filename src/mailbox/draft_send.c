/* SPDX-License-Identifier: ISC
 *
 * draft_send.c - a draft becomes a message: composed to be sent, copied into `.Sent`, and taken
 * back. Runs in the mailbox role, in any thread.
 *
 * Sent: the copy is on disk first, then the draft goes to its folder in `siegel-drafts`, where it
 * can be had back for an hour. Taken back: the draft first, then the copy goes. A crash leaves
 * both, and either step may be made again.
 */
#include "mailbox/draft.h"

#include "mail/compose.h"
#include "mailbox/draft_open.h"
#include "mailbox/folder.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { HEAD_MAX = 4 * DRAFT_BODY_MAX, PIECE = 1024 * COMPOSE_LINE };

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

/* When it was composed first, so that the copy has the date of what was sent. In the draft's own
 * folder; a new revision is composed anew. */
static int64_t composed_at(struct open_draft *open)
{
	const struct draft_answer *state = &open->draft.state;
	unsigned long long revision, time;
	char text[64] = "";
	int64_t now = clock_wall_ms();

	if (!draft_make_own(open, state->draft))
		return now;
	scoped(fd_close) int fd =
		openat(open->own, "composed", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return now;
	if (pread(fd, text, sizeof text - 1, 0) > 0 &&
		sscanf(text, "%20llu %20llu", &revision, &time) == 2 &&
		revision == state->revision && time < INT64_MAX)
		return (int64_t)time;
	int length = snprintf(text, sizeof text, "%llu %llu\n", (unsigned long long)state->revision,
		(unsigned long long)now);
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length)
		unlinkat(open->own, "composed", 0);
	return now;
}

/* The draft, which must be there, and the message it makes. */
static enum web_outcome prepare(const struct drafts *drafts, struct str id, struct arena *arena,
	struct open_draft *open, struct compose *m, struct recipients *recipients, struct why *why)
{
	enum web_outcome outcome = draft_open(drafts, id, arena, open, why);

	if (outcome != WEB_OK)
		return outcome;
	if (!open->found) {
		why_not(why, "there is no such draft");
		return WEB_NOT_FOUND;
	}
	if (!message_of(&open->draft.state, arena, m, recipients, why))
		return WEB_REFUSED;
	m->in_reply_to = open->draft.in_reply_to;
	m->references = open->draft.references;
	m->date = composed_at(open);
	return WEB_OK;
}

static enum web_outcome compose_into(const struct drafts *drafts, const struct open_draft *open,
	struct compose *m, int memfd, uint64_t *size, struct why *why)
{
	const struct output to = { .fd = memfd, .crlf = true };
	size_t length;

	m->bcc.n = 0;
	if (memfd < 0 || !put_message(&to, m, open) || !fd_seal(memfd))
		return draft_failed(why, "composing");
	if (!fd_check_sealed(memfd, drafts->message_max, &length, why))
		return WEB_TOO_LARGE;
	*size = length;
	return WEB_OK;
}

int draft_compose(const struct drafts *drafts, struct str draft, struct arena *arena,
	struct composed_answer *answer)
{
	struct recipients recipients = { 0 };
	struct why why = { "" };
	struct compose m;
	scoped(fd_close) int memfd = fd_memfd("message");
	scoped(draft_close) struct open_draft open;
	int result = memfd;

	*answer = (struct composed_answer){ 0 };
	answer->outcome = prepare(drafts, draft, arena, &open, &m, &recipients, &why);
	if (answer->outcome == WEB_OK)
		answer->outcome = compose_into(drafts, &open, &m, memfd, &answer->size, &why);
	if (answer->outcome != WEB_OK) {
		answer->text = arena_printf(arena, "%s", why.text);
		return -1;
	}
	answer->sender = m.from.address;
	answer->recipients.at = recipients.at;
	answer->recipients.len = recipients.n;
	answer->subject = open.draft.state.subject;
	answer->revision = open.draft.state.revision;
	memfd = -1;
	return result;
}

/* --- sent, and taken back -------------------------------------------------------------------- */

static enum web_outcome put_sent(
	int box, const struct compose *m, const struct open_draft *open, struct why *why)
{
	scoped(fd_close) int tmp = folder_open_directory(box, "tmp");
	scoped(fd_close) int cur = folder_open_directory(box, "cur");
	char name[DRAFT_NAME_MAX + 1];
	bool good = tmp >= 0 && cur >= 0;

	sent_file_name(name, open->draft.state.draft, m->date);
	if (good) {
		scoped(fd_close) int fd = openat(
			tmp, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
		const struct output to = { .fd = fd };

		good = fd >= 0 && put_message(&to, m, open) && fsync(fd) == 0;
	}
	good = good && renameat(tmp, name, cur, name) == 0 && fsync(cur) == 0;
	if (good)
		return WEB_OK;
	enum web_outcome outcome = draft_failed(why, "the copy of what was sent");
	if (tmp >= 0)
		unlinkat(tmp, name, 0);
	return outcome;
}

/* Out of the drafts, to where draft_unsent finds it. */
static enum web_outcome keep_draft(struct open_draft *open, struct why *why)
{
	const struct draft_place *place = &open->place;
	struct str id = open->draft.state.draft;
	bool good = draft_make_own(open, id) &&
		    renameat(place->folder, place->name, open->own, place->name) == 0 &&
		    fsync(open->own) == 0 && fsync(place->folder) == 0 &&
		    draft_file_remove(open->box, DRAFT_FILE, id, "");

	return good ? WEB_OK : draft_failed(why, "the draft of what was sent");
}

static enum web_outcome make_sent(const struct drafts *drafts, struct str draft,
	struct arena *arena, struct open_draft *open, struct why *why)
{
	scoped(fd_close) int box = draft_box(drafts, ".Sent");
	struct recipients recipients = { 0 };
	struct compose m;
	char name[DRAFT_NAME_MAX + 1];
	enum web_outcome outcome = prepare(drafts, draft, arena, open, &m, &recipients, why);

	if (outcome == WEB_NOT_FOUND &&
		(draft_is_sent(open, draft, name) || draft_has_copy(drafts, draft)))
		return WEB_OK; /* before */
	if (outcome != WEB_OK)
		return outcome;
	if (box < 0)
		return draft_failed(why, "the folder of what was sent");
	if (!draft_has_copy(drafts, draft))
		outcome = put_sent(box, &m, open, why);
	return outcome == WEB_OK ? keep_draft(open, why) : outcome;
}

void draft_sent(const struct drafts *drafts, struct str draft, struct arena *arena,
	struct done_answer *answer, struct str *answers, bool *forwards)
{
	struct why why = { "" };
	scoped(draft_close) struct open_draft open;

	*answer = (struct done_answer){ .outcome = make_sent(drafts, draft, arena, &open, &why) };
	if (answer->outcome != WEB_OK)
		answer->text = arena_printf(arena, "%s", why.text);
	*answers = answer->outcome == WEB_OK ? open.draft.state.answers : STR("");
	*forwards = open.draft.state.forwards;
}

/* The draft back where it was. */
static enum web_outcome restore(struct open_draft *open, const char *name, struct why *why)
{
	scoped(fd_close) int cur = folder_open_directory(open->box, "cur");
	bool good = cur >= 0 && renameat(open->own, name, cur, name) == 0 && fsync(cur) == 0 &&
		    fsync(open->own) == 0;

	return good ? WEB_OK : draft_failed(why, "the draft");
}

void draft_unsent(const struct drafts *drafts, struct str draft, struct arena *arena,
	struct done_answer *answer)
{
	scoped(fd_close) int box = draft_box(drafts, ".Sent");
	struct why why = { "" };
	char name[DRAFT_NAME_MAX + 1];
	scoped(draft_close) struct open_draft open;
	enum web_outcome outcome = draft_open(drafts, draft, arena, &open, &why);

	if (outcome == WEB_OK && draft_is_sent(&open, draft, name))
		outcome = restore(&open, name, &why);
	else if (outcome == WEB_OK && !open.found)
		outcome = WEB_NOT_FOUND;
	if (outcome == WEB_OK && box >= 0 && !draft_file_remove(box, SENT_FILE, draft, ""))
		outcome = draft_failed(&why, "the copy of what was sent");
	*answer = (struct done_answer){ .outcome = outcome };
	answer->text = arena_printf(arena, "%s", why.text);
}
