/* SPDX-License-Identifier: ISC
 *
 * policy_words.c - see policy_words.h. A word's number is the value of its fact in policy.h, with
 * what is two fields there (bogus, the fault of a certificate) told apart by a word more.
 */
#include "mail/policy_words.h"

#include "base/must.h"

static const struct {
	const char *name, *title[LANGUAGES_N];
} facts[] = {
#define FACT_ROW(name, text, en, de) \
	[FACT_##name] = { text, { [LANGUAGE_EN] = en, [LANGUAGE_DE] = de } },
	POLICY_FACTS(FACT_ROW)
#undef FACT_ROW
};

/* clang-format off */
#define WORDS(row) \
	row(MX, 0, "unvalidated", "is not DNSSEC-validated", "ist nicht durch DNSSEC bestätigt") \
	row(MX, 1, "validated", "is DNSSEC-validated, or its signed absence is", "ist durch DNSSEC bestätigt, oder ihr signiertes Fehlen ist es") \
	row(HOST, 0, "unvalidated", "is not DNSSEC-validated", "ist nicht durch DNSSEC bestätigt") \
	row(HOST, 1, "validated", "is DNSSEC-validated", "ist durch DNSSEC bestätigt") \
	row(ADDRESS, ADDRESS_FOUND, "found", "there is one that can be asked", "es gibt eine, die gefragt werden kann") \
	row(ADDRESS, ADDRESS_NONE, "none", "the host does not exist or has none", "den Server gibt es nicht, oder er hat keine") \
	row(ADDRESS, ADDRESS_FORBIDDEN, "forbidden", "only such as are not on the public Internet", "nur solche, die nicht im öffentlichen Internet liegen") \
	row(ADDRESS, ADDRESS_NO_ROUTE, "no-route", "only such as this machine has no route to", "nur solche, zu denen dieser Rechner keinen Weg hat") \
	row(ADDRESS, ADDRESS_FAILED, "failed", "the look-up failed (SERVFAIL or time-out)", "die Abfrage schlug fehl (SERVFAIL oder Zeitüberschreitung)") \
	row(ADDRESS, ADDRESS_FAILED + 1, "bogus", "the look-up failed DNSSEC validation", "die Abfrage scheiterte an DNSSEC") \
	row(TLSA, TLSA_NOT_LOOKED_UP, "not-looked-up", "nobody looked it up", "wurde nicht abgefragt") \
	row(TLSA, TLSA_NONE, "none", "no TLSA records, or none that are validated", "keine TLSA-Einträge, oder keine bestätigten") \
	row(TLSA, TLSA_UNUSABLE, "unusable", "validated TLSA records, none of them usable", "bestätigte TLSA-Einträge, davon keiner brauchbar") \
	row(TLSA, TLSA_USABLE, "usable", "validated and usable TLSA records", "bestätigte, brauchbare TLSA-Einträge") \
	row(TLSA, TLSA_FAILED, "failed", "the look-up failed (SERVFAIL or time-out)", "die Abfrage schlug fehl (SERVFAIL oder Zeitüberschreitung)") \
	row(TLSA, TLSA_FAILED + 1, "bogus", "the look-up failed DNSSEC validation", "die Abfrage scheiterte an DNSSEC") \
	row(STS, STS_NOT_LOOKED_UP, "not-looked-up", "nobody looked it up", "wurde nicht abgefragt") \
	row(STS, STS_ABSENT, "absent", "no policy, or none that is to be enforced", "keine Richtlinie, oder keine verbindliche") \
	row(STS, STS_IN_FORCE, "in-force", "a policy with mode enforce", "eine Richtlinie mit dem Modus enforce") \
	row(STS, STS_UNKNOWN, "unknown", "could not be found out, and nothing is cached", "war nicht herauszufinden, und nichts ist gespeichert") \
	row(PIN, PIN_NOT_LOOKED_UP, "not-looked-up", "nobody looked", "wurden nicht nachgesehen") \
	row(PIN, PIN_NONE, "none", "none for the recipient's domain", "keines für die Domain des Empfängers") \
	row(PIN, PIN_EXPIRED, "expired", "all past their date", "alle über ihrem Datum") \
	row(PIN, PIN_STORED, "stored", "at least one for the recipient's domain", "mindestens eines für die Domain des Empfängers") \
	row(LITERAL, 0, "no", "a domain", "eine Domain") \
	row(LITERAL, 1, "yes", "an address literal", "eine Adresse in Ziffern") \
	row(RESOLVER, 0, "healthy", "passed its self-test", "hat seinen Selbsttest bestanden") \
	row(RESOLVER, 1, "unhealthy", "failed its self-test", "hat seinen Selbsttest nicht bestanden") \
	row(ENFORCED, 0, "yes", "what is published is enforced", "Veröffentlichtes gilt") \
	row(ENFORCED, 1, "no", "TLS-Required: No", "TLS-Required: No") \
	row(SHOWS, HELLO_NOT_CONNECTED, "not-connected", "no connection was tried", "keine Verbindung wurde versucht") \
	row(SHOWS, HELLO_CONNECT_REFUSED, "connect-refused", "the connection was refused", "die Verbindung wurde abgewiesen") \
	row(SHOWS, HELLO_CONNECT_TIMEOUT, "connect-timeout", "no answer to the connection", "keine Antwort auf die Verbindung") \
	row(SHOWS, HELLO_LOST, "lost", "broke off before TLS", "brach vor TLS ab") \
	row(SHOWS, HELLO_GREETING_REFUSED, "greeting-refused", "greeted with 4xx or 5xx", "Begrüßung mit 4xx oder 5xx") \
	row(SHOWS, HELLO_EHLO_REFUSED, "ehlo-refused", "EHLO answered 4xx, or EHLO and HELO refused", "EHLO mit 4xx beantwortet, oder EHLO und HELO abgelehnt") \
	row(SHOWS, HELLO_NO_STARTTLS, "no-starttls", "no STARTTLS is offered", "STARTTLS wird nicht angeboten") \
	row(SHOWS, HELLO_STARTTLS_5XX, "starttls-5xx", "STARTTLS is answered 5xx", "STARTTLS wird mit 5xx beantwortet") \
	row(SHOWS, HELLO_STARTTLS_4XX, "starttls-4xx", "STARTTLS is answered 4xx", "STARTTLS wird mit 4xx beantwortet") \
	row(SHOWS, HELLO_STARTTLS_ODD, "starttls-odd", "STARTTLS gets some other answer", "STARTTLS bekommt eine andere Antwort") \
	row(SHOWS, HELLO_INJECTED, "injected", "plaintext bytes behind the answer to STARTTLS", "unverschlüsselte Bytes hinter der Antwort auf STARTTLS") \
	row(SHOWS, HELLO_NOT_TLS, "not-tls", "what follows STARTTLS is no TLS", "was auf STARTTLS folgt, ist kein TLS") \
	row(SHOWS, HELLO_TLS_INCOMPATIBLE, "tls-incompatible", "no TLS version, cipher or key strong enough in common", "keine gemeinsame TLS-Version, Chiffre oder Schlüsselstärke, die genügt") \
	row(SHOWS, HELLO_TLS_ALERT, "tls-alert", "another alert in the handshake", "ein anderer Alarm im Handschlag") \
	row(SHOWS, HELLO_TLS_LOST, "tls-lost", "broke off in the handshake", "brach im Handschlag ab") \
	row(SHOWS, HELLO_SECURED_EHLO_REFUSED, "secured-ehlo-refused", "EHLO refused inside TLS", "EHLO in TLS abgelehnt") \
	row(SHOWS, HELLO_SECURED, "secured", "TLS stands", "TLS steht") \
	row(SHOWS, HELLO_LOCAL_FAULT, "local-fault", "a fault on our side", "ein Fehler auf unserer Seite") \
	row(DANE, DANE_NOT_CHECKED, "not-checked", "was not checked", "wurde nicht geprüft") \
	row(DANE, DANE_MATCHES, "matches", "the certificate matches the TLSA records", "das Zertifikat passt zu den TLSA-Einträgen") \
	row(DANE, DANE_FAILS, "fails", "the certificate does not match the TLSA records", "das Zertifikat passt nicht zu den TLSA-Einträgen") \
	row(STS_SHOWS, 0, "not-checked", "was not checked", "wurde nicht geprüft") \
	row(STS_SHOWS, 1, "holds", "the host is listed and its certificate valid", "der Server ist genannt und sein Zertifikat gültig") \
	row(STS_SHOWS, 2, "refetch-failed", "does not hold, and the policy could not be fetched again", "gilt nicht, und die Richtlinie war nicht erneut abrufbar") \
	row(STS_SHOWS, 3, "fails", "the certificate could not be verified", "das Zertifikat war nicht zu bestätigen") \
	row(STS_SHOWS, 4, "mismatch", "the certificate bears another name", "das Zertifikat trägt einen anderen Namen") \
	row(STS_SHOWS, 5, "expired", "the certificate has expired", "das Zertifikat ist abgelaufen") \
	row(STS_SHOWS, 6, "untrusted", "no authority vouches for the certificate", "keine Stelle bürgt für das Zertifikat") \
	row(STS_SHOWS, 7, "unlisted", "the host is not listed in the policy", "der Server steht nicht in der Richtlinie") \
	row(CA, 0, "not-checked", "was not checked", "wurde nicht geprüft") \
	row(CA, 1, "proves", "the certificate is valid for the host name", "das Zertifikat gilt für den Namen des Servers") \
	row(CA, 2, "fails", "the certificate could not be verified", "das Zertifikat war nicht zu bestätigen") \
	row(CA, 3, "mismatch", "the certificate bears another name", "das Zertifikat trägt einen anderen Namen") \
	row(CA, 4, "expired", "the certificate has expired", "das Zertifikat ist abgelaufen") \
	row(CA, 5, "untrusted", "no authority vouches for the certificate", "keine Stelle bürgt für das Zertifikat") \
	row(PIN_SHOWS, PIN_NOT_CHECKED, "not-checked", "were not compared", "wurden nicht verglichen") \
	row(PIN_SHOWS, PIN_MATCHES, "matches", "one of them matches", "eines davon passt") \
	row(PIN_SHOWS, PIN_FAILS, "fails", "none of them matches", "keines davon passt") \
	row(REQUIRETLS, 0, "no", "is not announced", "wird nicht angekündigt") \
	row(REQUIRETLS, 1, "yes", "is announced", "wird angekündigt")
/* clang-format on */

/* One more than any fact has. */
enum { WORDS_MAX = 20 };

static const struct {
	const char *word, *text[LANGUAGES_N];
} words[POLICY_FACTS_N][WORDS_MAX] = {
#define WORD_ROW(fact, number, text, en, de) \
	[FACT_##fact][number] = { text, { [LANGUAGE_EN] = en, [LANGUAGE_DE] = de } },
	WORDS(WORD_ROW)
#undef WORD_ROW
};

/* The faults that the words of STS_SHOWS and CA name, in their order. */
static const enum reason faults[] = { REASON_VALIDATION_FAILURE, REASON_CERTIFICATE_HOST_MISMATCH,
	REASON_CERTIFICATE_EXPIRED, REASON_CERTIFICATE_NOT_TRUSTED, REASON_STS_MX_NOT_LISTED };

enum { STS_FIRST_FAULT = 3, CA_FIRST_FAULT = 2 };

const struct policy_case policy_case_best = { {
	[FACT_MX] = true,
	[FACT_HOST] = true,
	[FACT_ADDRESS] = ADDRESS_FOUND,
	[FACT_TLSA] = TLSA_USABLE,
	[FACT_STS] = STS_IN_FORCE,
	[FACT_PIN] = PIN_STORED,
	[FACT_SHOWS] = HELLO_SECURED,
	[FACT_DANE] = DANE_MATCHES,
	[FACT_STS_SHOWS] = STS_HOLDS,
	[FACT_CA] = true,
	[FACT_PIN_SHOWS] = PIN_MATCHES,
	[FACT_REQUIRETLS] = true,
} };

const char *policy_fact_name(enum policy_fact fact)
{
	must((unsigned)fact < POLICY_FACTS_N);
	return facts[fact].name;
}

const char *policy_fact_title(enum policy_fact fact, enum language language)
{
	must((unsigned)fact < POLICY_FACTS_N && (unsigned)language < LANGUAGES_N);
	return facts[fact].title[language];
}

bool policy_fact_of(struct str name, enum policy_fact *fact)
{
	for (unsigned i = 0; i < POLICY_FACTS_N; i++) {
		if (str_eq(name, str_of(facts[i].name))) {
			*fact = (enum policy_fact)i;
			return true;
		}
	}
	return false;
}

unsigned policy_words_n(enum policy_fact fact)
{
	unsigned n = 0;

	must((unsigned)fact < POLICY_FACTS_N);
	while (words[fact][n].word)
		n++;
	return n;
}

const char *policy_word(enum policy_fact fact, unsigned number)
{
	must(number < policy_words_n(fact));
	return words[fact][number].word;
}

const char *policy_word_text(enum policy_fact fact, unsigned number, enum language language)
{
	must(number < policy_words_n(fact) && (unsigned)language < LANGUAGES_N);
	return words[fact][number].text[language];
}

bool policy_word_of(enum policy_fact fact, struct str word, unsigned *number)
{
	for (unsigned i = 0, n = policy_words_n(fact); i < n; i++) {
		if (str_eq(word, str_of(words[fact][i].word))) {
			*number = i;
			return true;
		}
	}
	return false;
}

static bool no_such_fact(struct str name, struct buf *error)
{
	buf_printf(error, "there is no fact \"%.*s\";", STR_ARG(name));
	for (unsigned i = 0; i < POLICY_FACTS_N; i++)
		buf_printf(error, "%s %s", i ? "," : "", facts[i].name);
	buf_printf(error, " would be right");
	return false;
}

static bool no_such_word(enum policy_fact fact, struct str word, struct buf *error)
{
	buf_printf(error, "%s can't be \"%.*s\";", facts[fact].name, STR_ARG(word));
	for (unsigned i = 0, n = policy_words_n(fact); i < n; i++)
		buf_printf(error, "%s %s", i ? "," : "", words[fact][i].word);
	buf_printf(error, " would be right");
	return false;
}

bool policy_case_read(struct str text, struct policy_case *to, uint32_t *given, struct buf *error)
{
	while (text.len) {
		struct str value = str_cut(&text, ','), name = str_trim(str_cut(&value, '='));
		enum policy_fact fact;
		unsigned number;

		value = str_trim(value);
		if (!policy_fact_of(name, &fact))
			return no_such_fact(name, error);
		if (!policy_word_of(fact, value, &number))
			return no_such_word(fact, value, error);
		to->word[fact] = (unsigned char)number;
		*given |= 1U << fact;
	}
	return true;
}

static void sts_shown(unsigned number, struct host_facts *host)
{
	host->sts = number <= STS_HOLDS ? number : STS_FAILS;
	if (number <= STS_HOLDS)
		return;
	host->sts_refetch_failed = number < STS_FIRST_FAULT;
	host->sts_fault = host->sts_refetch_failed ? REASON_VALIDATION_FAILURE
						   : faults[number - STS_FIRST_FAULT];
}

static void ca_shown(unsigned number, struct host_facts *host)
{
	host->ca_proves = number == 1;
	if (number >= CA_FIRST_FAULT)
		host->certificate_fault = faults[number - CA_FIRST_FAULT];
}

void policy_case_facts(
	const struct policy_case *from, struct route_facts *route, struct host_facts *host)
{
	const unsigned char *word = from->word;
	bool address_bogus = word[FACT_ADDRESS] > ADDRESS_FAILED,
	     tlsa_bogus = word[FACT_TLSA] > TLSA_FAILED;

	for (unsigned i = 0; i < POLICY_FACTS_N; i++)
		must(word[i] < policy_words_n((enum policy_fact)i));
	*route = (struct route_facts){
		.mx_validated = word[FACT_MX],
		.host_validated = word[FACT_HOST],
		.address = address_bogus ? ADDRESS_FAILED : word[FACT_ADDRESS],
		/* Where the addresses could not be looked up, nobody asked for TLSA. */
		.dns_bogus = address_bogus || (tlsa_bogus && word[FACT_ADDRESS] != ADDRESS_FAILED),
		.tlsa = tlsa_bogus ? TLSA_FAILED : word[FACT_TLSA],
		.sts = word[FACT_STS],
		.pin = word[FACT_PIN],
		.address_literal = word[FACT_LITERAL],
		.resolver_unhealthy = word[FACT_RESOLVER],
		.unenforced = word[FACT_ENFORCED],
	};
	*host = (struct host_facts){
		.hello = word[FACT_SHOWS],
		.dane = word[FACT_DANE],
		.pin = word[FACT_PIN_SHOWS],
		.requiretls_announced = word[FACT_REQUIRETLS],
	};
	sts_shown(word[FACT_STS_SHOWS], host);
	ca_shown(word[FACT_CA], host);
}

static bool demand_of(struct str name, demands *set)
{
	for (size_t i = 0; i < DEMAND_NAMES_N; i++) {
		if (str_eq(name, str_of(demand_names[i].name))) {
			*set |= demand_names[i].demand;
			return true;
		}
	}
	return false;
}

bool policy_demands_of(struct str text, demands *set)
{
	enum level level;
	demands all = 0;

	if (level_of(text, &level)) {
		*set = level_demands(level);
		return true;
	}
	if (!str_eq(text, STR("none"))) {
		do {
			if (!demand_of(str_cut(&text, '+'), &all))
				return false;
		} while (text.len);
	}
	*set = all;
	return true;
}

void policy_add_demands(struct buf *to, demands set)
{
	size_t before = to->len;

	for (size_t i = 0; i < DEMAND_NAMES_N; i++)
		if (set & demand_names[i].demand)
			buf_printf(to, "%s%s", to->len > before ? "+" : "", demand_names[i].name);
	if (to->len == before)
		buf_add(to, STR("none"));
}
