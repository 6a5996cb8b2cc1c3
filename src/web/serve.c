/* SPDX-License-Identifier: ISC
 *
 * serve.c - HTTP, by libmicrohttpd: one thread for each listener hears all its connections and
 * never blocks; what has to ask somebody is worked out in another thread while the connection is
 * suspended. So a slow browser costs a connection and a slow answer a thread, each of a bounded
 * number. Every byte that arrives here is hostile.
 */
#include "web/admit.h"
#include "web/events.h"
#include "web/forwarded.h"
#include "web/pairs.h"
#include "web/route.h"
#include "web/send.h"
#include "web/share.h"
#include "web/visit.h"

#include "base/log.h"
#include "base/must.h"
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOG_LINE = 300, POLL_STOP = 20 };

/* One listener. */
struct house {
	struct web *web;
	bool tls; /* else it is on loopback, and who comes may be a proxy */
	struct MHD_Daemon *daemon;
	struct house *next;
};

static struct house *houses;

/* --- connections --- */

static struct visit *visit_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void look_at(struct MHD_Connection *connection, int *fd, struct peer *peer)
{
	const union MHD_ConnectionInfo *socket =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct sockaddr_storage address = { 0 };
	socklen_t length = sizeof address;

	*fd = socket ? socket->connect_fd : -1;
	if (getpeername(*fd, (struct sockaddr *)&address, &length) != 0)
		address.ss_family = AF_UNSPEC;
	peer_of(&address, peer);
}

static void connection_changed(void *argument, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	const struct house *house = argument;
	const struct settings *settings = house->web->settings;
	struct peer peer;
	int fd;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		visit_end(*context);
		*context = NULL;
		return;
	}
	look_at(connection, &fd, &peer);
	/* Whom a proxy will ask for isn't known yet: its connections have no limit of their own. */
	*context = visit_begin(house->web->visits, fd, &peer, settings->web_connections,
		house->tls ? settings->web_connections_per_address : settings->web_connections);
	visit_until(*context, deadline_in(REQUEST_PATIENCE));
}

/* --- requests --- */

/* What the proxy says of the browser; without one, or where it says nonsense, the peer is it. */
static void look_behind_proxy(struct request *r)
{
	r->tls = forwarded_https(request_last_header(r, "X-Forwarded-Proto"));
	if (forwarded_peer(request_last_header(r, "X-Forwarded-For"), &r->peer))
		visit_serves(r->visit, &r->peer);
}

static struct request *request_begin(struct house *house, struct MHD_Connection *connection)
{
	struct request *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	*r = (struct request){ .web = house->web,
		.settings = house->web->settings,
		.connection = connection,
		.tls = house->tls,
		.visit = visit_of(connection),
		.text = BUF(QUESTION_MAX),
		.file = -1,
		.arena = ARENA(ANSWER_ARENA),
		.reply = { .handout.fd = -1 } };
	r->peer = r->visit ? r->visit->peer : (struct peer){ .text = "unknown" };
	if (!house->tls)
		look_behind_proxy(r);
	atomic_fetch_add(&r->web->under_way, 1);
	return r;
}

/* What an answer was worked out of. Whoever takes his time to read it costs us that alone. */
static void forget_question(struct request *r)
{
	json_decref(r->json);
	r->json = NULL;
	buf_free(&r->text);
	arena_free(&r->arena);
}

static void request_end(struct request *r)
{
	gate_give_bytes(r->web->gate, r->size);
	fd_close(&r->file);
	reply_free(&r->reply);
	forget_question(r);
	share_end(r->share, r->held);
	atomic_fetch_sub(&r->web->under_way, 1);
	free(r);
}

static void request_is_over(void *argument, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode how)
{
	(void)argument, (void)connection, (void)how;
	if (!*context)
		return;
	struct request *r = *context;
	visit_serves(r->visit, NULL);
	visit_until(r->visit, deadline_in(IDLE_PATIENCE));
	request_end(r);
	*context = NULL;
}

static enum MHD_Result send_now(struct request *r)
{
	if (r->page) {
		r->phase = PHASE_SENDING;
		visit_until(r->visit, deadline_in(DOWNLOAD_PATIENCE));
		return send_page(r->connection, r->tls, r->page);
	}
	r->phase = PHASE_SENDING;
	visit_until(r->visit, r->reply.stream ? deadline_never() : deadline_in(DOWNLOAD_PATIENCE));
	LOG(LOG_DEBUG, "request", log_text("peer", r->peer.text),
		log_text("method", r->route ? r->route->method : ""),
		log_text("route", r->route ? r->route->path : ""),
		log_u64("status", r->reply.status));
	enum MHD_Result result = send_reply(r);
	forget_question(r);
	return result;
}

/* What is answered is held until the browser has it. */
static void weigh_reply(struct request *r)
{
	struct reply *reply = &r->reply;
	uint64_t size = reply->handout.size;

	if (reply->json && !reply->text)
		reply->text = json_dumps(reply->json, JSON_COMPACT);
	if (reply->text)
		size = strlen(reply->text);
	if (size <= ANSWER_UNCOUNTED || request_holds(r, size))
		return;
	reply_free(reply);
	*reply = reply_too_much("you read too much at once; wait for an answer, then ask again");
}

static void answer(struct request *r)
{
	struct reply reply = r->route->handler(r);

	r->reply = reply;
	r->phase = PHASE_REPLY;
	weigh_reply(r);
}

static void have_it_done(struct request *r);

/* Runs in a worker. Nobody but this thread has the request until the connection is resumed. Whose
 * it is is asked without regard to how many threads he has: it takes no time, and isn't known yet. */
static void do_task(struct task *task)
{
	struct request *r = (struct request *)task;

	if (!r->share && !admit_session(r)) {
		r->phase = PHASE_REPLY;
	} else if (r->phase == PHASE_ADMITTING) {
		r->phase = PHASE_BODY;
	} else if (!task->whose) {
		have_it_done(r);
		return;
	} else {
		answer(r);
	}
	MHD_resume_connection(r->connection);
}

/* Into a line of the workers; the connection is suspended. */
static void have_it_done(struct request *r)
{
	bool slow = r->share && r->route->pace == SLOW;

	r->task.whose = r->share;
	if (workers_add(slow ? r->web->slow : r->web->quick, &r->task))
		return;
	LOG(LOG_WARNING, "too-many-requests", log_text("route", r->route->path));
	r->reply = reply_outcome(WEB_BUSY, STR("too many requests wait"));
	r->phase = PHASE_REPLY;
	MHD_resume_connection(r->connection);
}

/* Suspend the connection and have its request worked on. */
static enum MHD_Result hand_over(struct request *r, enum phase phase)
{
	r->phase = phase;
	r->task.run = do_task;
	visit_until(r->visit, deadline_never());
	MHD_suspend_connection(r->connection);
	have_it_done(r);
	return MHD_YES;
}

static const struct page *page_at(struct str path)
{
	if (str_eq(path, STR("/")))
		path = STR("/index.html");
	for (size_t i = 0; i < pages_n; i++) {
		if (str_eq(str_of(pages[i].path), path))
			return &pages[i];
	}
	return NULL;
}

static bool find_route(struct request *r, struct str method, struct str path)
{
	switch (route_find(method, path, &r->route, r->part)) {
	case ROUTE_FOUND:
		return true;
	case ROUTE_OTHER_METHOD:
		r->reply = reply_error(MHD_HTTP_METHOD_NOT_ALLOWED, "method-not-allowed", "");
		return false;
	case ROUTE_UNKNOWN:
		break;
	}
	r->reply = reply_error(MHD_HTTP_NOT_FOUND, "not-found", "no such page");
	return false;
}

/* The reply is known by the headers. With a body still to come it is sent at once, which ends the
 * connection; else when the request has ended, which doesn't. */
static enum MHD_Result send_soon(struct request *r)
{
	struct str length = request_header(r, "Content-Length");

	if (request_header(r, "Transfer-Encoding").len || (length.len && !str_eq(length, STR("0"))))
		return send_now(r);
	r->phase = PHASE_REPLY;
	return MHD_YES;
}

/* The headers are there: is it a page, or something to be refused at once? */
static enum MHD_Result take_headers(struct request *r, const char *url, const char *method_text)
{
	struct str path = arena_str(&r->arena, str_of(url)), method = str_of(method_text);
	bool reads = str_eq(method, STR("GET")) || str_eq(method, STR("HEAD"));
	const struct page *page = reads ? page_at(path) : NULL;

	if (!admit_host(r->settings, request_header(r, "Host"))) {
		r->reply = reply_error(
			MHD_HTTP_MISDIRECTED_REQUEST, "bad-request", "that is not our name");
		return send_soon(r);
	}
	r->page = page;
	if (page)
		return send_soon(r);
	if (r->web->stopping)
		r->reply = reply_outcome(WEB_BUSY, STR("the server stops"));
	if (r->web->stopping || !find_route(r, method, path) || !admit_headers(r))
		return send_soon(r);
	if (r->route->access == OPEN && !admit_address(r))
		return send_soon(r);
	if (r->route->access == SESSION && !reads)
		return hand_over(r, PHASE_ADMITTING);
	r->phase = PHASE_BODY;
	return MHD_YES;
}

static void refuse_file(struct request *r, uint64_t outcome, const char *why)
{
	if (!r->reply.status)
		r->reply = reply_outcome(outcome, str_of(why));
}

static bool has_room(struct request *r, uint64_t n)
{
	if (!request_holds(r, n)) {
		r->reply =
			reply_too_much("you send too much at once; ask again when a part is there");
		return false;
	}
	if (!gate_take_bytes(r->web->gate, n, r->settings->bytes_in_flight)) {
		r->reply = reply_outcome(WEB_BUSY, STR("no room for it now"));
		return false;
	}
	r->size += n;
	return true;
}

static void add_to_file(struct request *r, struct str piece)
{
	if (r->file < 0)
		r->file = fd_memfd("upload");
	if (r->file < 0 || !fd_write_all(r->file, piece))
		refuse_file(r, WEB_BUSY, "no memory for it now");
}

/* Once it is refused, what is left of it goes nowhere. */
static void take_body(struct request *r, struct str piece)
{
	if (r->reply.status || !has_room(r, piece.len))
		return;
	if (r->route->body == FILE_BODY)
		add_to_file(r, piece);
	else if (!buf_add(&r->text, piece))
		refuse_file(r, WEB_TOO_LARGE, "");
}

static bool finish_file(struct request *r)
{
	if (r->route->body != FILE_BODY || r->reply.status)
		return true;
	if (r->file < 0)
		r->file = fd_memfd("upload");
	return r->file >= 0 && fd_seal(r->file);
}

/* libmicrohttpd comes here with the headers, then with each piece of the body, then once more;
 * and after a suspension with whichever it was at. */
static enum MHD_Result hear(void *argument, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *piece, size_t *size, void **context)
{
	struct request *r = *context;

	(void)version;
	if (!r) {
		*context = r = request_begin(argument, connection);
		return r ? take_headers(r, url, method) : MHD_NO;
	}
	if (r->phase == PHASE_REPLY)
		return send_now(r);
	if (r->phase != PHASE_BODY)
		return MHD_NO;
	if (!r->body_begun) {
		r->body_begun = true;
		visit_until(r->visit, deadline_in(r->route->body == FILE_BODY ? UPLOAD_PATIENCE
									      : REQUEST_PATIENCE));
		if (r->route->access == SESSION && route_changes(r->route))
			return MHD_YES; /* the call with the headers, after admission */
	}
	if (*size) {
		take_body(r, (struct str){ piece, *size });
		*size = 0;
		return MHD_YES;
	}
	if (!finish_file(r))
		refuse_file(r, WEB_BUSY, "no memory for it now");
	return r->reply.status ? send_now(r) : hand_over(r, PHASE_ANSWERING);
}

/* --- daemons --- */

__attribute__((format(printf, 2, 0))) static void log_line(
	void *argument, const char *format, va_list arguments)
{
	char line[LOG_LINE];

	(void)argument;
	vsnprintf(line, sizeof line, format, arguments);
	LOG(LOG_DEBUG, "http", log_text("says", line));
}

static struct MHD_Daemon *start_daemon(struct house *house, int fd)
{
	const struct MHD_OptionItem https[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)pairs_choose },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
			(void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
		{ MHD_OPTION_END, 0, NULL },
	};
	const struct MHD_OptionItem none[] = { { MHD_OPTION_END, 0, NULL } };
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL |
			 MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC | MHD_USE_ERROR_LOG |
			 (house->tls ? MHD_USE_TLS : 0);

	return MHD_start_daemon(flags, 0, NULL, NULL, hear, house, MHD_OPTION_EXTERNAL_LOGGER,
		log_line, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_CONNECTION,
		connection_changed, house, MHD_OPTION_NOTIFY_COMPLETED, request_is_over, NULL,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)house->web->settings->web_connections + 16,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_SECONDS,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_ARRAY, house->tls ? https : none, MHD_OPTION_END);
}

static void open_house(struct web *web, const struct listener_settings *listener, int fd)
{
	struct house *house = must_alloc(sizeof *house);

	house->web = web;
	house->tls = listener->kind == LISTENER_WEB;
	house->daemon = start_daemon(house, fd);
	if (!house->daemon) {
		LOG(LOG_ALARM, "start-failed", log_str("listener", listener->name),
			log_text("why", "libmicrohttpd can't serve it"));
		_exit(1);
	}
	house->next = houses;
	houses = house;
}

void web_serve(struct web *web, const struct start *start)
{
	const struct settings *settings = start->settings;

	visits_serve(web->visits);
	for (size_t i = 0; i < settings->listeners.len; i++) {
		const struct listener_settings *listener = &settings->listeners.at[i];
		int fd = start_listener(start, listener->name);
		if (listener_is_web(listener) && fd >= 0)
			open_house(web, listener, fd);
	}
}

void web_stop(struct web *web)
{
	struct deadline patience = deadline_in(STOP_PATIENCE);

	for (struct house *house = houses; house; house = house->next)
		MHD_quiesce_daemon(house->daemon);
	web->stopping = true;
	streams_end(web->streams);
	while (web->under_way && !deadline_passed(patience))
		usleep(POLL_STOP * 1000);
}
