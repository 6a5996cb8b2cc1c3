/* SPDX-License-Identifier: ISC
 *
 * policy_words.h - the facts of policy.h in words, once: the truth table (test/policy), `siegel
 * policy explain` and whoever shows what a judgement rests on read and write the same names.
 * Each fact has a few words, one of which is true of a host; a case is one word of each. Pure.
 *
 * row(NAME, "name", English, German)
 */
#ifndef MAIL_POLICY_WORDS_H
#define MAIL_POLICY_WORDS_H

#include "base/buf.h"
#include "mail/policy.h"

/* clang-format off */
#define POLICY_FACTS(row) \
	row(MX, "mx", "MX answer", "MX-Antwort") \
	row(HOST, "host", "address or CNAME answer", "Adress- oder CNAME-Antwort") \
	row(ADDRESS, "address", "addresses", "Adressen") \
	row(TLSA, "tlsa", "DANE", "DANE") \
	row(STS, "sts", "MTA-STS", "MTA-STS") \
	row(PIN, "pin", "stored certificates", "hinterlegte Zertifikate") \
	row(LITERAL, "literal", "kind of address", "Art der Adresse") \
	row(RESOLVER, "resolver", "our resolver", "unser Resolver") \
	row(ENFORCED, "enforced", "the sender's mark", "Vermerk des Absenders") \
	row(SHOWS, "shows", "conversation", "Gespräch") \
	row(DANE, "dane", "DANE in TLS", "DANE in TLS") \
	row(STS_SHOWS, "sts-shows", "MTA-STS in TLS", "MTA-STS in TLS") \
	row(CA, "ca", "certificate and CA store", "Zertifikat und Zertifizierungsstellen") \
	row(PIN_SHOWS, "pin-shows", "stored certificates in TLS", "hinterlegte Zertifikate in TLS") \
	row(REQUIRETLS, "requiretls", "REQUIRETLS", "REQUIRETLS")
/* clang-format on */

#define POLICY_FACT_ENUM(name, ...) FACT_##name,
enum policy_fact { POLICY_FACTS(POLICY_FACT_ENUM) POLICY_FACTS_N };
#undef POLICY_FACT_ENUM

/* A word of each fact, by its number. */
struct policy_case {
	unsigned char word[POLICY_FACTS_N];
};

/* Everything is signed, published, stored and shown: accepted whatever is demanded. */
extern const struct policy_case policy_case_best;

const char *policy_fact_name(enum policy_fact fact);
const char *policy_fact_title(enum policy_fact fact, enum language language);
bool policy_fact_of(struct str name, enum policy_fact *fact) must_use;
/* How many words the fact has, the word of a number, and what it says, as half a sentence. */
unsigned policy_words_n(enum policy_fact fact);
const char *policy_word(enum policy_fact fact, unsigned number);
const char *policy_word_text(enum policy_fact fact, unsigned number, enum language language);
bool policy_word_of(enum policy_fact fact, struct str word, unsigned *number) must_use;

/* Put words "name=value,name=value" into *to, and into *given (a bit for each fact) which they
 * were. False: *error says what is wrong and which words there are. */
bool policy_case_read(
	struct str text, struct policy_case *to, uint32_t *given, struct buf *error) must_use;

/* A case as facts. */
void policy_case_facts(
	const struct policy_case *from, struct route_facts *route, struct host_facts *host);

/* A set by the name of a level, or as "tls+auth"; "none" is the empty set. */
bool policy_demands_of(struct str text, demands *set) must_use;
void policy_add_demands(struct buf *to, demands set);

#endif
