/* SPDX-License-Identifier: ISC
 *
 * draft.c - drafts saved, shown, and given attachments. Runs in the mailbox role, in any thread;
 * drafts of one account take turns. What comes from the page is checked for size and characters
 * alone: a draft may hold half an address.
 *
 * A save writes a new file, has it on disk, gives it its name, and removes the one before. A crash
 * leaves the old one, both (the later counts), or the new one.
 */
#include "mailbox/draft.h"

#include "mail/compose.h"
#include "mail/plain_text.h"
#include "mailbox/composition.h"
#include "mailbox/draft_open.h"
#include "mailbox/folder.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	SUBJECT_MAX = 2000,
	NAME_MAX_LEN = 255,
	TYPE_MAX_LEN = 127,
	PERSON_TEXT_MAX = 400,
	REFERENCES_MAX = 50,
	ANSWERED_MS = 5 * SECOND,
	FORWARD_MS = 30 * SECOND,
	SWEEP_AFTER_MS = HOUR
};

static bool is_text(struct str s, size_t max)
{
	return s.len <= max && str_is_utf8(s);
}

static bool are_people(const struct person *people, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_text(people[i].name, PERSON_TEXT_MAX) ||
			!is_text(people[i].address, PERSON_TEXT_MAX))
			return false;
	}
	return n <= DRAFT_PEOPLE_MAX;
}

static enum web_outcome check(const struct draft_save_ask *ask, struct why *why)
{
	if (ask->body.len > DRAFT_BODY_MAX) {
		why_not(why, "the text is too long");
		return WEB_TOO_LARGE;
	}
	if (!is_text(ask->body, DRAFT_BODY_MAX) || !is_text(ask->subject, SUBJECT_MAX) ||
		!is_text(ask->sender, 2 * PERSON_TEXT_MAX) ||
		!is_text(ask->answers, NAME_MAX_LEN) || !are_people(ask->to.at, ask->to.len) ||
		!are_people(ask->cc.at, ask->cc.len) || !are_people(ask->bcc.at, ask->bcc.len)) {
		why_not(why, "a field is too long or not UTF-8");
		return WEB_INVALID;
	}
	return WEB_OK;
}

/* --- answers --------------------------------------------------------------------------------- */

static void answer_failure(struct draft_answer *answer, enum web_outcome outcome,
	const struct why *why, struct arena *arena)
{
	*answer = (struct draft_answer){ .outcome = outcome };
	answer->text = arena_printf(arena, "%s", why->text);
}

/* What is in hand, its attachments as they are now. */
static void answer_draft(struct open_draft *open, struct arena *arena, struct draft_answer *answer)
{
	*answer = open->draft.state;
	answer->outcome = staging_list(open->own, arena, answer) ? WEB_OK : WEB_FAILED;
}

/* Open a draft that must be there. */
static enum web_outcome open_found(const struct drafts *drafts, struct str id, struct arena *arena,
	struct open_draft *open, struct why *why)
{
	enum web_outcome outcome = draft_open(drafts, id, arena, open, why);

	if (outcome == WEB_OK && !open->found) {
		why_not(why, "there is no such draft");
		outcome = WEB_NOT_FOUND;
	}
	return outcome;
}

/* --- saving ---------------------------------------------------------------------------------- */

/* The ids a reply names: those of the message it answers, and that message. */
static void add_references(
	struct draft *draft, const struct mime_document *answered, struct arena *arena)
{
	scoped(buf_free) struct buf ids = BUF(32 * 1024);
	size_t n = answered->references.len, skipped = n > REFERENCES_MAX ? n - REFERENCES_MAX : 0;
	struct str id = arena_printf(arena, "<%.*s>", STR_ARG(answered->message_id));

	if (!compose_is_message_id(id))
		return;
	for (size_t i = 0; i < n; i++) {
		if (i && i <= skipped)
			continue; /* the first stays: it is the conversation's */
		buf_printf(&ids, "<%.*s> ", STR_ARG(answered->references.at[i].text));
	}
	buf_add(&ids, id);
	draft->in_reply_to = id;
	draft->references = arena_str(arena, buf_str(&ids));
}

/* From the message itself at the first save; later from the draft before. */
static void set_references(const struct drafts *drafts, const struct open_draft *before,
	int answered, struct draft *draft, struct arena *arena)
{
	scoped(mime_end) struct mime_reader reader = MIME_READER(drafts->mime);
	scoped(arena_free) struct arena own = ARENA(2 * (size_t)MIME_ARENA_MAX);
	struct mime_document document;
	const struct draft *old = &before->draft;

	if (!draft->state.answers.len || draft->state.forwards)
		return;
	if (before->found && str_eq(old->state.answers, draft->state.answers) &&
		old->in_reply_to.len) {
		draft->in_reply_to = old->in_reply_to;
		draft->references = old->references;
		return;
	}
	if (answered >= 0 && mime_document(&reader, MIME_INDEX, answered, 0,
				     deadline_in(ANSWERED_MS), &own, &document, NULL))
		add_references(draft, &document, arena);
}

static struct draft draft_of(const struct draft_save_ask *ask)
{
	struct draft draft = { .state = {
				       .draft = ask->draft,
				       .sender = ask->sender,
				       .subject = ask->subject,
				       .body = ask->body,
				       .answers = ask->answers,
				       .forwards = ask->forwards,
				       .revision = ask->revision,
				       .saved = (uint64_t)clock_wall_ms(),
			       } };

	draft.state.to.at = ask->to.at, draft.state.to.len = ask->to.len;
	draft.state.cc.at = ask->cc.at, draft.state.cc.len = ask->cc.len;
	draft.state.bcc.at = ask->bcc.at, draft.state.bcc.len = ask->bcc.len;
	return draft;
}

static bool write_new(int tmp, const char *name, struct str bytes)
{
	scoped(fd_close) int fd =
		openat(tmp, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd >= 0 && fd_write_all(fd, bytes) && fsync(fd) == 0;
}

static enum web_outcome put_draft(
	const struct drafts *drafts, int box, const struct draft *draft, struct why *why)
{
	scoped(buf_free) struct buf bytes = BUF(DRAFT_FILE_MAX);
	scoped(fd_close) int tmp = folder_open_directory(box, "tmp");
	scoped(fd_close) int cur = folder_open_directory(box, "cur");
	char name[DRAFT_NAME_MAX + 1];
	bool good;

	if (!draft_file_write(&bytes, draft)) {
		why_not(why, "the draft is too large");
		return WEB_TOO_LARGE;
	}
	draft_file_name(
		name, draft->state.draft, draft->state.revision, (int64_t)draft->state.saved);
	good = tmp >= 0 && cur >= 0 && draft_has_room(drafts, bytes.len) &&
	       write_new(tmp, name, buf_str(&bytes)) && renameat(tmp, name, cur, name) == 0 &&
	       fsync(cur) == 0;
	if (!good) {
		enum web_outcome outcome = draft_failed(why, "saving the draft");

		if (tmp >= 0)
			unlinkat(tmp, name, 0);
		return outcome;
	}
	/* What can't be removed is an older revision, and passed over. */
	if (!draft_file_remove(box, DRAFT_FILE, draft->state.draft, name))
		why_errno(why, "an older revision");
	return WEB_OK;
}

/* What somebody wrote, without what we add to it. */
static void pack_words(struct buf *to, const struct draft_answer *state)
{
	struct draft_answer words = *state;

	words.outcome = WEB_OK;
	words.text = STR("");
	words.saved = 0;
	words.attachments.len = 0;
	pack_draft_answer(to, &words);
}

static bool same_words(const struct draft_answer *a, const struct draft_answer *b)
{
	scoped(buf_free) struct buf left = BUF(DRAFT_FILE_MAX);
	scoped(buf_free) struct buf right = BUF(DRAFT_FILE_MAX);

	pack_words(&left, a);
	pack_words(&right, b);
	return !left.overflowed && !right.overflowed && str_eq(buf_str(&left), buf_str(&right));
}

/* A revision that is there already was saved twice, because the first answer was lost; with other
 * words it is another window's, and whoever sends must not send what they have not seen. */
static bool is_outdated(const struct open_draft *open, const struct draft *draft)
{
	if (!open->found || open->place.revision < draft->state.revision)
		return false;
	return open->place.revision > draft->state.revision ||
	       !same_words(&open->draft.state, &draft->state);
}

void draft_save(const struct drafts *drafts, const struct draft_save_ask *ask, int answered,
	struct arena *arena, struct draft_answer *answer)
{
	scoped(draft_close) struct open_draft open = {
		.staging = -1, .own = -1, .box = -1, .place.folder = -1
	};
	struct draft_name sent;
	struct draft draft = draft_of(ask);
	struct why why = { "" };
	enum web_outcome outcome = check(ask, &why);

	if (outcome == WEB_OK)
		outcome = draft_open(drafts, ask->draft, arena, &open, &why);
	if (outcome == WEB_OK && draft_is_sent(&open, ask->draft, &sent))
		outcome = WEB_TOO_LATE;
	if (outcome == WEB_OK && !open.found && draft_has_copy(drafts, ask->draft))
		outcome = WEB_TOO_LATE;
	if (outcome == WEB_OK && is_outdated(&open, &draft))
		outcome = WEB_OLD;
	if (outcome == WEB_OK && !(open.found && open.place.revision == ask->revision)) {
		if (!open.found) /* once for each draft: what others have left */
			staging_sweep(open.staging, open.box, clock_wall_ms() - SWEEP_AFTER_MS);
		set_references(drafts, &open, answered, &draft, arena);
		outcome = put_draft(drafts, open.box, &draft, &why);
		open.draft = draft;
	}
	if (outcome == WEB_OK)
		answer_draft(&open, arena, answer);
	else
		answer_failure(answer, outcome, &why, arena);
}

void draft_show(const struct drafts *drafts, struct str draft, struct arena *arena,
	struct draft_answer *answer)
{
	struct why why = { "" };
	scoped(draft_close) struct open_draft open;
	enum web_outcome outcome = open_found(drafts, draft, arena, &open, &why);

	if (outcome == WEB_OK)
		answer_draft(&open, arena, answer);
	else
		answer_failure(answer, outcome, &why, arena);
}

void draft_remove(const struct drafts *drafts, struct str draft, struct done_answer *answer)
{
	scoped(arena_free) struct arena arena = ARENA(2 * (size_t)DRAFT_FILE_MAX);
	struct why why = { "" };
	scoped(draft_close) struct open_draft open;
	enum web_outcome outcome = draft_open(drafts, draft, &arena, &open, &why);
	struct draft_name sent;

	/* One that can't be read can be removed all the same. */
	if (outcome == WEB_FAILED && open.found)
		outcome = WEB_OK;
	if (outcome == WEB_OK && !draft_file_remove(open.box, DRAFT_FILE, draft, ""))
		outcome = draft_failed(&why, "removing the draft");
	/* What may be on its way has a copy to be filed: for an hour. */
	if (outcome == WEB_OK && !draft_is_sent(&open, draft, &sent) && !composition_any(open.own))
		staging_clear(open.staging, draft);
	*answer = (struct done_answer){ .outcome = outcome };
}

/* --- attachments ----------------------------------------------------------------------------- */

/* A name as it is shown and sent: one line, no path. In the arena. */
static struct str clean_name(struct str name, struct arena *arena)
{
	scoped(buf_free) struct buf clean = BUF(NAME_MAX_LEN + 4);
	struct str text;

	plain_text_add(&clean, name, NAME_MAX_LEN);
	for (size_t i = 0; i < clean.len; i++) {
		if (clean.at[i] == '/' || clean.at[i] == '\\')
			clean.at[i] = '_';
	}
	text = arena_str(arena, str_trim(buf_str(&clean)));
	return text.len ? text : STR("attachment");
}

static bool is_type(struct str type)
{
	for (size_t i = 0; i < type.len; i++) {
		if (type.at[i] <= ' ' || type.at[i] > '~' || strchr("\"\\<>;,", type.at[i]))
			return false;
	}
	return str_find(type, '/') < type.len && type.len <= TYPE_MAX_LEN;
}

static enum web_outcome add_attachment(const struct drafts *drafts, struct open_draft *open,
	struct str name, struct str type, int content, struct arena *arena, struct why *why)
{
	struct draft_answer *state = &open->draft.state;
	struct mapping bytes;
	bool good;

	if (!fd_map_sealed(content, drafts->message_max, &bytes, why))
		return WEB_TOO_LARGE;
	good = state->attachments.len < STAGING_ATTACHMENTS_MAX &&
	       draft_message_size(state, bytes.bytes.len) <= drafts->message_max;
	if (!good) {
		fd_unmap(&bytes);
		why_not(why, "the message would be too large");
		return WEB_TOO_LARGE;
	}
	good = draft_has_room(drafts, bytes.bytes.len) && draft_make_own(open, state->draft) &&
	       staging_add(open->own, clean_name(name, arena),
		       is_type(type) ? type : STR("application/octet-stream"), bytes.bytes);
	int number = errno;
	fd_unmap(&bytes);
	errno = number;
	if (!good)
		return draft_failed(why, "saving the attachment");
	return staging_list(open->own, arena, state) ? WEB_OK : WEB_FAILED;
}

void draft_attach(const struct drafts *drafts, const struct draft_attach_ask *ask, int content,
	struct arena *arena, struct draft_answer *answer)
{
	struct why why = { "" };
	scoped(draft_close) struct open_draft open;
	enum web_outcome outcome = open_found(drafts, ask->draft, arena, &open, &why);

	if (outcome == WEB_OK)
		outcome = add_attachment(drafts, &open, ask->name, ask->type, content, arena, &why);
	if (outcome == WEB_OK)
		answer_draft(&open, arena, answer);
	else
		answer_failure(answer, outcome, &why, arena);
}

void draft_detach(const struct drafts *drafts, struct str draft, uint64_t entry,
	struct arena *arena, struct draft_answer *answer)
{
	struct why why = { "" };
	scoped(draft_close) struct open_draft open;
	enum web_outcome outcome = open_found(drafts, draft, arena, &open, &why);

	if (outcome == WEB_OK && !staging_remove(open.own, entry) && errno != ENOENT &&
		errno != EBADF)
		outcome = draft_failed(&why, "removing the attachment");
	if (outcome == WEB_OK)
		answer_draft(&open, arena, answer);
	else
		answer_failure(answer, outcome, &why, arena);
}

static bool has_attachment(const struct draft_answer *state, struct str name, uint64_t size)
{
	for (size_t i = 0; i < state->attachments.len; i++) {
		if (str_eq(state->attachments.at[i].name, name) &&
			state->attachments.at[i].size == size)
			return true;
	}
	return false;
}

/* One part of the original, by a reader of its own, so that what it wrote is final. */
static enum web_outcome take_part(const struct drafts *drafts, struct open_draft *open, int file,
	const struct mime_attachment *attachment, struct arena *arena, struct why *why)
{
	scoped(arena_free) struct arena own = ARENA(MIME_ARENA_MAX);
	scoped(mime_end) struct mime_reader reader = MIME_READER(drafts->mime);
	scoped(fd_close) int out = fd_memfd("part");
	const struct mime_ask ask = { .job = MIME_PART, .part = attachment->part };
	struct mime_document document;
	struct str name = clean_name(attachment->name, &own);
	size_t size;

	if (out < 0 ||
		!mime_ask(&reader, &ask, file, out, deadline_in(FORWARD_MS), &own, &document, why))
		return WEB_FAILED;
	mime_end(&reader);
	if (!fd_seal(out) || !fd_check_sealed(out, JOB_BODY_MAX, &size, why))
		return WEB_FAILED;
	if (has_attachment(&open->draft.state, name, size))
		return WEB_OK; /* asked twice */
	return add_attachment(drafts, open, name, attachment->type, out, arena, why);
}

void draft_forward(const struct drafts *drafts, struct str draft, int file, struct arena *arena,
	struct draft_answer *answer)
{
	scoped(arena_free) struct arena own = ARENA(2 * (size_t)MIME_ARENA_MAX);
	scoped(mime_end) struct mime_reader reader = MIME_READER(drafts->mime);
	struct mime_document document = { 0 };
	struct why why = { "" };
	scoped(draft_close) struct open_draft open;
	enum web_outcome outcome = open_found(drafts, draft, arena, &open, &why);

	if (outcome == WEB_OK && !mime_document(&reader, MIME_INDEX, file, 0,
					 deadline_in(FORWARD_MS), &own, &document, &why))
		outcome = WEB_FAILED;
	for (size_t i = 0; outcome == WEB_OK && i < document.attachments.len; i++) {
		if (!document.attachments.at[i].inline_image)
			outcome = take_part(
				drafts, &open, file, &document.attachments.at[i], arena, &why);
	}
	if (outcome == WEB_OK)
		answer_draft(&open, arena, answer);
	else
		answer_failure(answer, outcome, &why, arena);
}
