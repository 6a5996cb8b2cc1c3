/* SPDX-License-Identifier: ISC
 *
 * watch.c - see watch.h. The kernel says that something moved in a directory; what it was, and whether
 * it is news at all, a look at the folders says (scan.c): what a page or a delivery of ours did is
 * known by then. The names in the kernel's events are never looked at.
 *
 * A path may lead elsewhere by a link that an account's owner made: then folders are looked at that
 * have no news, and nobody is told.
 */
#include "mailbox/watch.h"

#include "base/log.h"
#include "base/must.h"
#include "base/thread.h"
#include "mailbox/folder_name.h"
#include "mailbox/scan.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* What counts as something that moved. */
#define WATCHED (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW)

enum {
	PLACES =
		1 + 2 * WATCH_FOLDERS, /* the account's directory, `cur` and `new` of each folder */
	LOOK_EVERY = 10 * SECOND,      /* for those whose lease is over */
	TELL_WAIT = 5 * SECOND,
	EVENTS_ROOM = 16 * 1024
};

/* An account. */
struct watched {
	char *mailbox; /* NULL: a free place */
	struct deadline until;
	struct deadline due;  /* when it is looked at; never: nothing moved */
	struct deadline rest; /* not before */
	uint64_t told;	      /* news of the index that pages know of */
	int places[PLACES];   /* the first is the account's directory */
	size_t n;
};

struct watches {
	struct accounts *accounts;
	struct client *store;
	int notify;
	pthread_mutex_t lock; /* guards what follows */
	struct watched at[WATCH_ACCOUNTS];
	bool complained;
};

struct watches *watches_new(struct accounts *accounts, struct client *store)
{
	struct watches *w = must_alloc(sizeof *w);

	w->accounts = accounts;
	w->store = store;
	w->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	must(pthread_mutex_init(&w->lock, NULL) == 0);
	return w;
}

/* All of these with the lock held. */

/* Once in a life: it is the same for all. */
static void complain(struct watches *w, const char *why)
{
	if (!w->complained)
		LOG(LOG_WARNING, "not-watched", log_text("why", why));
	w->complained = true;
}

static void let_go(struct watches *w, struct watched *a)
{
	for (size_t i = 0; i < a->n; i++)
		inotify_rm_watch(w->notify, a->places[i]);
	free(a->mailbox);
	*a = (struct watched){ 0 };
}

static bool has_place(const struct watched *a, int place)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->places[i] == place)
			return true;
	return false;
}

/* A directory below the account's; "" for that itself. */
static void watch_place(
	struct watches *w, struct watched *a, const struct account *account, struct str below)
{
	scoped(buf_free) struct buf path = BUF(PATH_MAX);
	int place;

	buf_printf(
		&path, "%s/%s/%.*s", account->path->domain, account->path->local, STR_ARG(below));
	if (!buf_add_char(&path, '\0') || a->n == PLACES)
		return;
	place = inotify_add_watch(w->notify, path.at, WATCHED);
	if (place < 0 && errno != ENOENT && errno != ENOTDIR)
		complain(w, strerrordesc_np(errno));
	if (place >= 0 && !has_place(a, place))
		a->places[a->n++] = place;
}

static void watch_folder(
	struct watches *w, struct watched *a, const struct account *account, const char *folder)
{
	static const char *const parts[] = { "cur", "new" };

	for (size_t i = 0; i < count_of(parts); i++) {
		scoped(buf_free) struct buf below = BUF(PATH_MAX);

		buf_printf(&below, "%s/%s", folder, parts[i]);
		watch_place(w, a, account, buf_str(&below));
	}
}

/* What is there by now; what is watched already stays as it is. */
static void watch_folders(struct watches *w, struct watched *a, const struct account *account)
{
	scoped(folder_close_list) DIR *directory = folder_list(account->folder, ".");
	struct dirent *entry;

	watch_place(w, a, account, STR(""));
	watch_folder(w, a, account, ".");
	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] == '.' && folder_name_is_good(str_of(entry->d_name)))
			watch_folder(w, a, account, entry->d_name);
	if (a->n == PLACES)
		complain(w, "an account has more folders than are watched");
}

static struct watched *find(struct watches *w, struct str mailbox)
{
	for (size_t i = 0; i < WATCH_ACCOUNTS; i++)
		if (w->at[i].mailbox && str_eq(str_of(w->at[i].mailbox), mailbox))
			return &w->at[i];
	return NULL;
}

static struct watched *begin(struct watches *w, struct str mailbox, uint64_t news)
{
	size_t i = 0;

	while (i < WATCH_ACCOUNTS && w->at[i].mailbox)
		i++;
	if (i == WATCH_ACCOUNTS) {
		complain(w, "more accounts have a page open than are watched");
		return NULL;
	}
	w->at[i] = (struct watched){
		.mailbox = strndup(mailbox.at, mailbox.len), .due = deadline_never(), .told = news
	};
	must(w->at[i].mailbox);
	return &w->at[i];
}

static void forget_place(struct watched *a, int place)
{
	size_t i = 0;

	while (i < a->n && a->places[i] != place)
		i++;
	if (i == 0)
		a->until = deadline_in(0); /* the account itself is gone */
	else if (i < a->n)
		a->places[i] = a->places[--a->n];
}

static void something_moved(struct watched *a)
{
	struct deadline due = deadline_in(WATCH_PAUSE);

	if (a->due.at == INT64_MAX)
		a->due = due.at > a->rest.at ? due : a->rest;
}

static void take_event(struct watched *a, const struct inotify_event *event)
{
	bool here = event->mask & IN_Q_OVERFLOW || has_place(a, event->wd);

	/* Of the account's directory only folders count: the index lies there too. */
	if (here && (event->wd != a->places[0] || event->mask & IN_ISDIR))
		something_moved(a);
	if (here && event->mask & IN_IGNORED)
		forget_place(a, event->wd);
}

static void take_events(struct watches *w)
{
	_Alignas(struct inotify_event) char room[EVENTS_ROOM];
	ssize_t n;

	while ((n = read(w->notify, room, sizeof room)) > 0)
		for (char *at = room; at < room + n;) {
			const struct inotify_event *event = (const void *)at;

			for (size_t i = 0; i < WATCH_ACCOUNTS; i++)
				if (w->at[i].mailbox)
					take_event(&w->at[i], event);
			at += sizeof *event + event->len;
		}
}

/* Without the lock. */

void watches_free(struct watches **watches)
{
	for (size_t i = 0; i < WATCH_ACCOUNTS; i++)
		let_go(*watches, &(*watches)->at[i]);
	fd_close(&(*watches)->notify);
	pthread_mutex_destroy(&(*watches)->lock);
	free(*watches);
	*watches = NULL;
}

static uint64_t news_of(struct account *account)
{
	pthread_mutex_lock(&account->lock);
	scan(account);
	uint64_t news = account->index->news;
	pthread_mutex_unlock(&account->lock);
	return news;
}

bool watches_renew(struct watches *w, struct account *account, struct str mailbox)
{
	uint64_t news = news_of(account);

	pthread_mutex_lock(&w->lock);
	struct watched *a = find(w, mailbox);
	if (!a)
		a = begin(w, mailbox, news);
	if (a) {
		a->until = deadline_in(WATCH_LEASE);
		watch_folders(w, a, account);
		if (a->told != news) /* where nothing is watched */
			something_moved(a);
	}
	bool watched = a && a->n;
	pthread_mutex_unlock(&w->lock);
	return watched;
}

static void tell(struct watches *w, struct str mailbox)
{
	const struct address_ask ask = { .address = mailbox };
	scoped(arena_free) struct arena arena = ARENA(4096);
	struct empty answer;
	struct why why;

	if (!call_mail_changed(
		    w->store, &ask, -1, &arena, &answer, NULL, deadline_in(TELL_WAIT), &why))
		LOG(LOG_WARNING, "store-lost", log_text("why", why.text));
}

/* Is there news in the account? Then there may be folders that are new. */
static bool is_news(
	struct watches *w, struct str mailbox, const struct account *account, uint64_t news)
{
	pthread_mutex_lock(&w->lock);
	struct watched *a = find(w, mailbox);
	bool is = a && a->told != news;
	if (is) {
		a->told = news;
		watch_folders(w, a, account);
	}
	pthread_mutex_unlock(&w->lock);
	return is;
}

static void look_at(struct watches *w, struct str mailbox)
{
	struct why why;
	struct account *account = account_take(w->accounts, mailbox, &why);

	if (!account)
		return;
	if (is_news(w, mailbox, account, news_of(account)))
		tell(w, mailbox);
	account_give_back(w->accounts, account);
}

/* One whose pause is over, in `arena`; "": there is none. */
static struct str next_due(struct watches *w, struct arena *arena)
{
	struct str mailbox = STR("");

	pthread_mutex_lock(&w->lock);
	take_events(w);
	for (size_t i = 0; i < WATCH_ACCOUNTS && !mailbox.len; i++) {
		struct watched *a = &w->at[i];

		if (a->mailbox && deadline_passed(a->until)) {
			let_go(w, a);
		} else if (a->mailbox && deadline_passed(a->due)) {
			a->due = deadline_never();
			a->rest = deadline_in(WATCH_REST);
			mailbox = arena_str(arena, str_of(a->mailbox));
		}
	}
	pthread_mutex_unlock(&w->lock);
	return mailbox;
}

static int wait_ms(struct watches *w)
{
	struct deadline next = deadline_in(LOOK_EVERY);

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < WATCH_ACCOUNTS; i++)
		if (w->at[i].mailbox)
			next = deadline_earlier(next, w->at[i].due);
	pthread_mutex_unlock(&w->lock);
	return deadline_poll_ms(next);
}

static _Noreturn void *run(void *argument)
{
	struct watches *w = argument;
	struct arena arena = ARENA(4096);

	for (;;) {
		struct pollfd wait = { .fd = w->notify, .events = POLLIN };

		poll(&wait, 1, wait_ms(w));
		arena_reset(&arena);
		struct str mailbox = next_due(w, &arena);
		if (mailbox.len)
			look_at(w, mailbox);
	}
}

void watches_serve(struct watches *watches)
{
	must(thread_start(run, watches, 0));
}
