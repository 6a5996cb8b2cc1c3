/* SPDX-License-Identifier: ISC
 *
 * answer.c - see answer.h. Runs in the threads of call/answers.c. The web role may be owned by an
 * attacker: each question brings a session's token, the store says whose it is, and only that
 * account's folder is opened. Every call is a row: what it does with the account once it is open.
 */
#include "mailbox/answer.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "mailbox/change.h"
#include "mailbox/draft.h"
#include "mailbox/folders.h"
#include "mailbox/list.h"
#include "mailbox/people.h"
#include "mailbox/scan.h"
#include "mailbox/session.h"
#include "mailbox/show.h"
#include "mailbox/watch.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_ARENA = 48 * 1024 * 1024, STACK = 512 * 1024, CHUNK = 64 * 1024 };

struct postroom {
	struct sessions *sessions;
	struct accounts *accounts;
	struct digests *digests;
	struct watches *watches;
	struct mime *mime;
	uint64_t message_max, disk_reserve;
};

/* A question whose session is good. */
struct post {
	struct postroom *room;
	struct account *account;
	struct str mailbox;
	struct question *q;
	struct drafts drafts;
};

/* --- reading --- */

static void do_folders(struct post *p)
{
	folders_list(p->account, p->q->arena, &p->q->answer.folders);
}

static void do_folder_change(struct post *p)
{
	folders_change(
		p->account, &p->q->ask.folder_change, p->q->arena, &p->q->answer.folder_change);
}

static void do_messages(struct post *p)
{
	list(p->room->digests, p->account, &p->q->ask.messages, p->q->arena,
		&p->q->answer.messages);
}

static void do_mail_watch(struct post *p)
{
	bool watched = watches_renew(p->room->watches, p->account, p->mailbox);

	p->q->answer.mail_watch.outcome = watched ? WEB_OK : WEB_BUSY;
}

static void do_messages_change(struct post *p)
{
	change(p->account, &p->q->ask.messages_change, p->q->arena, &p->q->answer.messages_change);
}

static void do_addresses(struct post *p)
{
	pthread_mutex_lock(&p->account->lock);
	scan(p->account);
	pthread_mutex_unlock(&p->account->lock);
	digests_read(p->room->digests, p->account, deadline_in(LIST_WAIT));
	pthread_mutex_lock(&p->account->lock);
	index_ready(p->account->index);
	people_find(p->account->index, &p->q->ask.addresses, p->q->arena, &p->q->answer.addresses);
	if (p->account->index->db.failure != SQLITE_OK)
		index_recover(p->account->index);
	pthread_mutex_unlock(&p->account->lock);
}

/* The message of an id, read into the index first, so that its conversation is known; -1. */
static int open_message(struct post *p, struct str id, struct message_answer *answer)
{
	struct located l;
	int fd = scan_open(p->account, id, p->q->arena, &l);

	*answer = (struct message_answer){ .outcome = WEB_NOT_FOUND };
	if (fd < 0)
		return -1;
	digests_read_some(p->room->digests, p->account, &l.number, 1);
	fd_close(&fd);
	fd = scan_open(p->account, id, p->q->arena, &l);
	if (fd < 0)
		return -1;
	*answer = (struct message_answer){ .outcome = WEB_OK,
		.folder = l.folder,
		.flags = l.flags,
		.conversation = list_conversation(l.conversation, p->q->arena),
		.queue_id = l.queue_id,
		.sent = l.sent,
		.draft = l.draft,
		.size = l.size };
	return fd;
}

static void do_message(struct post *p)
{
	struct str id = p->q->ask.message.id;
	struct message_answer *answer = &p->q->answer.message;
	scoped(fd_close) int file = open_message(p, id, answer);

	if (file >= 0)
		p->q->fd_out = show_message(p->room->mime, file, id, p->q->arena, answer);
}

static void do_message_body(struct post *p)
{
	struct message_answer *answer = &p->q->answer.message_body;
	scoped(fd_close) int file = open_message(p, p->q->ask.message_body.id, answer);

	if (file >= 0)
		p->q->fd_out = show_body(p->room->mime, file, p->q->arena, answer);
}

static void do_message_part(struct post *p)
{
	const struct message_part_ask *ask = &p->q->ask.message_part;
	struct located l;
	scoped(fd_close) int file = scan_open(p->account, ask->id, p->q->arena, &l);

	p->q->answer.message_part = (struct message_part_answer){ .outcome = WEB_NOT_FOUND };
	if (file >= 0)
		p->q->fd_out = show_part(p->room->mime, file, ask->part, ask->shown != 0,
			p->q->arena, &p->q->answer.message_part);
}

/* A copy nobody changes; -1 with errno. */
static int copy_sealed(int file)
{
	scoped(fd_close) int copy = fd_memfd("message");
	char chunk[CHUNK];
	ssize_t n = 1;
	size_t all = 0;

	while (copy >= 0 && (n = read(file, chunk, sizeof chunk)) > 0) {
		all += (size_t)n;
		if (all > JOB_BODY_MAX) {
			errno = EFBIG;
			return -1;
		}
		if (!fd_write_all(copy, (struct str){ chunk, (size_t)n }))
			return -1;
	}
	if (copy < 0 || n < 0 || !fd_seal(copy))
		return -1;
	int out = copy;
	copy = -1;
	return out;
}

static void do_message_source(struct post *p)
{
	struct message_answer *answer = &p->q->answer.message_source;
	scoped(fd_close) int file = open_message(p, p->q->ask.message_source.id, answer);

	if (file < 0)
		return;
	p->q->fd_out = copy_sealed(file);
	if (p->q->fd_out < 0)
		*answer = (struct message_answer){ .outcome = WEB_FAILED,
			.text = str_of(strerrordesc_np(errno)) };
}

/* --- writing --- */

static void do_draft_save(struct post *p)
{
	struct located l;
	scoped(fd_close) int answered = -1;
	const struct draft_save_ask *ask = &p->q->ask.draft_save;

	if (ask->answers.len)
		answered = scan_open(p->account, ask->answers, p->q->arena, &l);
	draft_save(&p->drafts, ask, answered, p->q->arena, &p->q->answer.draft_save);
}

static void do_draft_show(struct post *p)
{
	draft_show(&p->drafts, p->q->ask.draft_show.draft, p->q->arena, &p->q->answer.draft_show);
}

static void do_draft_attach(struct post *p)
{
	draft_attach(&p->drafts, &p->q->ask.draft_attach, p->q->fd_in, p->q->arena,
		&p->q->answer.draft_attach);
}

static void do_draft_detach(struct post *p)
{
	draft_detach(&p->drafts, p->q->ask.draft_detach.draft, p->q->ask.draft_detach.entry,
		p->q->arena, &p->q->answer.draft_detach);
}

static void do_draft_forward(struct post *p)
{
	const struct draft_forward_ask *ask = &p->q->ask.draft_forward;
	struct located l;
	scoped(fd_close) int file = scan_open(p->account, ask->id, p->q->arena, &l);

	p->q->answer.draft_forward = (struct draft_answer){ .outcome = WEB_NOT_FOUND };
	if (file >= 0)
		draft_forward(
			&p->drafts, ask->draft, file, p->q->arena, &p->q->answer.draft_forward);
}

static void do_draft_remove(struct post *p)
{
	draft_remove(&p->drafts, p->q->ask.draft_remove.draft, &p->q->answer.draft_remove);
}

static void do_draft_compose(struct post *p)
{
	p->q->fd_out = draft_compose(
		&p->drafts, &p->q->ask.draft_compose, p->q->arena, &p->q->answer.draft_compose);
}

static void do_draft_sent(struct post *p)
{
	struct str answers = STR("");
	bool forwards = false;

	draft_sent(&p->drafts, &p->q->ask.draft_sent, p->q->arena, &p->q->answer.draft_sent,
		&answers, &forwards);
	if (p->q->answer.draft_sent.outcome == WEB_OK && answers.len)
		change_flags(p->account, answers, forwards ? MESSAGE_FORWARDED : MESSAGE_ANSWERED,
			p->q->arena);
}

static void do_draft_unsent(struct post *p)
{
	draft_unsent(&p->drafts, &p->q->ask.draft_unsent, p->q->arena, &p->q->answer.draft_unsent);
}

/* --- who asks --- */

#define POST_ROW(name, ...) [CALL_##name] = do_##name,
static void (*const doing[CALLS_N])(struct post *) = { MAILBOX_CALLS(POST_ROW) };
#undef POST_ROW

static struct str token_of(const struct question *q)
{
	switch (q->call) {
#define TOKEN_OF(name, ...) \
	case CALL_##name:   \
		return q->ask.name.token;
		MAILBOX_CALLS(TOKEN_OF)
#undef TOKEN_OF
	default:
		return STR("");
	}
}

static void answer_only(struct question *q, enum web_outcome outcome)
{
	switch (q->call) {
#define ANSWER_ONLY(name, ask_t, answer_t, ...)                           \
	case CALL_##name:                                                 \
		q->answer.name = (struct answer_t){ .outcome = outcome }; \
		break;
		MAILBOX_CALLS(ANSWER_ONLY)
#undef ANSWER_ONLY
	default:
		break;
	}
}

static void answer(void *context, struct question *q)
{
	struct postroom *room = context;
	struct str mailbox = STR("");
	struct why why;
	enum web_outcome outcome = session_mailbox(
		room->sessions, token_of(q), q->call == CALL_mail_watch, q->arena, &mailbox);

	answer_only(q, outcome);
	if (outcome != WEB_OK)
		return;
	struct account *account = account_take(room->accounts, mailbox, &why);
	if (!account) {
		LOG(LOG_ALARM, "no-mailbox", log_str("account", mailbox),
			log_text("why", why.text));
		answer_only(q, WEB_FAILED);
		return;
	}
	struct post post = { room, account, mailbox, q,
		{ room->mime, account->folder, (size_t)room->message_max, room->disk_reserve } };
	doing[q->call](&post);
	account_give_back(room->accounts, account);
}

struct postroom *postroom_new(struct client *store, struct mime *mime, int root,
	uint64_t message_max, uint64_t disk_reserve)
{
	struct postroom *room = must_alloc(sizeof *room);

	room->sessions = sessions_new(store);
	room->accounts = accounts_new(root);
	room->digests = digests_new(room->accounts, mime);
	room->watches = watches_new(room->accounts, store);
	room->mime = mime;
	room->message_max = message_max;
	room->disk_reserve = disk_reserve;
	return room;
}

void postroom_serve(struct postroom *room)
{
	digests_serve(room->digests);
	watches_serve(room->watches);
}

void postroom_free(struct postroom **room)
{
	watches_free(&(*room)->watches);
	digests_free(&(*room)->digests);
	accounts_free(&(*room)->accounts);
	sessions_free(&(*room)->sessions);
	free(*room);
	*room = NULL;
}

struct answering postroom_answering(struct postroom *room)
{
	return (struct answering){ .by = ROLE_MAILBOX,
		.work = answer,
		.context = room,
		.at_once = MAILBOX_ANSWERS_MAX,
		.wait = MAILBOX_ANSWERS_WAIT,
		.busy = WEB_BUSY,
		.stack = STACK,
		.arena = ANSWER_ARENA };
}
