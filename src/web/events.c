/* SPDX-License-Identifier: ISC
 *
 * events.c - see events.h. Each stream has a thread that waits in a call of the store's and puts
 * what it hears into the stream's buffer; libmicrohttpd's thread takes it from there. While there
 * is nothing to take the connection is suspended, so that a browser that left is noticed at the
 * next heartbeat.
 */
#include "web/events.h"

#include "base/must.h"
#include "base/thread.h"
#include "web/route.h"
#include <stdlib.h>
#include <string.h>

enum {
	PENDING_MAX = 4096,
	AFTER_FAILURE = SECOND,
	CALL_SLACK = 10 * SECOND,
	WATCH_WAIT = 2 * SECOND,
	WATCH_AGAIN = 15 * SECOND
};

static const struct json_word change_words[] = { { CHANGE_MAIL, "mail" }, { CHANGE_SENT, "sent" },
	{ CHANGE_NOTICES, "notices" }, { CHANGE_SETTINGS, "settings" } };
static const struct json_words changes = JSON_WORD_SET(change_words);
enum { CHANGE_ALL = CHANGE_MAIL | CHANGE_SENT | CHANGE_NOTICES | CHANGE_SETTINGS };

struct change_event {
	uint64_t what;
};
static const struct json_field change_fields[] = { JSON_WORDS_OF(
	change_event, what, "what", &changes) };
static const struct json_shape change_shape = JSON_SHAPE(change_event, change_fields);

struct streams {
	pthread_mutex_t lock; /* guards all below, and the streams */
	pthread_cond_t ending;
	size_t n;
	bool ended;
	struct stream *first; /* the newest */
};

struct stream {
	struct streams *streams;
	struct stream *next, **self;
	struct client *store, *mailbox;
	struct deadline watch; /* when the mailbox role is told again that a page is there */
	struct MHD_Connection *connection;
	char *token;
	uint64_t account;
	uint64_t seen;
	bool resumed_by_browser; /* it said what it saw last */
	bool suspended;		 /* nothing is pending, and the connection waits */
	bool ended;		 /* nothing more will come */
	unsigned holders;	 /* its thread, its response */
	struct buf pending;
};

struct streams *streams_new(void)
{
	struct streams *streams = must_alloc(sizeof *streams);

	must(pthread_mutex_init(&streams->lock, NULL) == 0);
	condition_init(&streams->ending);
	return streams;
}

/* All of these with the lock held. */

static void wake(struct stream *stream)
{
	if (stream->suspended)
		MHD_resume_connection(stream->connection);
	stream->suspended = false;
}

static void end(struct stream *stream)
{
	stream->ended = true;
	wake(stream);
}

static void put(struct stream *stream, struct str words)
{
	/* A browser that doesn't read has missed nothing: what is there says that much has changed. */
	buf_add(&stream->pending, words);
	wake(stream);
}

static void take_out(struct stream *stream)
{
	*stream->self = stream->next;
	if (stream->next)
		stream->next->self = stream->self;
	stream->streams->n--;
}

static void put_in(struct streams *streams, struct stream *stream)
{
	stream->next = streams->first;
	stream->self = &streams->first;
	if (stream->next)
		stream->next->self = &stream->next;
	streams->first = stream;
	streams->n++;
}

/* Of one session's streams the oldest gives way. */
static void make_room(struct streams *streams, const char *token)
{
	struct stream *oldest = NULL;
	size_t n = 0;

	for (struct stream *s = streams->first; s; s = s->next) {
		if (s->ended || strcmp(s->token, token) != 0)
			continue;
		oldest = s;
		n++;
	}
	if (n >= STREAMS_OF_SESSION)
		end(oldest);
}

/* Without the lock. */

static void release(struct stream *stream)
{
	struct streams *streams = stream->streams;

	pthread_mutex_lock(&streams->lock);
	bool last = --stream->holders == 0;
	if (last)
		take_out(stream);
	pthread_mutex_unlock(&streams->lock);
	if (!last)
		return;
	buf_free(&stream->pending);
	free(stream->token);
	free(stream);
}

void streams_end(struct streams *streams)
{
	pthread_mutex_lock(&streams->lock);
	streams->ended = true;
	for (struct stream *stream = streams->first; stream; stream = stream->next)
		end(stream);
	pthread_cond_broadcast(&streams->ending);
	pthread_mutex_unlock(&streams->lock);
}

static void drop(void *argument)
{
	struct stream *stream = argument;

	pthread_mutex_lock(&stream->streams->lock);
	stream->ended = true;
	stream->suspended = false;
	pthread_mutex_unlock(&stream->streams->lock);
	release(stream);
}

void events_drop(struct stream *stream)
{
	if (stream)
		drop(stream);
}

static ssize_t give(void *argument, uint64_t position, char *to, size_t room)
{
	struct stream *stream = argument;
	ssize_t given = 0;

	(void)position;
	pthread_mutex_lock(&stream->streams->lock);
	if (stream->pending.len) {
		struct str piece = str_head(buf_str(&stream->pending), room);
		memcpy(to, piece.at, piece.len);
		buf_consume(&stream->pending, piece.len);
		given = (ssize_t)piece.len;
	} else if (stream->ended) {
		given = MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		MHD_suspend_connection(stream->connection);
		stream->suspended = true;
	}
	pthread_mutex_unlock(&stream->streams->lock);
	return given;
}

struct MHD_Response *events_response(struct stream *stream)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, PENDING_MAX, give, stream, drop);

	if (!response)
		drop(stream);
	else
		(void)!MHD_add_response_header(response, "Content-Type", "text/event-stream");
	return response;
}

static void tell(struct stream *stream, const char *event, json_t *data, uint64_t id)
{
	scoped(buf_free) struct buf words = BUF(1024);
	char *text = json_dumps(data, JSON_COMPACT);

	buf_printf(&words, "id: %llu\nevent: %s\ndata: %s\n\n", (unsigned long long)id, event,
		text ? text : "{}");
	free(text);
	json_decref(data);
	pthread_mutex_lock(&stream->streams->lock);
	put(stream, buf_str(&words));
	pthread_mutex_unlock(&stream->streams->lock);
}

static void tell_change(struct stream *stream, uint64_t what)
{
	struct change_event event = { what };

	if (what) {
		tell(stream, "change", json_write(&change_shape, &event), stream->seen);
		return;
	}
	pthread_mutex_lock(&stream->streams->lock);
	put(stream, STR(":\n\n"));
	pthread_mutex_unlock(&stream->streams->lock);
}

static void tell_over(struct stream *stream)
{
	tell(stream, "no-session", json_object(), stream->seen);
	pthread_mutex_lock(&stream->streams->lock);
	end(stream);
	pthread_mutex_unlock(&stream->streams->lock);
}

static bool is_over(struct stream *stream)
{
	pthread_mutex_lock(&stream->streams->lock);
	bool over = stream->ended;
	pthread_mutex_unlock(&stream->streams->lock);
	return over;
}

/* The store is gone for a moment. */
static void wait_a_moment(struct stream *stream)
{
	struct deadline until = deadline_in(AFTER_FAILURE);
	struct streams *streams = stream->streams;

	pthread_mutex_lock(&streams->lock);
	while (!streams->ended && condition_wait(&streams->ending, &streams->lock, until))
		;
	pthread_mutex_unlock(&streams->lock);
}

/* One question to the store. *missed: it may have had something to say that nobody heard. */
static void listen_once(struct stream *stream, bool first, bool *missed)
{
	scoped(arena_free) struct arena arena = ARENA(64 * 1024);
	struct change_wait_ask ask = { .token = str_of(stream->token),
		.seen = stream->seen,
		.wait_ms = first ? 0 : HEARTBEAT };
	struct change_answer answer;
	struct why why;

	bool good = call_change_wait(stream->store, &ask, -1, &arena, &answer, NULL,
		deadline_in(HEARTBEAT + CALL_SLACK), &why);
	if (good && answer.outcome == WEB_NO_SESSION) {
		tell_over(stream);
	} else if (good && answer.outcome == WEB_OK) {
		stream->seen = answer.seen;
		tell_change(stream, *missed ? CHANGE_ALL : answer.what);
		*missed = false;
	} else {
		*missed = true;
		tell_change(stream, 0);
		wait_a_moment(stream);
	}
}

/* The mailbox role looks out for what other programs do. Where it can't, that shows when it is asked. */
static void keep_watch(struct stream *stream)
{
	scoped(arena_free) struct arena arena = ARENA(4096);
	const struct token_ask ask = { .token = str_of(stream->token) };
	struct done_answer answer;
	struct why why;

	if (!deadline_passed(stream->watch))
		return;
	(void)!call_mail_watch(
		stream->mailbox, &ask, -1, &arena, &answer, NULL, deadline_in(WATCH_WAIT), &why);
	stream->watch = deadline_in(WATCH_AGAIN);
}

static void *listen_for(void *argument)
{
	struct stream *stream = argument;
	bool missed = false;

	keep_watch(stream);
	/* Where it isn't said what was seen last, what is now is what was seen. */
	listen_once(stream, true, &missed);
	while (!is_over(stream)) {
		keep_watch(stream);
		listen_once(stream, false, &missed);
	}
	release(stream);
	return NULL;
}

static size_t streams_of(const struct streams *streams, uint64_t account)
{
	size_t n = 0;

	for (const struct stream *s = streams->first; s; s = s->next)
		n += s->account == account;
	return n;
}

static struct stream *stream_new(struct request *r)
{
	struct streams *streams = r->web->streams;
	struct stream *stream = must_alloc(sizeof *stream);

	*stream = (struct stream){ .streams = streams,
		.store = r->web->store,
		.mailbox = r->web->mailbox,
		.connection = r->connection,
		.account = r->account,
		.holders = 2,
		.pending = BUF(PENDING_MAX),
		.token = strndup(r->token.at, r->token.len) };
	must(stream->token != NULL);
	pthread_mutex_lock(&streams->lock);
	bool full = streams->n >= STREAMS_MAX || streams->ended ||
		    streams_of(streams, r->account) >= STREAMS_OF_ACCOUNT;
	if (!full)
		make_room(streams, stream->token);
	put_in(streams, stream);
	pthread_mutex_unlock(&streams->lock);
	if (!full && thread_start(listen_for, stream, STREAM_STACK))
		return stream;
	stream->holders = 1;
	drop(stream);
	return NULL;
}

struct reply route_event_stream(struct request *r)
{
	struct reply reply = { .status = MHD_HTTP_OK, .handout.fd = -1 };

	reply.stream = stream_new(r);
	return reply.stream ? reply : reply_outcome(WEB_BUSY, STR("too many streams"));
}
