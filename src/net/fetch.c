/* SPDX-License-Identifier: ISC
 *
 * fetch.c - see fetch.h. Runs in delivery, confined: libcurl speaks HTTP and TLS over a socket that
 * we connected, so it never resolves a name, dials an address or opens a file. Which versions,
 * ciphers and authorities it may use is set as for mail. What a server sends before its name is
 * proved is never looked at; after that it is text of a stranger.
 */
#include "net/fetch.h"

#include "base/fd.h"
#include "base/must.h"
#include "net/dial.h"
#include "net/tls.h"
#include <curl/curl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum {
	CONNECT_MS = 10 * SECOND,
	HOST_MAX = 253,
};

/* One fetch under way; what the callbacks of libcurl get. */
struct transfer {
	const struct fetch *ask;
	struct buf *to;
	int fd;	    /* connected, until libcurl takes it over */
	bool ended; /* the server has said by TLS that this was all */
};

void fetch_prepare(void)
{
	/* Before libcurl can ask OpenSSL to read openssl.cnf. */
	must(OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1);
	must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

/* What stands in an URL and a list of libcurl's must not end either. */
static bool is_host(struct str host)
{
	if (!host.len || host.len > HOST_MAX)
		return false;
	for (size_t i = 0; i < host.len; i++)
		if (!ascii_is_alnum(host.at[i]) && host.at[i] != '-' && host.at[i] != '.' &&
			host.at[i] != '_')
			return false;
	return true;
}

static int64_t ms_left(struct deadline deadline)
{
	int64_t left = deadline.at - clock_monotonic_ms();

	return left > 1 ? left : 1;
}

/* Connect to one of the addresses; *at is which. */
static bool connect_to(
	const struct fetch *ask, struct deadline deadline, struct ip *at, int *fd, struct why *why)
{
	struct dial_try tries[FETCH_ADDRESSES_MAX];
	size_t n = 0;
	bool forbidden = false;

	for (size_t i = 0; i < ask->n_addresses && n < FETCH_ADDRESSES_MAX; i++) {
		const struct ip *ip = &ask->addresses[i];
		if (ip_is_forbidden(ip, ask->allowed, ask->n_allowed))
			forbidden = true;
		else if (dial_has_route(ip))
			tries[n++] = (struct dial_try){ .ip = *ip, .fd = -1 };
	}
	if (!n)
		return why_not(why, forbidden ? "its address is in a forbidden network"
					      : "it has no address we could reach");
	struct deadline until = deadline_earlier(deadline, deadline_in(CONNECT_MS));
	int index = dial(tries, n, ask->port, CONNECT_MS, until, fd);
	if (index < 0)
		return why_not(why, "it can't be connected to");
	*at = tries[index].ip;
	return true;
}

/* --- what libcurl asks of us --- */

static curl_socket_t give_socket(
	void *argument, curlsocktype purpose, struct curl_sockaddr *nothing)
{
	struct transfer *transfer = argument;
	int fd = transfer->fd;

	(void)purpose, (void)nothing;
	transfer->fd = -1;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int is_connected(void *nothing, curl_socket_t fd, curlsocktype purpose)
{
	(void)nothing, (void)fd, (void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static void see_alert(const SSL *ssl, int what, int alert)
{
	struct transfer *transfer = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if (what == SSL_CB_READ_ALERT && (alert & 0xff) == SSL_AD_CLOSE_NOTIFY)
		transfer->ended = true;
}

/* Called before the handshake. The name is asked for by OpenSSL too: it takes no subject's common
 * name for one (RFC 8461 3.3 wants a DNS-ID). */
static CURLcode set_terms(CURL *nothing, void *context, void *argument)
{
	struct transfer *transfer = argument;
	struct str host = transfer->ask->host;
	X509_VERIFY_PARAM *checks = SSL_CTX_get0_param(context);

	(void)nothing;
	tls_demand(context);
	SSL_CTX_set1_cert_store(context, tls_client_store(transfer->ask->tls));
	X509_VERIFY_PARAM_set_hostflags(
		checks, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	must(X509_VERIFY_PARAM_set1_host(checks, host.at, host.len) == 1);
	SSL_CTX_set_app_data(context, transfer);
	SSL_CTX_set_info_callback(context, see_alert);
	return CURLE_OK;
}

static size_t take(char *bytes, size_t one, size_t n, void *argument)
{
	struct transfer *transfer = argument;

	return buf_add(transfer->to, (struct str){ bytes, one * n }) ? one * n : 0;
}

/* --- a transfer --- */

/* NULL: libcurl doesn't know the option, or has no memory. */
#define SET(option, value) good = good && curl_easy_setopt(curl, option, value) == CURLE_OK

static bool set_up(CURL *curl, struct transfer *transfer, const char *url,
	const struct curl_slist *addresses, char *error, struct deadline deadline)
{
	bool good = true;

	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)ms_left(deadline));
	SET(CURLOPT_ERRORBUFFER, error);
	SET(CURLOPT_RESOLVE, addresses);
	SET(CURLOPT_OPENSOCKETFUNCTION, give_socket);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
	SET(CURLOPT_SOCKOPTFUNCTION, is_connected);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_NO_PARTIALCHAIN);
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_SSL_CTX_FUNCTION, set_terms);
	SET(CURLOPT_SSL_CTX_DATA, transfer);
	SET(CURLOPT_WRITEFUNCTION, take);
	SET(CURLOPT_WRITEDATA, transfer);
	return good;
}

/* RFC 8461 3.2: only text/plain is a policy, lest somebody who may leave pictures or pages on the
 * server could leave a policy there. Parameters don't matter. */
static bool is_plain_text(CURL *curl)
{
	char *type = NULL;

	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	struct str rest = str_of(type);
	return str_eq_nocase(str_trim(str_cut(&rest, ';')), STR("text/plain"));
}

/* libcurl takes any end of a connection for the end of a text whose length was not told. Whoever
 * can cut the connection could choose where a policy ends. */
static bool is_whole(CURL *curl, const struct transfer *transfer)
{
	struct curl_header *header;
	curl_off_t length = -1;

	curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (length >= 0 || transfer->ended)
		return true;
	return curl_easy_header(curl, "Transfer-Encoding", 0, CURLH_HEADER, -1, &header) ==
		       CURLHE_OK &&
	       str_eq_nocase(str_of(header->value), STR("chunked"));
}

static enum fetch_result result_of(CURL *curl, CURLcode code, const struct transfer *transfer,
	const char *error, struct why *why)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	bool heard = code == CURLE_OK || transfer->to->overflowed;
	if (heard && (status == 404 || status == 410)) {
		why_not(why, "there is no such text (%ld)", status);
		return FETCH_NOTHING;
	}
	if (transfer->to->overflowed && status == 200) {
		why_not(why, "the text is larger than %zu octets", transfer->to->max);
		return FETCH_USELESS;
	}
	if (code != CURLE_OK || status != 200) {
		if (code == CURLE_OK)
			why_not(why, "it answers with status %ld", status);
		else
			why_not(why, "%s", *error ? error : curl_easy_strerror(code));
		return FETCH_FAILED;
	}
	if (!is_whole(curl, transfer)) {
		why_not(why, "the text was cut short");
		return FETCH_FAILED;
	}
	if (!is_plain_text(curl)) {
		why_not(why, "it is not text/plain");
		return FETCH_USELESS;
	}
	return FETCH_TEXT;
}

static enum fetch_result transfer_text(struct transfer *transfer, const char *url,
	const struct curl_slist *addresses, struct deadline deadline, struct why *why)
{
	char error[CURL_ERROR_SIZE] = "";
	enum fetch_result result = FETCH_FAILED;
	CURL *curl = curl_easy_init();

	if (!curl || !set_up(curl, transfer, url, addresses, error, deadline))
		why_not(why, "libcurl can't be set up");
	else
		result = result_of(curl, curl_easy_perform(curl), transfer, error, why);
	if (curl)
		curl_easy_cleanup(curl);
	return result;
}

/* "HOST:PORT:ADDRESS", so that libcurl has nothing to resolve. NULL: no memory. */
static struct curl_slist *known_address(const struct fetch *ask, const struct ip *ip)
{
	scoped(buf_free) struct buf line = BUF(512);

	buf_printf(&line, "%.*s:%u:%s", STR_ARG(ask->host), ask->port, ip->v6 ? "[" : "");
	ip_add_text(&line, ip);
	buf_printf(&line, "%s", ip->v6 ? "]" : "");
	must(buf_add_char(&line, 0));
	return curl_slist_append(NULL, line.at);
}

enum fetch_result fetch_text(
	const struct fetch *ask, struct buf *to, struct deadline deadline, struct why *why)
{
	scoped(buf_free) struct buf url = BUF(1024);
	struct transfer transfer = { .ask = ask, .to = to, .fd = -1 };
	enum fetch_result result = FETCH_FAILED;
	struct ip ip;

	must(to->len == 0);
	if (!is_host(ask->host)) {
		why_not(why, "it has no name of a web server");
		return FETCH_FAILED;
	}
	buf_printf(&url, "https://%.*s:%u%.*s", STR_ARG(ask->host), ask->port, STR_ARG(ask->path));
	must(buf_add_char(&url, 0));
	if (!connect_to(ask, deadline, &ip, &transfer.fd, why))
		return FETCH_FAILED;
	struct curl_slist *addresses = known_address(ask, &ip);
	if (addresses)
		result = transfer_text(&transfer, url.at, addresses, deadline, why);
	else
		why_not(why, "no memory");
	curl_slist_free_all(addresses);
	fd_close(&transfer.fd);
	return result;
}
