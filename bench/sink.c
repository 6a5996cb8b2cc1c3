/* SPDX-License-Identifier: ISC
 *
 * sink.c - an SMTP server that takes every message and keeps only what it is asked to keep.
 *
 * The other side of the bench and the two neighbours of `make run`. One thread per connection,
 * blocking. It promises nothing: what it answers with 250 is counted, written down with --save,
 * printed with --print, and otherwise gone. Not for use on a network: it believes everybody.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "wire.h"

enum { MAX_LISTENERS = 64, MAX_MESSAGE = 128 << 20, STACK = 256 << 10 };

static struct {
	const char *name;
	const char *save;
	const char *times;
	const char *stats;
	bool print;
	bool implicit_tls;
	long delay_ms;
	long max_messages;
	SSL_CTX *tls;
} option = { .name = "sink.example.test" };

static struct {
	atomic_long connections, open, handshakes, resumed, failed_handshakes, messages, recipients;
	atomic_llong bytes, first_ns, last_ns;
} count;

/* Guards what several sessions write to: stdout, the arrival times, the file numbers. */
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;
static FILE *times;
static long saved;

struct text {
	char *at;
	size_t len, room;
};

struct session {
	struct wire wire;
	char peer[INET6_ADDRSTRLEN];
	struct text helo, from, to, body;
	long rcpts, messages;
	bool chunking; /* a BDAT has begun and its LAST not come */
};

static void die(const char *what)
{
	fprintf(stderr, "siegel-sink: %s\n", what);
	exit(1);
}

static bool text_add(struct text *t, const char *at, size_t len)
{
	if (!len)
		return true;
	if (len > MAX_MESSAGE - t->len)
		return false;
	if (t->len + len > t->room) {
		size_t room = (t->len + len) * 2 + 256;
		char *grown = realloc(t->at, room);

		if (!grown)
			return false;
		t->at = grown;
		t->room = room;
	}
	memcpy(t->at + t->len, at, len);
	t->len += len;
	return true;
}

static void text_set(struct text *t, const char *at, size_t len)
{
	t->len = 0;
	text_add(t, at, len);
}

static void reset(struct session *s)
{
	s->from.len = s->to.len = s->body.len = 0;
	s->rcpts = 0;
	s->chunking = false;
}

/* --- what is kept of a message ------------------------------------------------------------- */

static const char *tls_version(const struct session *s)
{
	return s->wire.ssl ? SSL_get_version(s->wire.ssl) : "none";
}

static const char *tls_cipher(const struct session *s)
{
	return s->wire.ssl ? SSL_get_cipher_name(s->wire.ssl) : "none";
}

static const char *tls_sni(const struct session *s)
{
	const char *sni = NULL;

	if (s->wire.ssl)
		sni = SSL_get_servername(s->wire.ssl, TLSEXT_NAMETYPE_host_name);
	return sni ? sni : "none";
}

/* A field's value in the message's header, unfolded by nobody: enough for one's own messages. */
static const char *header(const struct session *s, const char *field, size_t *len)
{
	const char *at = s->body.at, *end = at + s->body.len;
	size_t want = strlen(field);

	*len = 0;
	while (at < end && *at != '\r' && *at != '\n') {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		const char *stop = lf ? lf : end;

		if ((size_t)(stop - at) > want && !strncasecmp(at, field, want)) {
			for (at += want; at < stop && *at == ' '; at++)
				;
			while (stop > at && (stop[-1] == '\r' || stop[-1] == ' '))
				stop--;
			*len = (size_t)(stop - at);
			return at;
		}
		at = stop + 1;
	}
	return "";
}

static void save(struct session *s)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/.%06ld", option.save, ++saved);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		return;
	}
	fprintf(file, "Sink-Peer: %s\nSink-Helo: %.*s\n", s->peer, (int)s->helo.len, s->helo.at);
	fprintf(file, "Sink-TLS: %s\nSink-Cipher: %s\nSink-SNI: %s\n", tls_version(s),
		tls_cipher(s), tls_sni(s));
	fprintf(file, "Sink-From: %.*s\n%.*s\n", (int)s->from.len, s->from.at, (int)s->to.len,
		s->to.at);
	fwrite(s->body.at, 1, s->body.len, file);
	if (fclose(file) == 0) {
		char final[4096];

		snprintf(final, sizeof(final), "%s/%06ld.eml", option.save, saved);
		rename(path, final);
	}
}

static void print(struct session *s)
{
	size_t len;
	const char *subject = header(s, "Subject:", &len);

	printf("from=%.*s recipients=%ld tls=%s cipher=%s sni=%s size=%zu subject=\"%.*s\"\n",
		(int)s->from.len, s->from.at, s->rcpts, tls_version(s), tls_cipher(s), tls_sni(s),
		s->body.len, (int)len, subject);
	fflush(stdout);
}

static void note_time(struct session *s, int64_t now)
{
	size_t len;
	const char *id = header(s, "X-Bench-Id:", &len);

	if (len)
		fprintf(times, "%.*s %" PRId64 "\n", (int)len, id, now);
}

/* The whole message is here: it has arrived now, before its 250 is sent. */
static void keep(struct session *s)
{
	int64_t now = clock_ns();
	long long zero = 0;

	atomic_compare_exchange_strong(&count.first_ns, &zero, now);
	atomic_store(&count.last_ns, now);
	atomic_fetch_add(&count.messages, 1);
	atomic_fetch_add(&count.recipients, s->rcpts);
	atomic_fetch_add(&count.bytes, (long long)s->body.len);
	s->messages++;
	if (!option.save && !option.print && !times)
		return;
	pthread_mutex_lock(&output);
	if (option.save)
		save(s);
	if (option.print)
		print(s);
	if (times)
		note_time(s, now);
	pthread_mutex_unlock(&output);
}

/* --- the conversation ---------------------------------------------------------------------- */

enum next { GO_ON, END };

static enum next reply(struct session *s, const char *text)
{
	return wire_printf(&s->wire, "%s\r\n", text) ? GO_ON : END;
}

static enum next do_ehlo(struct session *s, const char *argument, size_t len)
{
	bool offer = option.tls && !s->wire.ssl;

	text_set(&s->helo, argument, len);
	reset(s);
	return wire_printf(&s->wire,
		       "250-%s\r\n250-PIPELINING\r\n250-SIZE %d\r\n250-8BITMIME\r\n%s"
		       "250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250-SMTPUTF8\r\n250 CHUNKING\r\n",
		       option.name, MAX_MESSAGE, offer ? "250-STARTTLS\r\n" : "")
		       ? GO_ON
		       : END;
}

static enum next do_helo(struct session *s, const char *argument, size_t len)
{
	text_set(&s->helo, argument, len);
	reset(s);
	return wire_printf(&s->wire, "250 %s\r\n", option.name) ? GO_ON : END;
}

static bool handshake(struct session *s)
{
	SSL *ssl = SSL_new(option.tls);

	if (!ssl || !SSL_set_fd(ssl, s->wire.fd) || SSL_accept(ssl) != 1) {
		atomic_fetch_add(&count.failed_handshakes, 1);
		SSL_free(ssl);
		return false;
	}
	s->wire.ssl = ssl;
	atomic_fetch_add(&count.handshakes, 1);
	if (SSL_session_reused(ssl))
		atomic_fetch_add(&count.resumed, 1);
	return true;
}

static enum next do_starttls(struct session *s, const char *argument, size_t len)
{
	(void)argument;
	if (len)
		return reply(s, "501 5.5.4 STARTTLS takes no argument");
	if (!option.tls || s->wire.ssl)
		return reply(s, "503 5.5.1 no TLS here");
	if (s->wire.at != s->wire.end) {
		reply(s, "421 4.7.0 bytes behind STARTTLS");
		return END;
	}
	if (reply(s, "220 2.0.0 go on") == END || !wire_flush(&s->wire))
		return END;
	reset(s);
	s->helo.len = 0;
	return handshake(s) ? GO_ON : END;
}

static enum next do_mail(struct session *s, const char *argument, size_t len)
{
	if (s->from.len)
		return reply(s, "503 5.5.1 one MAIL at a time");
	if (len < 5 || strncasecmp(argument, "FROM:", 5))
		return reply(s, "501 5.5.4 MAIL FROM:<...>");
	text_set(&s->from, argument + 5, len - 5);
	return reply(s, "250 2.1.0 sender ok");
}

static enum next do_rcpt(struct session *s, const char *argument, size_t len)
{
	if (!s->from.len)
		return reply(s, "503 5.5.1 MAIL first");
	if (len < 3 || strncasecmp(argument, "TO:", 3))
		return reply(s, "501 5.5.4 RCPT TO:<...>");
	text_add(&s->to, "Sink-To: ", 9);
	text_add(&s->to, argument + 3, len - 3);
	text_add(&s->to, "\n", 1);
	s->rcpts++;
	return reply(s, "250 2.1.5 recipient ok");
}

static enum next taken(struct session *s)
{
	enum next next;

	if (option.delay_ms)
		sleep_until_ns(clock_ns() + option.delay_ms * 1000000);
	keep(s);
	next = wire_printf(&s->wire, "250 2.0.0 taken as %ld\r\n", count.messages) ? GO_ON : END;
	reset(s);
	if (next == GO_ON && s->messages == option.max_messages) {
		reply(s, "421 4.3.2 enough for one connection");
		next = END;
	}
	return next;
}

static enum next do_data(struct session *s, const char *argument, size_t len)
{
	bool at_start = true;
	char *line;
	size_t size;

	(void)argument;
	(void)len;
	if (!s->rcpts || s->chunking)
		return reply(s, "503 5.5.1 RCPT first");
	if (reply(s, "354 go on") == END)
		return END;
	while (wire_line(&s->wire, &line, &size)) {
		bool dot = at_start && line[0] == '.';

		if (dot && size == 3 && line[1] == '\r')
			return taken(s);
		if (!text_add(&s->body, line + dot, size - dot))
			return END;
		at_start = line[size - 1] == '\n';
	}
	return END;
}

static bool read_chunk(struct session *s, size_t left)
{
	struct wire *w = &s->wire;

	while (left) {
		size_t have = w->end - w->at;

		if (have > left)
			have = left;
		if (have && !text_add(&s->body, w->in + w->at, have))
			return false;
		w->at += have;
		left -= have;
		if (left && !wire_fill(w))
			return false;
	}
	return true;
}

static enum next do_bdat(struct session *s, const char *argument, size_t len)
{
	char *rest;
	unsigned long size = strtoul(argument, &rest, 10);
	size_t used = (size_t)(rest - argument);
	bool last = len >= used + 5 && !strncasecmp(rest, " LAST", 5);

	if (!used || size > MAX_MESSAGE || !read_chunk(s, size))
		return END;
	if (!s->rcpts) {
		s->body.len = 0;
		return reply(s, "503 5.5.1 RCPT first");
	}
	s->chunking = !last;
	return last ? taken(s) : reply(s, "250 2.0.0 chunk ok");
}

static enum next do_rset(struct session *s, const char *argument, size_t len)
{
	(void)argument;
	(void)len;
	reset(s);
	return reply(s, "250 2.0.0 ok");
}

static enum next do_noop(struct session *s, const char *argument, size_t len)
{
	(void)argument;
	(void)len;
	return reply(s, "250 2.0.0 ok");
}

static enum next do_quit(struct session *s, const char *argument, size_t len)
{
	(void)argument;
	(void)len;
	reply(s, "221 2.0.0 bye");
	return END;
}

static const struct verb {
	const char *word;
	enum next (*run)(struct session *s, const char *argument, size_t len);
} verbs[] = {
	{ "EHLO", do_ehlo },
	{ "HELO", do_helo },
	{ "STARTTLS", do_starttls },
	{ "MAIL", do_mail },
	{ "RCPT", do_rcpt },
	{ "DATA", do_data },
	{ "BDAT", do_bdat },
	{ "RSET", do_rset },
	{ "NOOP", do_noop },
	{ "QUIT", do_quit },
};

/* The line is in the wire's buffer: NUL ends it in place of its CR, so that words can be read. */
static enum next command(struct session *s, char *line, size_t len)
{
	while (len && (line[len - 1] == '\n' || line[len - 1] == '\r' || line[len - 1] == ' '))
		line[--len] = '\0';
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		size_t word = strlen(verbs[i].word);

		if (len < word || strncasecmp(line, verbs[i].word, word))
			continue;
		if (len > word && line[word] != ' ')
			continue;
		word += len > word;
		return verbs[i].run(s, line + word, len - word);
	}
	return reply(s, "500 5.5.2 not known here");
}

static void converse(struct session *s)
{
	char *line;
	size_t len;

	if (option.implicit_tls && !handshake(s))
		return;
	if (!wire_printf(&s->wire, "220 %s ESMTP\r\n", option.name))
		return;
	while (wire_line(&s->wire, &line, &len)) {
		if (line[len - 1] != '\n' || command(s, line, len) == END)
			break;
	}
	wire_flush(&s->wire);
}

static void *session_thread(void *argument)
{
	struct session *s = argument;

	converse(s);
	wire_close(&s->wire);
	free(s->helo.at);
	free(s->from.at);
	free(s->to.at);
	free(s->body.at);
	free(s);
	atomic_fetch_sub(&count.open, 1);
	return NULL;
}

/* --- listening ----------------------------------------------------------------------------- */

static pthread_attr_t detached;

static void name_peer(struct session *s, const struct sockaddr_storage *peer)
{
	const void *at = &((const struct sockaddr_in *)(const void *)peer)->sin_addr;

	if (peer->ss_family == AF_INET6)
		at = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
	inet_ntop(peer->ss_family, at, s->peer, sizeof(s->peer));
}

static void *listen_thread(void *argument)
{
	int listener = *(int *)argument;

	for (;;) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		int fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
		struct session *s;
		pthread_t thread;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				usleep(10000);
			continue;
		}
		s = calloc(1, sizeof(*s));
		if (!s)
			die("out of memory");
		wire_init(&s->wire, fd);
		name_peer(s, &peer);
		atomic_fetch_add(&count.connections, 1);
		atomic_fetch_add(&count.open, 1);
		if (pthread_create(&thread, &detached, session_thread, s))
			session_thread(s);
	}
	return NULL;
}

static int listen_on(const char *address)
{
	struct sockaddr_storage at;
	socklen_t len;
	int on = 1, fd;

	if (!parse_address(address, &at, &len))
		die("--listen wants ADDR:PORT");
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) || listen(fd, 4096)) {
		fprintf(stderr, "siegel-sink: %s: %s\n", address, strerror(errno));
		exit(1);
	}
	return fd;
}

static void write_stats(void)
{
	char path[4096];
	FILE *file = stdout;

	if (option.stats) {
		snprintf(path, sizeof(path), "%s.new", option.stats);
		file = fopen(path, "w");
		if (!file)
			return;
	}
	fprintf(file,
		"{\"connections\": %ld, \"open\": %ld, \"handshakes\": %ld, \"resumed\": %ld, "
		"\"failed_handshakes\": %ld, \"messages\": %ld, \"recipients\": %ld, "
		"\"bytes\": %lld, \"first_ns\": %lld, \"last_ns\": %lld}\n",
		count.connections, count.open, count.handshakes, count.resumed,
		count.failed_handshakes, count.messages, count.recipients, count.bytes,
		count.first_ns, count.last_ns);
	fflush(file);
	pthread_mutex_lock(&output);
	if (times)
		fflush(times);
	pthread_mutex_unlock(&output);
	if (option.stats && fclose(file) == 0)
		rename(path, option.stats);
}

/* --- certificates -------------------------------------------------------------------------- */

static bool write_pem(const char *folder, const char *file, EVP_PKEY *key, X509 *cert)
{
	char path[4096];
	FILE *out;
	int fd, done;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, cert ? 0644 : 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out)
		return false;
	if (cert)
		done = PEM_write_X509(out, cert);
	else
		done = PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
	return fclose(out) == 0 && done == 1;
}

static bool name_certificate(X509 *cert, const char *name)
{
	char alternative[512];
	X509_NAME *subject = X509_get_subject_name(cert);
	X509_EXTENSION *extension;
	bool done;

	snprintf(alternative, sizeof(alternative), "DNS:%s", name);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, subject);
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
	done = extension && X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	return done;
}

/* cert.pem and key.pem in the folder: ECDSA P-256, signed by itself, good for ten years. */
static int make_certificate(const char *folder, const char *name)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	bool done = false;

	if (key && cert) {
		X509_set_version(cert, X509_VERSION_3);
		ASN1_INTEGER_set_int64(X509_get_serialNumber(cert), clock_ns());
		X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
		X509_gmtime_adj(X509_getm_notAfter(cert), 3650L * 86400);
		X509_set_pubkey(cert, key);
		done = name_certificate(cert, name) && X509_sign(cert, key, EVP_sha256()) &&
		       write_pem(folder, "cert.pem", NULL, cert) &&
		       write_pem(folder, "key.pem", key, NULL);
	}
	if (!done)
		fprintf(stderr, "siegel-sink: can't make a certificate in %s\n", folder);
	X509_free(cert);
	EVP_PKEY_free(key);
	return done ? 0 : 1;
}

static SSL_CTX *tls_context(const char *cert, const char *key, long tickets)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (!tls || SSL_CTX_use_certificate_chain_file(tls, cert) != 1 ||
		SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_check_private_key(tls) != 1)
		die("certificate or key can't be used");
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_num_tickets(tls, (size_t)tickets);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(tls, (const unsigned char *)"sink", 4);
	if (!tickets)
		SSL_CTX_set_options(tls, SSL_OP_NO_TICKET);
	return tls;
}

/* --- options ------------------------------------------------------------------------------- */

static const char usage[] =
	"usage: siegel-sink --listen ADDR:PORT [...] [--cert FILE --key FILE] [options]\n"
	"       siegel-sink --make-cert FOLDER NAME\n"
	"  --listen ADDR:PORT  where to listen; may be given several times\n"
	"  --cert, --key FILE  offer STARTTLS with these (PEM); without them all is plain\n"
	"  --implicit-tls      TLS from the first byte\n"
	"  --tickets N         session tickets per handshake (1)\n"
	"  --name NAME         what it calls itself\n"
	"  --save FOLDER       keep every message, what is known of its transport before it\n"
	"  --print             one line for every message\n"
	"  --times FILE        arrival time of every message that has an X-Bench-Id\n"
	"  --stats FILE        counts as JSON at SIGUSR1 and at the end (stdout)\n"
	"  --delay MS          wait so long before a message's 250\n"
	"  --max-messages N    so many messages for a connection, then 421 behind the last 250\n";

static int listeners[MAX_LISTENERS];
static size_t listener_count;

static void read_options(int argc, char **argv)
{
	static const struct option names[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "cert", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ "implicit-tls", no_argument, NULL, 'i' },
		{ "tickets", required_argument, NULL, 't' },
		{ "name", required_argument, NULL, 'n' },
		{ "save", required_argument, NULL, 's' },
		{ "print", no_argument, NULL, 'p' },
		{ "times", required_argument, NULL, 'T' },
		{ "stats", required_argument, NULL, 'S' },
		{ "delay", required_argument, NULL, 'd' },
		{ "max-messages", required_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	const char *cert = NULL, *key = NULL;
	long tickets = 1;
	int name;

	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (name) {
		case 'l':
			if (listener_count == MAX_LISTENERS)
				die("too many listeners");
			listeners[listener_count++] = listen_on(optarg);
			break;
		case 'c':
			cert = optarg;
			break;
		case 'k':
			key = optarg;
			break;
		case 'i':
			option.implicit_tls = true;
			break;
		case 't':
			tickets = atol(optarg);
			break;
		case 'n':
			option.name = optarg;
			break;
		case 's':
			option.save = optarg;
			break;
		case 'p':
			option.print = true;
			break;
		case 'T':
			option.times = optarg;
			break;
		case 'S':
			option.stats = optarg;
			break;
		case 'd':
			option.delay_ms = atol(optarg);
			break;
		case 'm':
			option.max_messages = atol(optarg);
			break;
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (!listener_count || !cert != !key || (option.implicit_tls && !cert)) {
		fputs(usage, stderr);
		exit(2);
	}
	if (cert)
		option.tls = tls_context(cert, key, tickets);
}

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	sigset_t signals;
	pthread_t thread;
	int number;

	if (argc == 4 && !strcmp(argv[1], "--make-cert"))
		return make_certificate(argv[2], argv[3]);
	read_options(argc, argv);
	block_signals(&signals);
	if (option.save && mkdir(option.save, 0700) && errno != EEXIST)
		die("can't make the folder for --save");
	if (option.times && !(times = fopen(option.times, "w")))
		die("can't write the file for --times");
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&detached, STACK);
	for (size_t i = 0; i < listener_count; i++)
		if (pthread_create(&thread, &detached, listen_thread, &listeners[i]))
			die("can't start a thread");
	while (sigwait(&signals, &number) == 0) {
		write_stats();
		if (number != SIGUSR1)
			break;
	}
	return 0;
}
