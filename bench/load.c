/* SPDX-License-Identifier: ISC
 *
 * load.c - sends mail to a server as fast as it takes it, or at a given rate, and measures.
 *
 * One thread per connection, blocking, so that a conversation is timed and not a scheduler. Three
 * kinds of run: messages (the default), --idle (TLS sessions held open and silent), and --bare (TLS
 * handshakes with a server of its own in a child process: what a handshake costs by itself is the
 * unit in which the bench speaks of CPU). Certificates of the server are not checked.
 *
 * With --rate the run is an open loop: each message has its moment, and its latency counts from
 * that moment, whether or not the connection was free by then.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "wire.h"

enum { STACK = 256 << 10, LINE_LENGTH = 74, HEADER_LENGTH = 240 };
enum tls { TLS_NONE, TLS_STARTTLS, TLS_IMPLICIT };

static struct {
	const char *connect;
	enum tls tls;
	long connections; /* at the same time */
	long messages;
	long per_connection;
	long recipients;
	long size;
	const char *tls_name, *from, *to, *auth, *sni, *times, *rate_text;
	double rate;
	long sources, users;
	bool resume, warm, idle, bare, empty;
	long tickets;
} option = {
	.tls_name = "starttls",
	.connections = 50,
	.messages = 1000,
	.per_connection = 1,
	.recipients = 1,
	.size = 4096,
	.from = "bench@sender.test",
	.to = "u%d@example.test",
	.sources = 1,
	.users = 1000000000,
	.tickets = 1,
};

static struct sockaddr_storage server;
static socklen_t server_len;
static SSL_CTX *tls_context;
static char *message_body;
static size_t body_len;

static atomic_long next_message, next_connection;
static atomic_long connects, handshakes, resumptions, refused, broken;
static atomic_long taken; /* answered with 250 */
static int64_t start_ns;
static FILE *times;
static pthread_mutex_t times_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t warmed, go;
static pthread_mutex_t first_error_lock = PTHREAD_MUTEX_INITIALIZER;
static char first_error[256];

/* One connection's worth of work, and what it measured: nothing of it is shared while it runs. */
struct worker {
	struct wire wire;
	pthread_t thread;
	SSL_SESSION *session; /* for --resume */
	bool open;
	long sent_here; /* messages on the connection that is open */
	int64_t *latency;
	size_t measured, room;
};

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "siegel-load: %s\n", what);
	exit(1);
}

static void note_error(const char *what, const char *line, size_t len)
{
	while (len && (line[len - 1] == '\r' || line[len - 1] == '\n'))
		len--;
	pthread_mutex_lock(&first_error_lock);
	if (!first_error[0])
		snprintf(first_error, sizeof(first_error), "%s: %.*s", what, (int)len, line);
	pthread_mutex_unlock(&first_error_lock);
}

/* --- SMTP ---------------------------------------------------------------------------------- */

/* Reads a whole reply. False: no reply, or one whose first digit isn't the wanted one. */
static bool expect(struct wire *w, char digit, const char *after)
{
	char *line;
	size_t len;

	do {
		if (!wire_line(w, &line, &len)) {
			note_error(after, "connection lost", 15);
			return false;
		}
	} while (len > 3 && line[3] == '-');
	if (line[0] == digit)
		return true;
	note_error(after, line, len);
	return false;
}

static bool say(struct wire *w, const char *line, char digit)
{
	return wire_printf(w, "%s\r\n", line) && expect(w, digit, line);
}

static int connect_from(long number)
{
	int fd = socket(server.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd >= 0 && option.sources > 1 && server.ss_family == AF_INET) {
		struct sockaddr_in from = { .sin_family = AF_INET };

		from.sin_addr.s_addr =
			htonl(INADDR_LOOPBACK + 1 + (uint32_t)(number % option.sources));
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		if (bind(fd, (struct sockaddr *)&from, sizeof(from))) {
			close(fd);
			return -1;
		}
	}
	if (fd >= 0 && connect(fd, (struct sockaddr *)&server, server_len)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool handshake(struct worker *k)
{
	SSL *ssl = SSL_new(tls_context);

	if (!ssl || !SSL_set_fd(ssl, k->wire.fd))
		die("out of memory");
	SSL_set_ex_data(ssl, 0, k);
	if (option.sni)
		SSL_set_tlsext_host_name(ssl, option.sni);
	if (k->session)
		SSL_set_session(ssl, k->session);
	if (SSL_connect(ssl) != 1) {
		note_error("TLS handshake", "failed", 6);
		SSL_free(ssl);
		return false;
	}
	k->wire.ssl = ssl;
	atomic_fetch_add(&handshakes, 1);
	if (SSL_session_reused(ssl))
		atomic_fetch_add(&resumptions, 1);
	return true;
}

/* The ticket comes after the handshake; the newest is the one to come back with. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct worker *k = SSL_get_ex_data(ssl, 0);

	SSL_SESSION_free(k->session);
	k->session = session;
	return 1;
}

static bool authenticate(struct wire *w)
{
	unsigned char plain[512] = "";
	unsigned char coded[700];
	size_t len = strlen(option.auth);

	if (len > sizeof(plain) - 2)
		die("--auth is too long");
	memcpy(plain + 1, option.auth, len);
	for (size_t i = 1; i <= len; i++) {
		if (plain[i] == ':') {
			plain[i] = '\0';
			break;
		}
	}
	EVP_EncodeBlock(coded, plain, (int)len + 1);
	return wire_printf(w, "AUTH PLAIN %s\r\n", (char *)coded) && expect(w, '2', "AUTH");
}

static bool greet(struct worker *k)
{
	struct wire *w = &k->wire;

	if (option.tls == TLS_IMPLICIT && !handshake(k))
		return false;
	if (!expect(w, '2', "greeting") || !say(w, "EHLO load.example.test", '2'))
		return false;
	if (option.tls == TLS_STARTTLS) {
		if (!say(w, "STARTTLS", '2') || !handshake(k))
			return false;
		if (!option.empty && !say(w, "EHLO load.example.test", '2'))
			return false;
	}
	return !option.auth || authenticate(w);
}

static void disconnect(struct worker *k)
{
	if (k->open || k->wire.fd >= 0)
		wire_close(&k->wire);
	k->open = false;
}

static bool open_connection(struct worker *k)
{
	long number = atomic_fetch_add(&next_connection, 1);
	int fd = connect_from(number);

	if (fd < 0) {
		note_error("connect", strerror(errno), strlen(strerror(errno)));
		return false;
	}
	wire_init(&k->wire, fd);
	atomic_fetch_add(&connects, 1);
	k->sent_here = 0;
	if (!greet(k)) {
		disconnect(k);
		return false;
	}
	k->open = true;
	return true;
}

static void quit(struct worker *k)
{
	if (k->open)
		say(&k->wire, "QUIT", '2');
	disconnect(k);
}

/* The recipient pattern, each %d of it replaced by the number. */
static bool put_recipient(struct wire *w, long number)
{
	const char *at = option.to, *mark;
	bool done = wire_put(w, "RCPT TO:<", 9);

	for (; done && (mark = strstr(at, "%d")); at = mark + 2)
		done = wire_put(w, at, (size_t)(mark - at)) &&
		       wire_printf(w, "%ld", number % option.users);
	return done && wire_printf(w, "%s>\r\n", at);
}

static bool put_envelope(struct wire *w, long number)
{
	bool done = wire_printf(w, "MAIL FROM:<%s>\r\n", option.from);

	for (long i = 0; done && i < option.recipients; i++)
		done = put_recipient(w, number * option.recipients + i);
	return done && wire_put(w, "DATA\r\n", 6);
}

static bool put_message(struct wire *w, long number)
{
	return wire_printf(w,
		       "From: <%s>\r\nTo: undisclosed-recipients:;\r\n"
		       "Subject: bench message %ld\r\nDate: Sat, 01 Mar 2025 12:00:00 +0000\r\n"
		       "Message-ID: <%ld.%" PRId64 "@load.example.test>\r\nX-Bench-Id: %ld\r\n\r\n",
		       option.from, number, number, start_ns, number) &&
	       wire_put(w, message_body, body_len) && wire_put(w, ".\r\n", 3) && wire_flush(w);
}

/* MAIL, RCPT and DATA go out together, as any client does where PIPELINING is offered. */
static bool send_message(struct worker *k, long number)
{
	struct wire *w = &k->wire;
	bool good;

	if (!put_envelope(w, number) || !expect(w, '2', "MAIL"))
		return false;
	good = true;
	for (long i = 0; i < option.recipients; i++)
		good = expect(w, '2', "RCPT") && good;
	return expect(w, '3', "DATA") && good && put_message(w, number) &&
	       expect(w, '2', "message");
}

/* --- a worker ------------------------------------------------------------------------------ */

static void measure(struct worker *k, long number, int64_t from)
{
	int64_t now = clock_ns();

	atomic_fetch_add(&taken, 1);
	if (k->measured == k->room) {
		k->room = k->room * 2 + 1024;
		k->latency = realloc(k->latency, k->room * sizeof(*k->latency));
		if (!k->latency)
			die("out of memory");
	}
	k->latency[k->measured++] = now - from;
	if (times) {
		pthread_mutex_lock(&times_lock);
		fprintf(times, "%ld %" PRId64 "\n", number, now);
		pthread_mutex_unlock(&times_lock);
	}
}

static int64_t moment(long number)
{
	int64_t when;

	if (option.rate <= 0)
		return clock_ns();
	when = start_ns + (int64_t)((double)number / option.rate * 1e9);
	sleep_until_ns(when);
	return when;
}

/* A connection that can't be had is tried again a little later, and given up after a while. */
static bool have_connection(struct worker *k)
{
	if (k->open && k->sent_here >= option.per_connection)
		quit(k);
	for (int tries = 0; !k->open && tries < 20; tries++) {
		if (open_connection(k))
			return true;
		atomic_fetch_add(&refused, 1);
		usleep(20000);
	}
	return k->open;
}

static void work(struct worker *k)
{
	for (;;) {
		long number = atomic_fetch_add(&next_message, 1);
		int64_t from;

		if (number >= option.messages)
			break;
		from = moment(number);
		if (!have_connection(k)) {
			atomic_fetch_add(&broken, 1);
			continue;
		}
		if (!option.empty && !send_message(k, number)) {
			atomic_fetch_add(&broken, 1);
			disconnect(k);
			continue;
		}
		k->sent_here++;
		if (option.empty)
			quit(k);
		measure(k, number, from);
	}
	quit(k);
}

static void *worker_thread(void *argument)
{
	struct worker *k = argument;

	if (option.warm && !have_connection(k))
		atomic_fetch_add(&broken, 1);
	pthread_barrier_wait(&warmed);
	pthread_barrier_wait(&go);
	work(k);
	return NULL;
}

/* --- results ------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double percentile(const int64_t *sorted, size_t count, double share)
{
	size_t at = (size_t)((double)count * share);

	if (!count)
		return 0;
	return (double)sorted[at < count ? at : count - 1] / 1e6;
}

static void print_text(const char *text)
{
	for (; *text; text++)
		if (*text != '"' && *text != '\\' && *text >= ' ')
			putchar(*text);
}

static void print_result(struct worker *workers, double seconds)
{
	size_t count = 0;
	int64_t *all;

	for (long i = 0; i < option.connections; i++)
		count += workers[i].measured;
	all = calloc(count + 1, sizeof(*all));
	if (!all)
		die("out of memory");
	count = 0;
	for (long i = 0; i < option.connections; i++) {
		if (!workers[i].measured)
			continue;
		memcpy(all + count, workers[i].latency, workers[i].measured * sizeof(*all));
		count += workers[i].measured;
	}
	qsort(all, count, sizeof(*all), by_value);
	printf("{\"messages\": %ld, \"seconds\": %.6f, \"rate\": %.2f, \"errors\": %ld, "
	       "\"connects\": %ld, \"connects_refused\": %ld, \"handshakes\": %ld, "
	       "\"resumed\": %ld, \"latency_ms\": {\"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, "
	       "\"max\": %.3f}, \"first_error\": \"",
		taken, seconds, seconds > 0 ? (double)taken / seconds : 0, broken, connects,
		refused, handshakes, resumptions, percentile(all, count, 0.5),
		percentile(all, count, 0.9), percentile(all, count, 0.99),
		percentile(all, count, 1));
	print_text(first_error);
	printf("\"}\n");
	free(all);
}

/* Says it is ready, and waits until whoever measures says go: with the end of a line, or of all. */
static void wait_for_go(void)
{
	int c;

	printf("ready\n");
	fflush(stdout);
	do
		c = getchar();
	while (c != '\n' && c != EOF);
}

static struct worker *start_workers(void *(*run)(void *))
{
	struct worker *workers = calloc((size_t)option.connections, sizeof(*workers));
	pthread_attr_t attr;

	if (!workers)
		die("out of memory");
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (long i = 0; i < option.connections; i++) {
		workers[i].wire.fd = -1;
		if (pthread_create(&workers[i].thread, &attr, run, &workers[i]))
			die("can't start a thread");
	}
	return workers;
}

static int run_messages(void)
{
	unsigned parties = (unsigned)option.connections + 1;
	struct worker *workers;
	int64_t end;

	pthread_barrier_init(&warmed, NULL, parties);
	pthread_barrier_init(&go, NULL, parties);
	workers = start_workers(worker_thread);
	pthread_barrier_wait(&warmed);
	if (option.warm)
		wait_for_go();
	start_ns = clock_ns();
	pthread_barrier_wait(&go);
	for (long i = 0; i < option.connections; i++)
		pthread_join(workers[i].thread, NULL);
	end = clock_ns();
	if (times)
		fclose(times);
	print_result(workers, (double)(end - start_ns) / 1e9);
	return broken ? 1 : 0;
}

/* --- idle ---------------------------------------------------------------------------------- */

/* The buffers of a worker are many times what an idle session needs: keep descriptor and TLS. */
static void *idle_thread(void *argument)
{
	struct worker *k = argument;
	int tries = 0;

	while (atomic_fetch_add(&next_message, 1) < option.messages && tries < 20) {
		if (!open_connection(k)) {
			atomic_fetch_add(&refused, 1);
			atomic_fetch_sub(&next_message, 1);
			tries++;
			usleep(20000);
			continue;
		}
		atomic_fetch_add(&taken, 1);
		k->wire.ssl = NULL;
		k->wire.fd = -1;
		k->open = false;
	}
	return NULL;
}

static int run_idle(void)
{
	int64_t from = clock_ns();
	struct worker *workers = start_workers(idle_thread);

	for (long i = 0; i < option.connections; i++)
		pthread_join(workers[i].thread, NULL);
	printf("{\"open\": %ld, \"wanted\": %ld, \"refused\": %ld, \"seconds\": %.3f, "
	       "\"first_error\": \"",
		taken, option.messages, refused, (double)(clock_ns() - from) / 1e9);
	print_text(first_error);
	printf("\"}\n");
	fflush(stdout);
	wait_for_go();
	return taken == option.messages ? 0 : 1;
}

/* --- bare handshakes ------------------------------------------------------------------------ */

enum { BARE_THREADS = 16 };

static EVP_PKEY *bare_key(SSL_CTX *tls)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	if (!key || !cert)
		die("out of memory");
	X509_set_version(cert, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	X509_sign(cert, key, EVP_sha256());
	SSL_CTX_use_certificate(tls, cert);
	SSL_CTX_use_PrivateKey(tls, key);
	X509_free(cert);
	return key;
}

static SSL_CTX *bare_context(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (!tls)
		die("no TLS");
	EVP_PKEY_free(bare_key(tls));
	SSL_CTX_set_num_tickets(tls, (size_t)option.tickets);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(tls, (const unsigned char *)"bare", 4);
	return tls;
}

static struct {
	int listener;
	SSL_CTX *tls;
} bare;

/* Accept, shake hands, read one byte's worth of the peer's leaving, leave. Nothing else. */
static void *bare_thread(void *argument)
{
	(void)argument;
	for (;;) {
		int fd = accept4(bare.listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
		SSL *ssl;
		char byte;

		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		ssl = SSL_new(bare.tls);
		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1) {
			SSL_read(ssl, &byte, 1);
			SSL_shutdown(ssl);
		}
		SSL_free(ssl);
		close(fd);
	}
	return NULL;
}

static pid_t bare_server(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	pid_t child;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bare.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server_len = sizeof(at);
	if (bind(bare.listener, (struct sockaddr *)&at, sizeof(at)) ||
		listen(bare.listener, 4096) ||
		getsockname(bare.listener, (struct sockaddr *)&server, &server_len))
		die("can't listen");
	child = fork();
	if (child < 0)
		die("can't fork");
	if (child == 0) {
		pthread_t thread;

		bare.tls = bare_context();
		for (int i = 0; i < BARE_THREADS; i++)
			pthread_create(&thread, NULL, bare_thread, NULL);
		for (;;)
			pause();
	}
	close(bare.listener);
	return child;
}

static void *bare_client(void *argument)
{
	struct worker *k = argument;

	while (atomic_fetch_add(&next_message, 1) < option.messages) {
		int fd = connect_from(0);

		if (fd < 0) {
			atomic_fetch_add(&broken, 1);
			continue;
		}
		wire_init(&k->wire, fd);
		if (handshake(k)) {
			char byte;

			/* The server's farewell comes behind its ticket. */
			SSL_shutdown(k->wire.ssl);
			SSL_read(k->wire.ssl, &byte, 1);
			atomic_fetch_add(&taken, 1);
		} else {
			atomic_fetch_add(&broken, 1);
		}
		wire_close(&k->wire);
	}
	return NULL;
}

static int run_bare(void)
{
	pid_t child = bare_server();
	clockid_t cpu;
	struct timespec before, after;
	int64_t from, until;
	struct worker *workers;

	usleep(100000);
	if (clock_getcpuclockid(child, &cpu) || clock_gettime(cpu, &before))
		die("can't read the child's CPU time");
	from = clock_ns();
	workers = start_workers(bare_client);
	for (long i = 0; i < option.connections; i++)
		pthread_join(workers[i].thread, NULL);
	until = clock_ns();
	clock_gettime(cpu, &after);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	printf("{\"handshakes\": %ld, \"errors\": %ld, \"resumed\": %ld, \"tickets\": %ld, "
	       "\"seconds\": %.6f, \"cpu_ms\": %.6f}\n",
		taken, broken, resumptions, option.tickets, (double)(until - from) / 1e9,
		((double)(after.tv_sec - before.tv_sec) * 1e3 +
			(double)(after.tv_nsec - before.tv_nsec) / 1e6) /
			(double)(taken ? taken : 1));
	return broken ? 1 : 0;
}

/* --- options ------------------------------------------------------------------------------- */

static const char usage[] =
	"usage: siegel-load --connect ADDR:PORT [options]\n"
	"       siegel-load --bare [--messages N] [--connections N] [--tickets N] [--resume]\n"
	"  --tls none|starttls|implicit  (starttls)\n"
	"  --connections N     at the same time (50)\n"
	"  --messages N        in all (1000)\n"
	"  --per-connection N  messages for one connection (1)\n"
	"  --size N            bytes of a message, header and all (4096)\n"
	"  --from ADDRESS      sender, envelope and header\n"
	"  --to PATTERN        recipient; %d is the message's number, modulo --users\n"
	"  --users N           (1000000000)\n"
	"  --recipients N      for each message (1)\n"
	"  --auth USER:PASS    AUTH PLAIN\n"
	"  --rate N            messages per second, open loop; else as fast as it goes\n"
	"  --warm              open all connections, print \"ready\", start at a line of input\n"
	"  --resume            come back with the last session ticket\n"
	"  --sni NAME          server name in TLS\n"
	"  --sources N         come from 127.0.0.2 and the N-1 addresses behind it in turn\n"
	"  --times FILE        moment of each message's 250\n"
	"  --empty             no message: EHLO, STARTTLS, handshake, QUIT\n"
	"  --idle              open --messages sessions, print a line, hold them until input\n"
	"  --bare              handshakes with a server of its own: what one costs its side\n"
	"  --tickets N         session tickets of that server (1)\n";

static const struct {
	const char *name;
	long *number;
	const char **text;
	bool *flag;
} settings[] = {
	{ "connect", .text = &option.connect },
	{ "tls", .text = &option.tls_name },
	{ "connections", .number = &option.connections },
	{ "messages", .number = &option.messages },
	{ "per-connection", .number = &option.per_connection },
	{ "size", .number = &option.size },
	{ "from", .text = &option.from },
	{ "to", .text = &option.to },
	{ "users", .number = &option.users },
	{ "recipients", .number = &option.recipients },
	{ "auth", .text = &option.auth },
	{ "rate", .text = &option.rate_text },
	{ "warm", .flag = &option.warm },
	{ "resume", .flag = &option.resume },
	{ "sni", .text = &option.sni },
	{ "sources", .number = &option.sources },
	{ "times", .text = &option.times },
	{ "empty", .flag = &option.empty },
	{ "idle", .flag = &option.idle },
	{ "bare", .flag = &option.bare },
	{ "tickets", .number = &option.tickets },
};

_Noreturn static void die_of_usage(void)
{
	fputs(usage, stderr);
	exit(2);
}

/* How many words of the command line it took: the option, and its value if it has one. */
static int read_option(char **word)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strncmp(word[0], "--", 2) || strcmp(word[0] + 2, settings[i].name))
			continue;
		if (settings[i].flag) {
			*settings[i].flag = true;
			return 1;
		}
		if (!word[1])
			die_of_usage();
		if (settings[i].number)
			*settings[i].number = atol(word[1]);
		else
			*settings[i].text = word[1];
		return 2;
	}
	die_of_usage();
}

static enum tls tls_kind(const char *name)
{
	if (!strcmp(name, "none"))
		return TLS_NONE;
	if (!strcmp(name, "implicit"))
		return TLS_IMPLICIT;
	if (strcmp(name, "starttls"))
		die("--tls is none, starttls or implicit");
	return TLS_STARTTLS;
}

static void read_options(char **word)
{
	while (*word)
		word += read_option(word);
	if ((!option.bare && !option.connect) || option.connections < 1 || option.users < 1)
		die_of_usage();
	option.tls = tls_kind(option.tls_name);
	option.rate = option.rate_text ? atof(option.rate_text) : 0;
	if (option.connect && !parse_address(option.connect, &server, &server_len))
		die("--connect wants ADDR:PORT");
	if (option.times && !(times = fopen(option.times, "w")))
		die("can't write the file for --times");
}

/* Whole lines of letters: with its header a message is of the wanted size, or a line less. */
static void make_body(void)
{
	size_t lines = option.size > HEADER_LENGTH
			       ? (size_t)(option.size - HEADER_LENGTH) / (LINE_LENGTH + 2)
			       : 1;

	message_body = malloc(lines * (LINE_LENGTH + 2) + 1);
	if (!message_body)
		die("out of memory");
	for (size_t line = 0; line < lines; line++) {
		for (size_t i = 0; i < LINE_LENGTH; i++)
			message_body[body_len + i] = (char)('a' + (line + i * 7) % 26);
		memcpy(message_body + body_len + LINE_LENGTH, "\r\n", 2);
		body_len += LINE_LENGTH + 2;
	}
}

static void make_client_context(void)
{
	tls_context = SSL_CTX_new(TLS_client_method());
	if (!tls_context)
		die("no TLS");
	SSL_CTX_set_verify(tls_context, SSL_VERIFY_NONE, NULL);
	if (option.idle)
		SSL_CTX_set_mode(tls_context, SSL_MODE_RELEASE_BUFFERS);
	if (option.resume) {
		SSL_CTX_set_session_cache_mode(
			tls_context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
		SSL_CTX_sess_set_new_cb(tls_context, keep_session);
	} else {
		SSL_CTX_set_session_cache_mode(tls_context, SSL_SESS_CACHE_OFF);
	}
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	(void)argc;
	read_options(argv + 1);
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	make_body();
	make_client_context();
	if (option.bare)
		return run_bare();
	if (option.idle)
		return run_idle();
	return run_messages();
}
