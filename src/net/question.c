/* SPDX-License-Identifier: ISC
 *
 * question.c - libunbound, asked asynchronously: a blocking ub_resolve costs ten times the CPU,
 * even for what it has cached. Runs in delivery's worker threads; in a shared context a thread
 * of ours waits for libunbound's pipe and wakes whoever asked. libunbound's own thread is made
 * by the first question, so that nothing runs before confinement.
 * Nothing is read from files: resolv.conf, hosts and unbound.conf have no say.
 */
#include "net/question.h"

#include "base/must.h"
#include "base/thread.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

struct dns_context {
	struct ub_ctx *unbound;
	bool shared;
	pthread_mutex_t lock;  /* guards what follows, and every question's `state` */
	struct question *open; /* handed to libunbound and not yet answered */
	bool pumping;
	pthread_t pump;
	int stop; /* eventfd that ends the pump */
};

struct question {
	struct dns_context *context;
	struct question *next, **link; /* in `open` */
	pthread_cond_t answered;
	enum { ASKED, ANSWERED, ABANDONED } state;
	int error; /* libunbound's */
	struct ub_result *result;
};

static void question_free(struct question *q)
{
	ub_resolve_free(q->result);
	pthread_cond_destroy(&q->answered);
	free(q);
}

static void leave_open(struct question *q)
{
	*q->link = q->next;
	if (q->next)
		q->next->link = q->link;
}

/* libunbound's callback, from ub_process. */
static void take_answer(void *of, int error, struct ub_result *result)
{
	struct question *q = of;
	struct dns_context *context = q->context;

	pthread_mutex_lock(&context->lock);
	leave_open(q);
	q->error = error;
	q->result = result;
	if (q->state == ABANDONED) {
		question_free(q);
	} else {
		q->state = ANSWERED;
		pthread_cond_signal(&q->answered);
	}
	pthread_mutex_unlock(&context->lock);
}

static void *pump(void *of)
{
	struct dns_context *context = of;
	struct pollfd polled[] = {
		{ .fd = ub_fd(context->unbound), .events = POLLIN },
		{ .fd = context->stop, .events = POLLIN },
	};

	for (;;) {
		if (poll(polled, count_of(polled), -1) < 0)
			continue;
		if (polled[1].revents)
			return NULL;
		ub_process(context->unbound);
	}
}

static bool set_option(struct ub_ctx *unbound, const char *name, const char *value)
{
	return ub_ctx_set_option(unbound, name, value) == 0;
}

/* A copy with its NUL, for libunbound; the caller frees. */
static char *text_of(struct str s)
{
	char *text = must_alloc(s.len + 1);

	memcpy(text, s.at, s.len);
	return text;
}

static bool add_zone(struct ub_ctx *unbound, struct str zone)
{
	char *text = text_of(zone);
	bool taken = set_option(unbound, "local-zone:", text);

	free(text);
	return taken;
}

static bool add_record(struct ub_ctx *unbound, struct str record)
{
	char *text = text_of(record);
	bool taken = ub_ctx_data_add(unbound, text) == 0;

	free(text);
	return taken;
}

static bool add_stub(struct ub_ctx *unbound, struct str zone, struct str address, bool prime)
{
	char *zone_text = text_of(zone), *address_text = text_of(address);
	bool taken = ub_ctx_set_stub(unbound, zone_text, address_text, prime) == 0;

	free(zone_text);
	free(address_text);
	return taken;
}

static bool add_forwarder(struct ub_ctx *unbound, struct str address)
{
	char *text = text_of(address);
	bool taken = ub_ctx_set_fwd(unbound, text) == 0;

	free(text);
	return taken;
}

/* One line of a trust anchor file: a DS or DNSKEY record, or nothing but a comment. */
static bool add_anchor(struct ub_ctx *unbound, struct str line)
{
	struct str record = str_trim(str_cut(&line, ';'));

	if (!record.len || record.at[0] == '$')
		return true;
	char *text = text_of(record);
	bool taken = ub_ctx_add_ta(unbound, text) == 0;
	free(text);
	return taken;
}

static bool is_loopback(struct str server)
{
	struct ip ip;

	return ip_of_text(str_cut(&server, '@'), &ip) && ip_is_loopback(&ip);
}

/* May our resolver ask name servers on this machine? Only if the operator named one there. */
static bool asks_loopback(const struct resolver_setup *setup)
{
	bool any = false;

	for (size_t i = 0; i < setup->root_servers.len; i++)
		any |= is_loopback(setup->root_servers.at[i]);
	for (size_t i = 0; i < setup->forwarders.len; i++)
		any |= is_loopback(setup->forwarders.at[i]);
	for (size_t i = 0; i < setup->stub_zones.len; i++) {
		struct str rest = setup->stub_zones.at[i];
		str_cut(&rest, ' ');
		any |= is_loopback(str_trim(rest));
	}
	return any;
}

static bool set_servers(struct ub_ctx *unbound, const struct resolver_setup *setup, struct why *why)
{
	for (size_t i = 0; i < setup->root_servers.len; i++)
		if (!add_stub(unbound, STR("."), setup->root_servers.at[i], true))
			return why_not(why, "root_servers: \"%.*s\" is no address",
				STR_ARG(setup->root_servers.at[i]));
	for (size_t i = 0; i < setup->forwarders.len; i++)
		if (!add_forwarder(unbound, setup->forwarders.at[i]))
			return why_not(why, "forwarders: \"%.*s\" is no ADDRESS or ADDRESS@PORT",
				STR_ARG(setup->forwarders.at[i]));
	for (size_t i = 0; i < setup->stub_zones.len; i++) {
		struct str rest = setup->stub_zones.at[i], zone = str_cut(&rest, ' ');
		if (!add_stub(unbound, zone, str_trim(rest), false))
			return why_not(why, "stub_zones: \"%.*s\" is no \"ZONE ADDRESS[@PORT]\"",
				STR_ARG(setup->stub_zones.at[i]));
	}
	return true;
}

/* Zones are options and checked when the context is made final, which removing nothing does;
 * records are added to a final context one by one, so that a wrong one can be named. */
static bool set_local(struct ub_ctx *unbound, const struct resolver_setup *setup, struct why *why)
{
	for (size_t i = 0; i < setup->local_zones.len; i++)
		if (!add_zone(unbound, setup->local_zones.at[i]))
			return why_not(why, "local_zones: \"%.*s\" is no \"ZONE TYPE\"",
				STR_ARG(setup->local_zones.at[i]));
	int error = ub_ctx_data_remove(unbound, "nothing.invalid.");
	if (error)
		return why_not(
			why, "libunbound refuses the settings for DNS: %s", ub_strerror(error));
	for (size_t i = 0; i < setup->local_records.len; i++)
		if (!add_record(unbound, setup->local_records.at[i]))
			return why_not(why, "local_records: \"%.*s\" is no record",
				STR_ARG(setup->local_records.at[i]));
	return true;
}

static bool configure(struct ub_ctx *unbound, const struct resolver_setup *setup, struct why *why)
{
	static const char *const options[][2] = {
		{ "msg-cache-size:", "4m" },
		{ "rrset-cache-size:", "8m" },
		{ "key-cache-size:", "2m" },
		{ "outgoing-range:", "128" },
		{ "outgoing-num-tcp:", "16" },
		{ "cache-max-ttl:", "3600" },
		{ "do-not-query-localhost:", "yes" },
		{ "log-servfail:", "no" },
	};
	struct str anchors = setup->anchor;

	ub_ctx_debugout(unbound, NULL);
	for (size_t i = 0; i < count_of(options); i++)
		if (!set_option(unbound, options[i][0], options[i][1]))
			return why_not(why, "libunbound doesn't take %s", options[i][0]);
	if (asks_loopback(setup) && !set_option(unbound, "do-not-query-localhost:", "no"))
		return why_not(why, "libunbound doesn't take do-not-query-localhost");
	while (anchors.len) {
		struct str line = str_cut(&anchors, '\n');
		if (!add_anchor(unbound, line))
			return why_not(
				why, "no trust anchor: \"%.*s\"", STR_ARG(str_head(line, 100)));
	}
	return set_servers(unbound, setup, why) && set_local(unbound, setup, why);
}

struct dns_context *dns_context_new(
	const struct resolver_setup *setup, bool shared, struct why *why)
{
	struct dns_context *context = must_alloc(sizeof *context);

	context->shared = shared;
	context->stop = -1;
	pthread_mutex_init(&context->lock, NULL);
	context->unbound = ub_ctx_create();
	if (!context->unbound)
		why_errno(why, "libunbound can't start");
	else if (ub_ctx_async(context->unbound, 1) != 0)
		why_not(why, "libunbound has no threads");
	else if (configure(context->unbound, setup, why))
		return context;
	dns_context_free(&context);
	return NULL;
}

static void stop_pump(struct dns_context *context)
{
	uint64_t one = 1;

	if (!context->pumping)
		return;
	must(write(context->stop, &one, sizeof one) == sizeof one);
	pthread_join(context->pump, NULL);
	close(context->stop);
}

void dns_context_free(struct dns_context **context)
{
	struct dns_context *c = *context;

	if (!c)
		return;
	stop_pump(c);
	if (c->unbound)
		ub_ctx_delete(c->unbound); /* calls nobody back */
	while (c->open) {
		struct question *q = c->open;
		must(q->state == ABANDONED);
		leave_open(q);
		question_free(q);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
	*context = NULL;
}

/* The pump of a shared context runs from the first question on. Called with the lock held. */
static void start_pump(struct dns_context *context)
{
	if (!context->shared || context->pumping)
		return;
	context->stop = eventfd(0, EFD_CLOEXEC);
	must(context->stop >= 0);
	must(pthread_create(&context->pump, NULL, pump, context) == 0);
	context->pumping = true;
}

static struct question *question_new(struct dns_context *context)
{
	struct question *q = must_alloc(sizeof *q);

	q->context = context;
	condition_init(&q->answered);
	return q;
}

struct question *question_ask(struct dns_context *context, struct str name, int type)
{
	struct question *q = question_new(context);
	char *text = text_of(name);

	pthread_mutex_lock(&context->lock);
	start_pump(context);
	q->next = context->open;
	q->link = &context->open;
	if (q->next)
		q->next->link = &q->next;
	context->open = q;
	pthread_mutex_unlock(&context->lock);
	/* What libunbound knows from local data it may answer before this returns. */
	int error = ub_resolve_async(context->unbound, text, type, 1, q, take_answer, NULL);
	if (error)
		take_answer(q, error, NULL);
	free(text);
	return q;
}

static void wait_shared(struct question *q, struct deadline deadline)
{
	pthread_mutex_lock(&q->context->lock);
	while (q->state == ASKED && !deadline_passed(deadline))
		condition_wait(&q->answered, &q->context->lock, deadline);
	pthread_mutex_unlock(&q->context->lock);
}

static void wait_alone(struct question *q, struct deadline deadline)
{
	struct pollfd polled = { .fd = ub_fd(q->context->unbound), .events = POLLIN };

	while (q->state == ASKED && !deadline_passed(deadline))
		if (poll(&polled, 1, deadline_poll_ms(deadline)) > 0)
			ub_process(q->context->unbound);
}

static struct str without_dot(struct str name)
{
	return name.len && name.at[name.len - 1] == '.' ? str_head(name, name.len - 1) : name;
}

/* Where CNAMEs led; empty if the answer is the name's own. */
static struct str canonical(const struct ub_result *result)
{
	struct str name = without_dot(str_of(result->canonname));

	return str_eq_nocase(name, without_dot(str_of(result->qname))) ? STR("") : name;
}

struct answer question_wait(struct question *q, struct deadline deadline)
{
	if (q->context->shared)
		wait_shared(q, deadline);
	else
		wait_alone(q, deadline);
	pthread_mutex_lock(&q->context->lock);
	const struct ub_result *result = q->state == ANSWERED ? q->result : NULL;
	pthread_mutex_unlock(&q->context->lock);
	if (!result)
		return (struct answer){ .kind = ANSWER_FAILED };
	struct answer answer = {
		.validated = result->secure && !result->bogus,
		.ttl_ms = (int64_t)result->ttl * SECOND,
		.canonical = canonical(result),
		.result = result,
	};
	answer.aliased = answer.canonical.len > 0;
	if (result->bogus)
		answer.kind = ANSWER_BOGUS;
	else if (result->nxdomain || result->rcode == 3)
		answer.kind = ANSWER_NO_NAME;
	else if (result->rcode != 0)
		answer.kind = ANSWER_FAILED;
	else
		answer.kind = result->havedata ? ANSWER_DATA : ANSWER_NO_DATA;
	return answer;
}

struct str answer_record(const struct answer *answer, size_t n)
{
	const struct ub_result *result = answer->result;

	for (size_t i = 0; i <= n; i++)
		if (!result->data[i])
			return (struct str){ NULL, 0 };
	return (struct str){ result->data[n], (size_t)result->len[n] };
}

void question_end(struct question **question)
{
	struct question *q = *question;
	struct dns_context *context;

	if (!q)
		return;
	context = q->context;
	pthread_mutex_lock(&context->lock);
	if (q->state == ANSWERED)
		question_free(q);
	else
		q->state = ABANDONED;
	pthread_mutex_unlock(&context->lock);
	*question = NULL;
}
