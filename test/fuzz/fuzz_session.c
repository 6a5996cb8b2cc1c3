/* SPDX-License-Identifier: ISC
 *
 * fuzz_session.c - a whole conversation with smtpd: everything a peer may say, on each kind of
 * listener, in clear and inside TLS, logged in or not, over a real socket; the store is a stand-in
 * that holds smtpd to its promises each time it is asked. The first byte chooses the listener
 * and the state, the rest are the peer's words.
 *
 * `make fuzz-proof` builds it with PLANTED_BUG: a buffer that the subject of a message which was
 * taken, at the end of DATA or of BDAT, can run over. The fuzzer has to find that.
 */
#include "smtpd/session.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/must.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { ADA = 7, HEARD_MAX = 1 << 20 };

static struct domain_settings domains[] = { { { "example.test", 12 },
	{ "secure.example.test", 19 } } };
static struct str neighbours[] = { { "192.0.2.9/32", 12 } };
static struct settings settings;
static struct snapshot snapshot;
static struct house house;
static struct session *session;
static char heard[HEARD_MAX];

static bool in_domain(struct str address, const char *domain)
{
	return str_eq_nocase(address_domain_part(address), str_of(domain));
}

/* --- the store --- */

bool call_login(struct client *client, const struct login_ask *ask, int fd_in, struct arena *arena,
	struct login_answer *answer, int *fd_out, struct deadline deadline, struct why *why)
{
	bool right = str_eq(ask->user, STR("ada")) && str_eq(ask->password, STR("geheim"));

	(void)client, (void)fd_in, (void)fd_out, (void)deadline, (void)why;
	must(session->secured && session_is_submission(session));
	*answer = (struct login_answer){ .outcome = right ? LOGIN_OK : LOGIN_BAD,
		.account = right ? ADA : 0,
		.address = arena_str(arena, STR("ada@example.test")) };
	return true;
}

bool call_sender(struct client *client, const struct sender_ask *ask, int fd_in,
	struct arena *arena, struct sender_answer *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	(void)client, (void)fd_in, (void)arena, (void)fd_out, (void)deadline, (void)why;
	must(ask->account == ADA && ask->address.len);
	answer->outcome = str_starts(ask->address, STR("ada@")) ? SENDER_OWNED : SENDER_NOT_OWNED;
	return true;
}

bool call_recipient(struct client *client, const struct recipient_ask *ask, int fd_in,
	struct arena *arena, struct recipient_answer *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	bool secure = in_domain(ask->address, "secure.example.test");

	(void)client, (void)fd_in, (void)arena, (void)fd_out, (void)deadline, (void)why;
	must(ask->secured == session->secured && ask->account == session->account);
	if (secure && !ask->secured)
		answer->outcome = RECIPIENT_PLAINTEXT_REFUSED;
	else if (secure)
		answer->outcome = RECIPIENT_ALIAS;
	else if (in_domain(ask->address, "example.test"))
		answer->outcome = RECIPIENT_LOCAL;
	else
		answer->outcome = ask->account || session->neighbour ? RECIPIENT_REMOTE
								     : RECIPIENT_RELAY_DENIED;
	return true;
}

/* What smtpd may never hand over, whatever it was told. */
static void check_body(const struct accept_ask *ask, struct str body)
{
	must(body.len == ask->size && str_starts(body, STR("Received: from ")));
	struct str header = str_head(body, str_find_str(body, STR("\r\n\r\n")));
	must(str_find_str(header, STR("\r\nSiegel-Transport:")) == header.len);
	must(body.at[body.len - 1] == '\n');
	for (size_t i = 0; i < body.len; i++) {
		must(body.at[i] != '\r' || body.at[i + 1] == '\n');
		must(body.at[i] != '\n' || body.at[i - 1] == '\r');
	}
}

static void check_envelope(const struct accept_ask *ask)
{
	bool sealed = ask->tls_version.len != 0;

	must(ask->recipients.len && sealed == session->secured);
	must(sealed || (!ask->requiretls && !ask->account));
	for (size_t i = 0; i < ask->recipients.len; i++) {
		struct str to = ask->recipients.at[i].address;
		must(sealed || !in_domain(to, "secure.example.test"));
		must(in_domain(to, "secure.example.test") || in_domain(to, "example.test") ||
			ask->account || session->neighbour);
	}
	if (in_domain(ask->sender, "secure.example.test"))
		must(sealed && (ask->account || session->neighbour));
#ifdef PLANTED_BUG
	if (ask->subject.len) {
		char small[8];
		memcpy(small, ask->subject.at, ask->subject.len);
		must(small[0] == ask->subject.at[0]);
	}
#endif
}

bool call_accept(struct client *client, const struct accept_ask *ask, int fd_in,
	struct arena *arena, struct accept_answer *answer, int *fd_out, struct deadline deadline,
	struct why *why)
{
	struct mapping body;

	(void)client, (void)arena, (void)fd_out, (void)deadline;
	check_envelope(ask);
	must(fd_map_sealed(fd_in, 1 << 20, &body, why));
	check_body(ask, body.bytes);
	fd_unmap(&body);
	answer->outcome = ACCEPT_TAKEN;
	return true;
}

/* --- the peer --- */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_open("fuzz", LOG_ALARM);
	settings = (struct settings){ .host_name = STR("mx.example.test"),
		.message_size = 65536,
		.bytes_in_flight = 1 << 24,
		.recipients = 100,
		.command_deadline = 60 * SECOND,
		.session_deadline = 60 * SECOND,
		.from_rule = true,
		.domains = { domains, 1 },
		.neighbours = { neighbours, 1 } };
	snapshot = (struct snapshot){ .settings = &settings };
	atomic_init(&snapshot.holders, 1);
	house = (struct house){ .gate = gate_new() };
	return 0;
}

/* Every reply is lines of a code with one code, and the last one has a blank behind it. */
static void check_replies(size_t n)
{
	struct str rest = { heard, n };

	while (rest.len) {
		size_t end = str_find_str(rest, STR("\r\n"));
		must(end >= 4 && end + 2 <= rest.len && rest.at[0] >= '2' && rest.at[0] <= '5');
		must(ascii_is_digit(rest.at[1]) && ascii_is_digit(rest.at[2]));
		must(rest.at[3] == ' ' || rest.at[3] == '-');
		for (size_t i = 0; i < end; i++)
			must(rest.at[i] >= ' ' && rest.at[i] <= '~');
		rest = str_tail(rest, end + 2);
	}
}

static void hear(int peer)
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(peer, heard + n, sizeof heard - n)) > 0)
		n += (size_t)got;
	close(peer);
	check_replies(n);
}

static struct session *begin(uint8_t state, struct plain *plain)
{
	static const struct seal seal = { .version = STR("TLSv1.3"),
		.cipher = STR("TLS_AES_128_GCM_SHA256") };
	struct peer peer = { .text = "192.0.2.1" };

	if (state & 4)
		memcpy(peer.text, "192.0.2.9", 10);
	must(gate_enter(house.gate, &peer, 10, 10) == GATE_OPEN);
	struct session *s =
		session_new(&house, &snapshot, (enum listener_kind)(state & 3), &peer, plain);
	if (state & 8)
		session_secured(s, &seal);
	s->begun = s->kind == LISTENER_SUBMISSIONS;
	if (state & 16 && state & 8 && session_is_submission(s))
		s->account = ADA;
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str words = { (const char *)data, size };
	int ends[2], room = 1 << 20;

	if (size < 2 || size > 16384)
		return 0;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	must(setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
	must(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
	must(fd_write_all(ends[0], str_tail(words, 1)));
	must(shutdown(ends[0], SHUT_WR) == 0);
	session = begin(data[0], plain_of(ends[1]));
	while (session_run(session) == SESSION_PARKED) /* we were slow, the words are there */
		;
	session_free(&session);
	must(gate_sessions(house.gate) == 0);
	hear(ends[0]);
	return 0;
}
