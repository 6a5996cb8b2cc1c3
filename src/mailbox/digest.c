/* SPDX-License-Identifier: ISC
 *
 * digest.c - see digest.h. No lock is held while a message is read, so that in between it may be
 * moved, erased, or read by somebody else: what was read goes to the row that is there then. The
 * thread gives each account a TURN, so that a large one holds nobody up.
 */
#include "mailbox/digest.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include "base/thread.h"
#include "mailbox/conversation.h"
#include "mailbox/fold.h"
#include "mailbox/folder_name.h"
#include "mailbox/people.h"
#include "mailbox/scan.h"
#include <errno.h>
#include <stdlib.h>

enum {
	NAME_ARENA = 64 * 1024,
	SUBJECT_MAX = 1000,
	PREVIEW_MAX = 300,
	LISTED_MAX = 10, /* people a message went to that are shown in a list */
	WORDS_MAX = 64 * 1024,
	TURN = SECOND / 2,	       /* before another account has its turn */
	MEMORY_MAX = 16 * 1024 * 1024, /* of a batch; the rest of it is read next time */
};

/* An account that waits for its turn. */
struct wish {
	struct account *account;
	struct wish *next;
};

struct digests {
	struct accounts *accounts;
	struct mime *mime;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wished, read;
	struct wish *first;
};

struct digests *digests_new(struct accounts *accounts, struct mime *mime)
{
	struct digests *d = must_alloc(sizeof *d);

	d->accounts = accounts;
	d->mime = mime;
	must(pthread_mutex_init(&d->lock, NULL) == 0);
	condition_init(&d->wished);
	condition_init(&d->read);
	return d;
}

void digests_free(struct digests **digests)
{
	struct digests *d = *digests;

	for (struct wish *w = d->first, *next; w; w = next) {
		next = w->next;
		account_give_back(d->accounts, w->account);
		free(w);
	}
	pthread_cond_destroy(&d->read);
	pthread_cond_destroy(&d->wished);
	pthread_mutex_destroy(&d->lock);
	free(d);
	*digests = NULL;
}

/* --- into the index, within a transaction --- */

static void add_people(struct buf *to, const struct person *people, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fold_add(to, people[i].name);
		buf_add_char(to, ' ');
		fold_add(to, people[i].address);
		buf_add_char(to, ' ');
	}
}

/* As the table `message` has them: a line for the name, a line for the address. */
static void list_people(struct buf *to, const struct person *people, size_t n)
{
	for (size_t i = 0; i < n && i < LISTED_MAX; i++)
		buf_printf(to, "%.*s\n%.*s\n", STR_ARG(str_head(people[i].name, SUBJECT_MAX)),
			STR_ARG(str_head(people[i].address, SUBJECT_MAX)));
}

static void add_files(struct buf *to, const struct mime_document *d)
{
	for (size_t i = 0; i < d->attachments.len; i++) {
		fold_add(to, d->attachments.at[i].name);
		buf_add_char(to, ' ');
	}
}

static void put_words(struct index *index, int64_t number, const struct mime_document *d)
{
	struct buf sender = BUF(WORDS_MAX), recipients = BUF(WORDS_MAX), files = BUF(WORDS_MAX);
	struct buf subject = BUF(FOLD_GROWS * d->subject.len + 1),
		   text = BUF(FOLD_GROWS * DIGEST_TEXT_MAX);

	add_people(&sender, d->from.at, d->from.len);
	add_people(&recipients, d->to.at, d->to.len);
	add_people(&recipients, d->cc.at, d->cc.len);
	add_people(&recipients, d->bcc.at, d->bcc.len);
	add_files(&files, d);
	fold_add(&subject, d->subject);
	fold_add(&text, str_head_utf8(d->text, DIGEST_TEXT_MAX));
	INDEX_RUN(index, WORDS_REMOVE, as_number(number));
	INDEX_RUN(index, WORDS_ADD, as_number(number), as_text(buf_str(&sender)),
		as_text(buf_str(&recipients)), as_text(buf_str(&subject)), as_text(buf_str(&files)),
		as_text(buf_str(&text)));
	buf_free(&text);
	buf_free(&subject);
	buf_free(&sender);
	buf_free(&recipients);
	buf_free(&files);
}

static void put_addressees(struct index *index, int64_t number, const struct mime_document *d)
{
	people_forget(index, number);
	for (size_t i = 0; i < d->to.len; i++)
		people_add(index, number, &d->to.at[i]);
	for (size_t i = 0; i < d->cc.len; i++)
		people_add(index, number, &d->cc.at[i]);
}

/* Attachments that are one, and not a picture in the text. */
static int64_t count_attachments(const struct mime_document *d)
{
	int64_t n = 0;

	for (size_t i = 0; i < d->attachments.len; i++)
		n += !d->attachments.at[i].inline_image;
	return n;
}

static int64_t join(struct index *index, int64_t number, const struct mime_document *d,
	struct arena *arena, int64_t *message_id)
{
	struct relations relations = { .number = number, .id = d->message_id };

	relations.at = arena_array(arena, d->references.len + 1, sizeof *relations.at);
	for (size_t i = 0; relations.at && i < d->references.len; i++)
		if (d->references.at[i].text.len)
			relations.at[relations.n++] = d->references.at[i].text;
	return conversation_join(index, &relations, message_id);
}

static void put_document(struct index *index, const struct located *l,
	const struct mime_document *d, struct arena *arena)
{
	struct person nobody = { STR(""), STR("") };
	const struct person *from = d->from.len ? d->from.at : &nobody;
	struct buf people = BUF(WORDS_MAX);
	int64_t message_id, conversation = join(index, l->number, d, arena, &message_id);

	list_people(&people, d->to.at, d->to.len);
	INDEX_RUN(index, MESSAGE_IS_READ, as_number(l->number), as_number(count_attachments(d)),
		as_number(message_id), as_number(conversation));
	INDEX_RUN(index, SUMMARY_PUT, as_number(l->number),
		as_text(str_head_utf8(from->name, SUBJECT_MAX)),
		as_text(str_head_utf8(from->address, SUBJECT_MAX)), as_text(buf_str(&people)),
		as_text(str_head_utf8(d->subject, SUBJECT_MAX)),
		as_text(str_head_utf8(d->preview, PREVIEW_MAX)));
	put_words(index, l->number, d);
	if (folder_name_kind(l->folder) == FOLDER_SENT)
		put_addressees(index, l->number, d);
	else
		people_forget(index, l->number);
	buf_free(&people);
}

/* --- reading --- */

/* One of a batch. */
struct digest {
	struct located located;
	struct arena arena;
	struct mime_document document;
	bool found, read;
};

static void read_one(struct account *account, struct mime_reader *reader, struct digest *d)
{
	scoped(fd_close) int file = scan_open_file(account->folder, &d->located);
	struct why why = { "" };

	if (file < 0 && errno == ENOENT) {
		d->found = false; /* it has moved; the next look at the folders finds it */
		return;
	}
	if (file < 0)
		why_errno(&why, "can't open it");
	else
		d->read = mime_document(reader, MIME_INDEX, file, DIGEST_TEXT_MAX,
			deadline_in(DIGEST_WAIT), &d->arena, &d->document, &why);
	if (!d->read)
		LOG(LOG_WARNING, "message-unreadable", log_str("file", d->located.name),
			log_str("folder", d->located.folder), log_text("why", why.text));
}

/* Returns whether all that were found are read now. */
static bool read_all(
	struct account *account, struct mime_reader *reader, struct digest *digests, size_t n)
{
	size_t memory = 0;
	bool all = true;

	for (size_t i = 0; i < n; i++) {
		if (!digests[i].found)
			continue;
		if (memory < MEMORY_MAX)
			read_one(account, reader, &digests[i]);
		else
			digests[i].found = false;
		memory += digests[i].arena.used;
		all = all && digests[i].found;
	}
	return all;
}

/* With the lock held. What isn't to be read any more is left out. */
static void locate_all(
	struct account *account, const int64_t *numbers, size_t n, struct digest *digests)
{
	struct index *index = account->index;

	index_ready(index);
	for (size_t i = 0; i < n; i++) {
		sqlite3_stmt *s = INDEX_ASK(index, MESSAGE_STATE, as_number(numbers[i]));
		bool unread = row(&index->db, s) && row_number(s, 0) == DIGEST_DUE;

		sqlite3_reset(s);
		digests[i].arena = ARENA(NAME_ARENA + MIME_ARENA_MAX);
		digests[i].found = unread && scan_locate_number(account, numbers[i],
						     &digests[i].arena, &digests[i].located);
	}
}

/* Is it still the row it was? With the lock held. */
static bool is_still_there(struct account *account, const struct digest *d)
{
	scoped(arena_free) struct arena arena = ARENA(NAME_ARENA);
	struct located now;

	return d->found && scan_locate_number(account, d->located.number, &arena, &now) &&
	       str_eq(now.name, d->located.name);
}

static bool put_all(struct account *account, struct digest *digests, size_t n)
{
	struct index *index = account->index;

	index_begin(index);
	for (size_t i = 0; i < n; i++) {
		if (!is_still_there(account, &digests[i]))
			continue;
		if (digests[i].read)
			put_document(index, &digests[i].located, &digests[i].document,
				&digests[i].arena);
		else
			INDEX_RUN(index, MESSAGE_UNREADABLE, as_number(digests[i].located.number));
	}
	return index_commit(index);
}

/* Some were not where they were: look at the folders again. */
static void look_again(struct account *account)
{
	pthread_mutex_lock(&account->lock);
	scan(account);
	pthread_mutex_unlock(&account->lock);
}

/* False: the index failed, and is a new one by now. */
static bool read_with(
	struct account *account, struct mime_reader *reader, const int64_t *numbers, size_t n)
{
	struct digest *digests = must_alloc(DIGEST_BATCH * sizeof *digests);
	bool good;

	must(n <= DIGEST_BATCH);
	pthread_mutex_lock(&account->lock);
	locate_all(account, numbers, n, digests);
	pthread_mutex_unlock(&account->lock);
	if (!read_all(account, reader, digests, n))
		look_again(account);
	pthread_mutex_lock(&account->lock);
	good = account->index->db.handle && put_all(account, digests, n);
	if (!good)
		index_recover(account->index);
	pthread_mutex_unlock(&account->lock);
	for (size_t i = 0; i < n; i++)
		arena_free(&digests[i].arena);
	free(digests);
	return good;
}

void digests_read_some(struct digests *d, struct account *account, const int64_t *numbers, size_t n)
{
	struct mime_reader reader = MIME_READER(d->mime);

	read_with(account, &reader, numbers, n);
	mime_end(&reader);
}

/* --- turns --- */

static size_t unread_of(struct account *account, int64_t *numbers, size_t max)
{
	struct index *index = account->index;
	size_t n = 0;

	pthread_mutex_lock(&account->lock);
	index_ready(index);
	sqlite3_stmt *s = INDEX_ASK(index, UNREAD, as_number((int64_t)max));
	while (n < max && row(&index->db, s))
		numbers[n++] = row_number(s, 0);
	sqlite3_reset(s);
	pthread_mutex_unlock(&account->lock);
	return n;
}

/* True: there is more to be read. */
static bool take_turn(struct account *account, struct mime_reader *reader)
{
	int64_t numbers[DIGEST_BATCH];
	size_t n = unread_of(account, numbers, DIGEST_BATCH);

	return n && read_with(account, reader, numbers, n) && n == DIGEST_BATCH;
}

/* Whoever has an account in hand alone reads for it. */
static void put_back(struct digests *d, struct account *account, bool more)
{
	pthread_mutex_lock(&d->lock);
	account->in_hand = false;
	if (more && !account->wished) {
		struct wish *wish = must_alloc(sizeof *wish), **last = &d->first;

		account_share(d->accounts, account);
		account->wished = true;
		wish->account = account;
		while (*last)
			last = &(*last)->next;
		*last = wish;
		pthread_cond_signal(&d->wished);
	}
	pthread_cond_broadcast(&d->read);
	pthread_mutex_unlock(&d->lock);
}

static bool take_in_hand(struct digests *d, struct account *account, struct deadline deadline)
{
	pthread_mutex_lock(&d->lock);
	while (account->in_hand && condition_wait(&d->read, &d->lock, deadline))
		;
	bool taken = !account->in_hand;
	if (taken)
		account->in_hand = true;
	pthread_mutex_unlock(&d->lock);
	return taken;
}

void digests_read(struct digests *d, struct account *account, struct deadline deadline)
{
	struct mime_reader reader = MIME_READER(d->mime);
	int64_t one;
	bool more = true;

	if (!unread_of(account, &one, 1) || !take_in_hand(d, account, deadline))
		return;
	while (more && !deadline_passed(deadline))
		more = take_turn(account, &reader);
	mime_end(&reader);
	put_back(d, account, more);
}

/* --- the thread --- */

static struct account *next_account(struct digests *d)
{
	pthread_mutex_lock(&d->lock);
	while (!d->first)
		condition_wait(&d->wished, &d->lock, deadline_never());
	struct wish *wish = d->first;
	struct account *account = wish->account;
	d->first = wish->next;
	account->wished = false;
	pthread_mutex_unlock(&d->lock);
	free(wish);
	return account;
}

static _Noreturn void *run(void *argument)
{
	struct digests *d = argument;

	for (;;) {
		struct account *account = next_account(d);

		digests_read(d, account, deadline_in(TURN));
		account_give_back(d->accounts, account);
	}
}

void digests_serve(struct digests *digests)
{
	must(thread_start(run, digests, 0));
}
