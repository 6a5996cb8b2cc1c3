/* SPDX-License-Identifier: ISC
 *
 * test_session_enumeration.c - every sequence of up to five verbs, spoken to a session in process
 * and to a small model of RFC 5321 that was written without looking at the session. After each
 * verb both must agree on the class of the reply and on what is remembered; whatever reaches the
 * store must be what the model says was agreed on, so that nothing survives an error, a RSET, a
 * failed DATA or BDAT, or STARTTLS. TLS is faked at the seam.
 *
 * Depth: first argument, or SIEGEL_ENUMERATION_DEPTH, or 4 under sanitizers and 5 without.
 */
#include "smtpd_world.h"

#include "base/log.h"
#include "smtpd/data.h"
#include "smtpd/message.h"

enum symbol {
	EHLO,
	EHLO_BAD,
	HELO,
	STARTTLS,
	STARTTLS_BAD,
	AUTH,
	AUTH_WRONG,
	MAIL,
	MAIL_BAD,
	MAIL_FOREIGN,
	RCPT,
	RCPT_BAD,
	RCPT_UNKNOWN,
	DATA,
	DATA_BAD,
	DATA_FOREIGN, /* a message whose From may not be used */
	DATA_SMUGGLED,
	BDAT,
	BDAT_LAST,
	BDAT_FOREIGN, /* the same, known before the last chunk */
	BDAT_BAD,
	RSET,
	RSET_BAD,
	NOOP,
	VRFY,
	UNKNOWN,
	QUIT,
	SYMBOLS
};

static const char *const lines[SYMBOLS] = {
	[EHLO] = "EHLO c.test",
	[EHLO_BAD] = "EHLO",
	[HELO] = "HELO c.test",
	[STARTTLS] = "STARTTLS",
	[STARTTLS_BAD] = "STARTTLS now",
	[AUTH] = "AUTH PLAIN AGFkYUBleGFtcGxlLnRlc3QAZ2VoZWlt",
	[AUTH_WRONG] = "AUTH PLAIN AHgAeQ==",
	[MAIL] = "MAIL FROM:<ada@example.test>",
	[MAIL_BAD] = "MAIL FROM:ada@",
	[MAIL_FOREIGN] = "MAIL FROM: <eve@secure.example.test>",
	[RCPT] =
		NULL, /* one of `recipients`, by its place; some with a blank as devices write it */
	[RCPT_BAD] = "RCPT TO:<ada@example.test",
	[RCPT_UNKNOWN] = "RCPT TO:<nobody@example.test>",
	[DATA] = "DATA",
	[DATA_BAD] = "DATA now",
	[DATA_FOREIGN] = "DATA",
	[DATA_SMUGGLED] = "DATA",
	[BDAT] = "BDAT 6",
	[BDAT_LAST] = "BDAT 28 LAST",
	[BDAT_FOREIGN] = "BDAT 36",
	[BDAT_BAD] = "BDAT -1",
	[RSET] = "RSET",
	[RSET_BAD] = "RSET now",
	[NOOP] = "NOOP",
	[VRFY] = "VRFY ada",
	[UNKNOWN] = "FOO",
	[QUIT] = "QUIT",
};

static const char *const contents[SYMBOLS] = {
	[DATA] = "From: ada@example.test\r\n\r\n.\r\n",
	[DATA_FOREIGN] = "From: eve@secure.example.test\r\n\r\n.\r\n",
	[DATA_SMUGGLED] = "From: ada@example.test\r\n\r\n\n.\r\n",
	[BDAT] = "X: y\r\n",
	[BDAT_LAST] = "From: ada@example.test\r\n\r\nab",
	[BDAT_FOREIGN] = "From: eve@secure.example.test\r\n\r\nabc",
};

/* RFC 5321 and its extensions as five booleans and a number. */
struct model {
	enum listener_kind kind;
	bool over, greeted, tls, login, mail, chunks;
	unsigned wrong_logins;
	unsigned recipients; /* a bit for each place in the sequence */
};

static bool submits(const struct model *m)
{
	return m->kind == LISTENER_SUBMISSION || m->kind == LISTENER_SUBMISSIONS;
}

static void forget_mail(struct model *m)
{
	m->mail = m->chunks = false;
	m->recipients = 0;
}

/* May transactions be spoken of at all? */
static bool is_ready(const struct model *m)
{
	if (m->kind == LISTENER_MX)
		return m->greeted;
	return m->greeted && m->tls && (m->login || !submits(m));
}

static int model_hello(struct model *m)
{
	forget_mail(m);
	m->greeted = true;
	return 2;
}

static int model_tls(struct model *m)
{
	if (!m->greeted || m->tls)
		return 5;
	*m = (struct model){ .kind = m->kind, .tls = true, .wrong_logins = m->wrong_logins };
	return 2;
}

static int model_auth(struct model *m, bool right)
{
	if (!submits(m) || !m->greeted || !m->tls || m->login || m->mail)
		return 5;
	m->login = right;
	if (right)
		return 2;
	m->over = ++m->wrong_logins == 3;
	return m->over ? 4 : 5;
}

static int model_mail(struct model *m)
{
	if (!is_ready(m) || m->mail)
		return 5;
	m->mail = true;
	return 2;
}

static int model_rcpt(struct model *m, size_t place)
{
	if (!is_ready(m) || !m->mail || m->chunks)
		return 5;
	m->recipients |= 1u << place;
	return 2;
}

/* The message is over, one way or the other. */
static int model_message(struct model *m, bool good, bool honest)
{
	forget_mail(m);
	m->over = !honest;
	return good && honest ? 2 : 5;
}

static int model_data(struct model *m, bool good, bool honest)
{
	if (!is_ready(m) || !m->mail || m->chunks || !m->recipients)
		return 5;
	return model_message(m, good, honest);
}

static int model_bdat(struct model *m, bool last, bool good)
{
	if (!is_ready(m) || !m->mail || !m->recipients)
		return 5;
	if (last)
		return model_message(m, good, true);
	m->chunks = true;
	return 2;
}

static int model_end(struct model *m, int class)
{
	m->over = true;
	return class;
}

/* The class of the reply to `symbol`, said as the `place`th of the sequence. */
static int model_says(struct model *m, enum symbol symbol, size_t place)
{
	switch (symbol) {
	case EHLO:
	case HELO:
		return model_hello(m);
	case STARTTLS:
		return model_tls(m);
	case AUTH:
	case AUTH_WRONG:
		return model_auth(m, symbol == AUTH);
	case MAIL:
		return model_mail(m);
	case RCPT:
		return model_rcpt(m, place);
	case DATA:
	case DATA_FOREIGN:
	case DATA_SMUGGLED:
		return model_data(m, symbol != DATA_FOREIGN, symbol != DATA_SMUGGLED);
	case BDAT:
	case BDAT_LAST:
	case BDAT_FOREIGN:
		return model_bdat(m, symbol != BDAT, symbol != BDAT_FOREIGN);
	case RSET:
		forget_mail(m);
		return 2;
	case NOOP:
		return 2;
	case VRFY:
		return m->kind == LISTENER_MX || (m->tls && (m->login || !submits(m))) ? 2 : 5;
	case BDAT_BAD:
		return model_end(m, 5);
	case QUIT:
		return model_end(m, 2);
	default:
		return 5;
	}
}

static struct str line_of(enum symbol symbol, size_t place)
{
	static const char *const recipients[] = { "RCPT TO:<r0@example.test>",
		"RCPT TO: <r1@example.test>", "RCPT TO:<r2@example.test>",
		"RCPT TO: <r3@example.test>", "RCPT TO:<r4@example.test>",
		"RCPT TO: <r5@example.test>", "RCPT TO:<r6@example.test>" };

	return str_of(symbol == RCPT ? recipients[place] : lines[symbol]);
}

static struct reply give_message(struct session *s, bool dots, struct str text)
{
	switch (message_take(s, dots, &text)) {
	case LINES_BARE:
		return REPLY_THEN(NEXT_CLOSE, 521, "5.5.2");
	case LINES_END:
		return message_end(s);
	default:
		return chunk_end(s);
	}
}

/* Say it, with what belongs behind it. */
static struct reply session_says(struct session *s, enum symbol symbol, size_t place)
{
	struct reply reply = session_command(s, line_of(symbol, place));

	if (reply.next == NEXT_TLS)
		world_seal(s);
	if (reply.next == NEXT_DATA)
		reply = give_message(s, true, str_of(contents[symbol]));
	else if (reply.next == NEXT_CHUNK && s->tx.chunk_refused.code)
		reply = chunk_end(s);
	else if (reply.next == NEXT_CHUNK)
		reply = give_message(s, false, str_of(contents[symbol]));
	return reply;
}

struct start {
	const char *name;
	enum listener_kind kind;
	bool tls, login, greeted;
};

static struct session *session_at(const struct start *start)
{
	struct session *s = world_session(start->kind, NULL);

	if (start->tls)
		world_seal(s);
	s->account = start->login ? ADA : 0;
	if (start->greeted)
		assert_int_equal(session_command(s, STR("EHLO c.test")).code, 250);
	return s;
}

static struct model model_at(const struct start *start)
{
	return (struct model){ .kind = start->kind,
		.tls = start->tls,
		.login = start->login,
		.greeted = start->greeted };
}

static _Noreturn void disagree(const struct start *start, const enum symbol *sequence, size_t n,
	const char *about, int model, int session)
{
	fprintf(stderr, "%s:", start->name);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, " %.*s |", STR_ARG(line_of(sequence[i], i)));
	fprintf(stderr, " %s: the model says %d, the session %d\n", about, model, session);
	fail();
	abort();
}

struct walk {
	const struct start *start;
	enum symbol sequence[8];
	size_t depth;
	unsigned long sequences, accepts;
};

/* What the store was given is what was agreed on in this transaction. */
static void check_store(
	const struct walk *w, size_t n, const struct model *before, unsigned accepts)
{
	unsigned recipients = (unsigned)__builtin_popcount(before->recipients);
	enum symbol last = w->sequence[n - 1];
	bool due = last == DATA || last == BDAT_LAST;

	if (store.accepts != accepts + due)
		disagree(w->start, w->sequence, n, "accept", due, (int)(store.accepts - accepts));
	if (store.n_recipients != recipients)
		disagree(w->start, w->sequence, n, "recipients", (int)recipients,
			(int)store.n_recipients);
	int first = store.recipient[1] - '0';
	if (first != __builtin_ctz(before->recipients))
		disagree(w->start, w->sequence, n, "recipient", __builtin_ctz(before->recipients),
			first);
	if ((store.tls[0] != '\0') != before->tls)
		disagree(w->start, w->sequence, n, "tls", before->tls, store.tls[0] != '\0');
	if ((store.account != 0) != before->login)
		disagree(w->start, w->sequence, n, "account", before->login, store.account != 0);
	assert_string_equal(store.sender, "ada@example.test");
}

static void check_state(
	const struct walk *w, size_t n, const struct model *m, const struct session *s)
{
	const struct {
		const char *about;
		int model, session;
	} pairs[] = {
		{ "greeted", m->greeted, s->greeted },
		{ "tls", m->tls, s->secured },
		{ "login", m->login, s->account != 0 },
		{ "transaction", m->mail, s->tx.open },
		{ "recipients", __builtin_popcount(m->recipients), (int)s->tx.n },
		{ "message", m->chunks, s->tx.message != NULL },
		{ "sender", m->mail, s->tx.sender.len != 0 },
		{ "auth", 0, s->auth != AUTH_NONE },
	};

	for (size_t i = 0; i < count_of(pairs); i++) {
		if (pairs[i].model != pairs[i].session)
			disagree(w->start, w->sequence, n, pairs[i].about, pairs[i].model,
				pairs[i].session);
	}
}

/* Both take the nth symbol. */
static void step(struct walk *w, size_t n, struct model *m, struct session *s)
{
	struct model before = *m;
	unsigned accepts = store.accepts;
	enum symbol symbol = w->sequence[n - 1];
	int expected = model_says(m, symbol, n - 1);
	struct reply reply = session_says(s, symbol, n - 1);

	if (reply.code / 100 != expected)
		disagree(w->start, w->sequence, n, "reply", expected, reply.code);
	if ((reply.next == NEXT_CLOSE) != m->over)
		disagree(w->start, w->sequence, n, "end", m->over, reply.next == NEXT_CLOSE);
	if (store.accepts != accepts)
		check_store(w, n, &before, accepts);
	else if (expected == 2 && (symbol == DATA || symbol == BDAT_LAST))
		disagree(w->start, w->sequence, n, "accept", 1, 0);
	if (!m->over)
		check_state(w, n, m, s);
	w->sequences++;
}

static struct session *replay(struct walk *w, size_t n)
{
	struct session *s = session_at(w->start);

	for (size_t i = 0; i < n; i++)
		session_says(s, w->sequence[i], i);
	return s;
}

/* All sequences that begin with the first n symbols, which left the model as *m. Where a symbol
 * changed nothing, in the eyes of the model and of check_state, its sibling is said to the same
 * session: a trace it left in secret would show there. */
static void descend(struct walk *w, size_t n, const struct model *m)
{
	struct session *s = NULL;

	for (unsigned symbol = 0; symbol < SYMBOLS; symbol++) {
		struct model next = *m;
		if (!s)
			s = replay(w, n);
		w->sequence[n] = (enum symbol)symbol;
		step(w, n + 1, &next, s);
		bool changed = memcmp(&next, m, sizeof next) != 0;
		if (changed)
			session_free(&s);
		if (!next.over && n + 1 < w->depth)
			descend(w, n + 1, &next);
	}
	if (s)
		session_free(&s);
}

static size_t chosen_depth;

static void walk_from(const struct start *start)
{
	struct walk w = { .start = start, .depth = chosen_depth };
	struct model m;

	memset(&m, 0, sizeof m);
	m = model_at(start);
	descend(&w, 0, &m);
	print_message("%s: %lu sequences, %u messages\n", start->name, w.sequences, store.accepts);
}

static void mx_in_clear(void **state)
{
	(void)state;
	walk_from(&(struct start){ .name = "mx", .kind = LISTENER_MX });
}

static void mx_in_tls(void **state)
{
	(void)state;
	walk_from(&(struct start){
		.name = "mx, TLS", .kind = LISTENER_MX, .tls = true, .greeted = true });
}

static void secure_mx(void **state)
{
	(void)state;
	walk_from(&(struct start){ .name = "secure mx", .kind = LISTENER_SECURE_MX });
}

static void submission_in_clear(void **state)
{
	(void)state;
	walk_from(&(struct start){ .name = "submission", .kind = LISTENER_SUBMISSION });
}

static void submission_in_tls(void **state)
{
	(void)state;
	walk_from(&(struct start){ .name = "submission, TLS",
		.kind = LISTENER_SUBMISSION,
		.tls = true,
		.greeted = true });
}

static void submissions_logged_in(void **state)
{
	(void)state;
	walk_from(&(struct start){ .name = "submissions, logged in",
		.kind = LISTENER_SUBMISSIONS,
		.tls = true,
		.login = true,
		.greeted = true });
}

static int begin(void **state)
{
	world_begin(state);
	world_snapshot.tls = (struct tls_server *)&world_snapshot;
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define WALK(name) cmocka_unit_test_setup_teardown(name, begin, world_end)
		WALK(mx_in_clear),
		WALK(mx_in_tls),
		WALK(secure_mx),
		WALK(submission_in_clear),
		WALK(submission_in_tls),
		WALK(submissions_logged_in),
	};
	const char *depth = argc > 1 ? argv[1] : getenv("SIEGEL_ENUMERATION_DEPTH");

#ifdef SANITIZED
	chosen_depth = 4;
#else
	chosen_depth = 5;
#endif
	if (depth && atoi(depth) > 0 && atoi(depth) <= 7)
		chosen_depth = (size_t)atoi(depth);
	log_open("test", LOG_ALARM);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
