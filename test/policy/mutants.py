# SPDX-License-Identifier: ISC
"""mutants.py - the rules of doc/policy.md, each weakened in one place of the code; scripts/mutate
tries them. A mutant has a name, the rule with its section, what to change, and the test programs
that are asked (or the part of the lab, for what only the lab can show). What the pages promise is in
mutants_pages.py.
"""
import dataclasses
import pathlib
import re


@dataclasses.dataclass
class Mutant:
    name: str
    rule: str
    changes: list  # (file, what stands there once, what stands there then)
    tests: list
    lab: str = ""  # "FILE.py -k NAME"
    roles: str = ""  # the same, of test/siegeld


MUTANTS = []
POLICY = "src/mail/policy.c"
TABLE = ["test_policy_table", "test_policy_properties", "test_policy"]


def mutant(name, rule, path, original, replacement, tests, more=(), lab="", roles=""):
    MUTANTS.append(Mutant(name, rule, [(path, original, replacement), *more], tests, lab, roles))


def policy(name, rule, original, replacement, more=()):
    mutant(name, rule, POLICY, original, replacement, TABLE,
           [(POLICY, *change) for change in more])


# --- sections 1 and 2 ------------------------------------------------------------------------------

policy("the-best-wins", "1: the worst verdict wins",
       "if (one.verdict > all->verdict)", "if (one.verdict < all->verdict)")
policy("demands-without-tls", "1: every demand is one about TLS",
       "return wanted ? wanted | DEMAND_TLS : 0;", "return wanted & DEMAND_TLS;")
policy("unenforced-with-demands", "1: TLS-Required: No takes no demand away",
       "return route->unenforced && wanted == 0;", "return route->unenforced;")
policy("unenforced-does-nothing", "1: TLS-Required: No gives up what is published",
       "return route->unenforced && wanted == 0;", "return false;")
policy("dane-below-unsigned-mx", "2: DANE authenticates only below a validated MX answer",
       "return dane_applies(route) && route->mx_validated;", "return dane_applies(route);")
policy("tlsa-of-unsigned-host", "2: DANE applies only to a validated host",
       "return route->address == ADDRESS_FOUND && route->host_validated && !route->address_literal;",
       "return route->address == ADDRESS_FOUND && !route->address_literal;")
policy("dane-not-alone", "2: DANE alone decides where it applies",
       "	if (dane_decides(route)) {\n", "	if (dane_decides(route) && host->dane != DANE_FAILS) {\n")
policy("ca-below-unsigned-mx", "2: the CA proves only below a validated MX answer",
       "return route->mx_validated && route->host_validated;", "return route->host_validated;")
policy("ca-of-unsigned-host", "2: the CA proves only validated hosts",
       "return route->mx_validated && route->host_validated;", "return route->mx_validated;")
policy("sts-checked-under-dane", "2: MTA-STS is not asked where DANE decides",
       "plan.check_sts = route->sts == STS_IN_FORCE && !dane_decides(route);",
       "plan.check_sts = route->sts == STS_IN_FORCE;",
       [("	       !dane_decides(route) && !route->address_literal &&\n",
         "	       !route->address_literal &&\n")])
policy("proofs-without-tls", "2: nothing is proven without TLS",
       "	if (host->hello != HELLO_SECURED)\n		return 0;\n", "")
policy("proof-of-half-dane", "2: what was proven is told from the proofs alone",
       "return !route->resolver_unhealthy && dane_decides(route) && host->dane == DANE_MATCHES;",
       "return host->dane == DANE_MATCHES;")
policy("proof-of-a-literal", "2: a literal has no name that anything could prove",
       "	if (route->address_literal) /* no name that anything could prove */\n		return proved;\n",
       "")
policy("nothing-looked-up", "2: what was not looked up proves nothing",
       "return lacking ? unknown(REASON_LOCAL_FAULT) : accepted;", "return accepted;")

# --- section 3, before connecting -----------------------------------------------------------------

policy("tlsa-failure-is-none", "3: TLSA look-up failed: unknown",
       "	if (route->tlsa == TLSA_FAILED)\n		return unknown(",
       "	if (false)\n		return unknown(")
policy("address-failure-refuses", "3: addresses failed: unknown",
       "	case ADDRESS_FAILED:\n		return unknown(", "	case ADDRESS_FAILED:\n		return refused(")
policy("unsigned-no-address-refuses", "3: no address, not validated: unknown",
       "return route->host_validated ? refused(REASON_NO_ADDRESS)",
       "return true ? refused(REASON_NO_ADDRESS)")
policy("signed-no-address-delays", "3: no address, validated: refused",
       "return route->host_validated ? refused(REASON_NO_ADDRESS)",
       "return false ? refused(REASON_NO_ADDRESS)")
policy("forbidden-address", "3: addresses in forbidden ranges: unknown",
       "return unknown(REASON_FORBIDDEN_ADDRESS);", "return accepted;")
policy("no-local-route", "3: a family without a local route: unknown",
       "	case ADDRESS_NO_ROUTE:\n		return unknown(REASON_LOCAL_FAULT);",
       "	case ADDRESS_NO_ROUTE:\n		return refused(REASON_LOCAL_FAULT);")
policy("no-stored-entry", "3: no stored entry: refused",
       "return refused(REASON_NO_STORED_CERTIFICATE);", "return accepted;")
policy("expired-entries", "3: all stored entries expired: refused",
       "return refused(REASON_STORED_CERTIFICATE_EXPIRED);", "return accepted;")
policy("dane-without-tlsa", "3: no TLSA, under dane: refused",
       "	if (wanted & DEMAND_DANE && !dane_decides(route))\n", "	if (false)\n")
policy("dane-with-unvalidated-answers", "3: answers not validated, under dane: refused",
       "	if (wanted & DEMAND_DANE && !dane_decides(route))\n",
       "	if (wanted & DEMAND_DANE && !dane_applies(route))\n")
policy("unusable-tlsa-plaintext", "3: only unusable TLSA: TLS is required",
       "return route->tlsa == TLSA_USABLE || route->tlsa == TLSA_UNUSABLE;",
       "return route->tlsa == TLSA_USABLE;")
policy("unusable-tlsa-under-dane", "3: only unusable TLSA, under dane: refused",
       "	if (wanted & DEMAND_DANE && !dane_decides(route))\n",
       "	if (wanted & DEMAND_DANE && !dane_decides(route) && route->tlsa != TLSA_UNUSABLE)\n")
policy("literal-under-auth", "4: address literal under auth: refused",
       "wanted & (DEMAND_AUTH | DEMAND_DANE | DEMAND_PINNED)", "wanted & (DEMAND_DANE | DEMAND_PINNED)")
policy("literal-under-dane", "4: address literal under dane: refused",
       "wanted & (DEMAND_AUTH | DEMAND_DANE | DEMAND_PINNED)", "wanted & (DEMAND_AUTH | DEMAND_PINNED)")
policy("literal-under-pinned", "4: address literal under pinned: refused",
       "wanted & (DEMAND_AUTH | DEMAND_DANE | DEMAND_PINNED)", "wanted & (DEMAND_AUTH | DEMAND_DANE)")
policy("self-test-ignored", "3: resolver self-test failed: unknown",
       "		join(&j, unknown(REASON_RESOLVER_UNHEALTHY));\n		return j;\n", "")
policy("self-test-refuses", "7: a failed self-test bounces nothing",
       "		join(&j, unknown(REASON_RESOLVER_UNHEALTHY));\n		return j;\n",
       "		join(&j, unknown(REASON_RESOLVER_UNHEALTHY));\n")

# --- section 3, the conversation up to TLS: every row of `hellos` ------------------------------------

WEAKER = {"VERDICT_REFUSED": "VERDICT_UNKNOWN", "VERDICT_UNKNOWN": "VERDICT_ACCEPTED"}


def hello_rows():
    text = (pathlib.Path(__file__).resolve().parent.parent.parent / POLICY).read_text()
    row = re.compile(r"\[HELLO_(\w+)\] = \{ (PLAINTEXT_\w+), (VERDICT_\w+), (REASON_\w+) \}")
    for found in row.finditer(text):
        yield found.group(0), *found.groups()


for row, hello, plaintext, verdict, reason in hello_rows():
    name = hello.lower().replace("_", "-")
    if verdict in WEAKER:
        policy(f"{name}-weaker", f"3: up to TLS, where anything is demanded: {name}",
               row, row.replace(verdict, WEAKER[verdict]))
    if plaintext == "PLAINTEXT_NEVER":
        policy(f"{name}-plaintext", f"3: up to TLS, no plaintext: {name}",
               row, row.replace(plaintext, "PLAINTEXT_SAME"))
    if plaintext == "PLAINTEXT_NEW":
        policy(f"{name}-same-connection", f"3: plaintext on a new connection: {name}",
               row, row.replace(plaintext, "PLAINTEXT_SAME"))

policy("plaintext-despite-tlsa", "3: no plaintext where a validated TLSA set exists",
       "wanted == 0 && !tlsa_published(route) && route->sts != STS_IN_FORCE;",
       "wanted == 0 && route->sts != STS_IN_FORCE;")
policy("plaintext-despite-sts", "3: no plaintext where STS is in force",
       "wanted == 0 && !tlsa_published(route) && route->sts != STS_IN_FORCE;",
       "wanted == 0 && !tlsa_published(route);")
policy("plaintext-despite-demands", "3: plaintext is for the empty set alone",
       "wanted == 0 && !tlsa_published(route) && route->sts != STS_IN_FORCE;",
       "!tlsa_published(route) && route->sts != STS_IN_FORCE;",
       [("bool allowed = wanted == 0 && plan.connect", "bool allowed = plan.connect")])
policy("any-permit-holds", "3: a permit is made by policy alone",
       "return permit.seal == PERMIT_SEAL;", "return permit.seal != 0;")

# --- section 3, what the host shows in TLS ---------------------------------------------------------

DANE_FAILS = """	return wanted & (DEMAND_AUTH | DEMAND_DANE) ? refused(REASON_TLSA_INVALID)
						    : unknown(REASON_TLSA_INVALID);
"""
HALF_DANE_FAILS = """	return wanted & DEMAND_AUTH && !sts_may_hold(route, host) ? refused(REASON_TLSA_INVALID)
								  : unknown(REASON_TLSA_INVALID);
"""
policy("dane-mismatch-under-tls", "3: DANE does not match, {} and tls: unknown",
       DANE_FAILS, DANE_FAILS.replace(": unknown(REASON_TLSA_INVALID)", ": accepted"))
policy("dane-mismatch-under-auth", "3: DANE does not match, auth: refused",
       DANE_FAILS, DANE_FAILS.replace("(DEMAND_AUTH | DEMAND_DANE)", "DEMAND_DANE"))
policy("dane-mismatch-under-dane", "3: DANE does not match, dane: refused",
       DANE_FAILS, DANE_FAILS.replace("(DEMAND_AUTH | DEMAND_DANE)", "DEMAND_AUTH"))
policy("dane-unchecked", "3: DANE applies: it is checked",
       "plan.check_dane = dane_applies(route);", "plan.check_dane = false;")
policy("half-dane-ignored", "3: half DANE must match",
       "			join(&j, judge_half_dane(wanted, route, host));\n", "			(void)0;\n")
policy("half-dane-accepted", "3: half DANE does not match, {} and tls: unknown",
       HALF_DANE_FAILS, HALF_DANE_FAILS.replace(": unknown(REASON_TLSA_INVALID)", ": accepted"))
policy("half-dane-delays", "3: half DANE does not match, auth without STS: refused",
       HALF_DANE_FAILS, HALF_DANE_FAILS.replace("DEMAND_AUTH && !sts_may_hold(route, host)", "0"))
policy("half-dane-refuses", "3: half DANE does not match, STS may hold: unknown",
       HALF_DANE_FAILS, HALF_DANE_FAILS.replace(" && !sts_may_hold(route, host)", ""))
policy("half-dane-refuses-blocked", "3: half DANE, the policy not fetched again: unknown",
       "return host->sts != STS_FAILS || host->sts_refetch_failed;",
       "return host->sts != STS_FAILS;")
policy("half-dane-skips-sts", "3: half DANE: MTA-STS is asked as well",
       "			join(&j, judge_half_dane(wanted, route, host));\n"
       "		join(&j, judge_sts(wanted, route, host));\n",
       "			join(&j, judge_half_dane(wanted, route, host));\n"
       "		else\n			join(&j, judge_sts(wanted, route, host));\n")
policy("sts-failure-accepted", "3: STS in force and fails, {} and tls: unknown",
       "!ca_proves(route, host) ? refused(reason) : unknown(reason);",
       "!ca_proves(route, host) ? refused(reason) : accepted;")
policy("sts-failure-delays", "3: STS in force and fails, auth: refused",
       "return wanted & DEMAND_AUTH && !ca_proves(route, host) ? refused(reason) : unknown(reason);",
       "return unknown(reason);")
policy("sts-failure-ca-refused", "3: STS in force and fails, auth, while CA proves: unknown",
       "return wanted & DEMAND_AUTH && !ca_proves(route, host) ? refused(reason) : unknown(reason);",
       "return wanted & DEMAND_AUTH ? refused(reason) : unknown(reason);")
policy("sts-blocked-refetch-refuses", "3: the re-fetch failed: unknown",
       "	if (host->sts_refetch_failed)\n		return unknown(REASON_STS_FETCH_FAILED);\n", "")
policy("sts-absent-auth-accepted", "3: STS absent, auth without CA: refused",
       "	return refused(ca_may_prove(route)\n", "	return unknown(ca_may_prove(route)\n")
policy("sts-absent-any-ca", "3: STS absent, auth: only a CA that can prove",
       "	if (ca_proves(route, host))\n		return accepted;\n",
       "	if (host->ca_proves)\n		return accepted;\n")
policy("sts-unknown-auth-accepted", "3: STS unknown, auth without CA: unknown",
       "	if (route->sts == STS_UNKNOWN)\n		return unknown(REASON_STS_FETCH_FAILED);\n",
       "	if (route->sts == STS_UNKNOWN)\n		return accepted;\n")
policy("sts-unknown-refuses", "3: STS unknown, auth without CA: unknown and not refused",
       "	if (route->sts == STS_UNKNOWN)\n		return unknown(REASON_STS_FETCH_FAILED);\n", "")
policy("pin-mismatch-delays", "3: no stored entry matches: refused",
       "return refused(REASON_STORED_CERTIFICATE_MISMATCH);",
       "return unknown(REASON_STORED_CERTIFICATE_MISMATCH);")
policy("pin-not-judged", "3: pinned: a stored entry matches",
       "	if (wanted & DEMAND_PINNED)\n		join(&j, judge_pin(host));\n", "")
policy("pin-instead-of-auth", "3: pinned with auth: both columns",
       "	if (!(wanted & DEMAND_AUTH))\n		return accepted;\n",
       "	if (!(wanted & DEMAND_AUTH) || wanted & DEMAND_PINNED)\n		return accepted;\n")
policy("requiretls-not-announced", "3: REQUIRETLS demanded and not announced: refused",
       "	if (wanted & DEMAND_REQUIRETLS && !host->requiretls_announced)\n", "	if (false)\n")
policy("unchecked-sts-accepted", "3: what was not checked proves nothing",
       "	if (host->sts != STS_FAILS)\n		return unknown(REASON_LOCAL_FAULT);\n",
       "	if (host->sts != STS_FAILS)\n		return accepted;\n")

# --- section 4 -------------------------------------------------------------------------------------

policy("blocked-host-forces-refusal", "4: all refused: refused, otherwise unknown",
       "	if (first_unknown.verdict == VERDICT_UNKNOWN)\n		return first_unknown;\n", "")
policy("one-accepted-is-not-enough", "4: one host accepted: the mail goes there",
       "		if (hosts[i].verdict == VERDICT_ACCEPTED)\n			return hosts[i];\n", "")
policy("cap-refuses", "4: a cap reached with nothing accepted: unknown",
       "	if (capped)\n", "	if (false)\n")
for reason in ("NO_STORED_CERTIFICATE", "STORED_CERTIFICATE_EXPIRED", "ADDRESS_LITERAL"):
    policy(f"second-look-{reason.lower().replace('_', '-')}",
           "4: no second look where local facts alone refuse",
           f"refused_for.reason != REASON_{reason}", "true")
policy("no-second-look", "4: a refusal has a second look",
       "return refused_for.verdict == VERDICT_REFUSED &&",
       "return refused_for.verdict == VERDICT_UNKNOWN &&")

# --- section 3, where the facts come from ----------------------------------------------------------

HOST, LOOKUP, RESOLVE, PEER, CONNECT = ("src/net/host.c", "src/net/lookup.c", "src/net/resolve.c",
                                        "src/delivery/peer.c", "src/net/connect.c")
DNS = ["test_resolve_dane", "test_resolve"]
TALK = ["test_conversation"]
LOOKS = ["test_look", "test_conversation"]
TLS = ["test_connect", "test_conversation"]

mutant("tlsa-servfail-is-none", "3: TLSA SERVFAIL, bogus or timed out is a failure", HOST,
       "			host->facts.tlsa = TLSA_FAILED;\n			host->facts.dns_bogus",
       "			host->facts.tlsa = TLSA_NONE;\n			host->facts.dns_bogus", DNS)
mutant("one-family-failing-ends-it", "3: one family failing: go on with the other", HOST,
       "	if (host->n_addresses) {\n",
       "	if (host->n_addresses && !answer_failed(v6) && !answer_failed(v4)) {\n", DNS)
mutant("one-family-says-no-address", "3: no address is believed of both families alone", HOST,
       "	} else if (answer_failed(v6) || answer_failed(v4)) {\n",
       "	} else if (answer_failed(v6) && answer_failed(v4)) {\n", DNS)
mutant("unsigned-addresses-count", "3: which family is validated counts", HOST,
       "has_validated_data(v6) || has_validated_data(v4);", "true;", DNS)
mutant("both-families-must-be-signed", "3: one validated family is enough", HOST,
       "has_validated_data(v6) || has_validated_data(v4);",
       "has_validated_data(v6) && has_validated_data(v4);", DNS)
mutant("cname-failure-is-none", "3: a CNAME look-up that failed: unknown", HOST,
       "	} else {\n		fail_host(q->host, alias.kind == ANSWER_BOGUS);\n	}",
       "	}", DNS)
mutant("mx-servfail-is-no-domain", "4: MX SERVFAIL, bogus or timed out: unknown", RESOLVE,
       "	if (answer_failed(&answer)) {\n		fail_route(route, answer.kind == ANSWER_BOGUS);\n	} else if",
       "	if", DNS)
mutant("unsigned-mx-counts-as-signed", "2: MX answers are validated or not", RESOLVE,
       "		hosts[i].facts.mx_validated = answer->validated;\n",
       "		hosts[i].facts.mx_validated = true;\n", DNS)
mutant("unsigned-absence-of-mx", "2: only the signed absence of MX validates", RESOLVE,
       "		implicit_mx(lookup, kept, answer.validated, port);",
       "		implicit_mx(lookup, kept, true, port);", DNS)
mutant("null-mx-is-a-host", "4: null MX is permanent", RESOLVE,
       "	} else if (is_null_mx(&answer)) {\n", "	} else if (false) {\n", DNS)
mutant("bytes-behind-the-220", "3: plaintext bytes behind the 220", PEER,
       "return wire_buffered(wire).len ? HELLO_INJECTED : HELLO_SECURED;",
       "return HELLO_SECURED;", TALK)
mutant("starttls-answered-250", "3: any other answer to STARTTLS", PEER,
       "	if (reply->code != 220)\n", "	if (class_of(reply) != 2)\n", TALK)
mutant("starttls-4xx-is-5xx", "3: STARTTLS answered 4xx", PEER,
       "		return HELLO_STARTTLS_4XX;\n", "		return HELLO_STARTTLS_5XX;\n", TALK)
mutant("starttls-5xx-is-4xx", "3: STARTTLS answered 5xx", PEER,
       "		return HELLO_STARTTLS_5XX;\n", "		return HELLO_STARTTLS_4XX;\n", TALK)
mutant("helo-offers-starttls", "3: only HELO is taken: no STARTTLS", PEER,
       "	if (!(peer->extensions.set & EXTENSION_STARTTLS))\n",
       "	if (false)\n", TALK)
mutant("ehlo-after-tls-refused", "3: 4xx/5xx to EHLO after TLS", PEER,
       "	if (heard != HEARD || class_of(reply) != 2)\n		return HELLO_SECURED_EHLO_REFUSED;\n",
       "", TALK)
mutant("first-record-not-looked-at", "3: the first record after 220 is no TLS", CONNECT,
       "	if (!may_be_tls(fd))\n", "	if (false)\n", TLS)
mutant("key-below-our-level", "3: key below our security level", CONNECT,
       "	if (hello == HELLO_SECURED && !key_is_strong(ssl))\n", "	if (false)\n", TLS)
for reason in ("SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_PROTOCOL_VERSION",
               "TLSV1_ALERT_INSUFFICIENT_SECURITY", "UNSUPPORTED_PROTOCOL", "DH_KEY_TOO_SMALL"):
    mutant(f"alert-{reason.lower().replace('_', '-')}", "3: alerts that no retry will change", CONNECT,
           f"	{{ SSL_R_{reason}, HELLO_TLS_INCOMPATIBLE }},\n", "", TLS)
mutant("no-route-counts", "3: only families without a local route don't count", "src/delivery/hosts.c",
       "		else if (dial_has_route(ip))\n", "		else\n", ["test_dial"],
       lab="test_5_two_families.py")
mutant("forbidden-ranges-are-asked", "4: forbidden ranges are refused", "src/delivery/hosts.c",
       "		if (ip_is_forbidden(ip, config->allowed, config->n_allowed))\n", "		if (false)\n", TALK)

# --- section 7, DNS of DANE ------------------------------------------------------------------------

VERIFY, TLSA = "src/net/verify.c", "src/mail/tlsa.c"
PROOF = ["test_verify_dane", "test_verify", "test_connect"]

mutant("tlsa-at-port-25", "7: the TLSA owner uses the port really used", HOST,
       'buf_printf(&owner, "_%u._tcp.%.*s", port, STR_ARG(base))',
       'buf_printf(&owner, "_%u._tcp.%.*s", 25 + 0 * port, STR_ARG(base))', DNS)
mutant("unsigned-tlsa-counts", "7: TLSA behind a CNAME only if validated", HOST,
       "		} else if (has_validated_data(&answer)) {\n",
       "		} else if (answer.kind == ANSWER_DATA) {\n", DNS)
mutant("tlsa-of-original-name-first", "7: the expanded name first, then the original", HOST,
       "		if (validated->aliased)\n			add_base(q, memory, validated->canonical);\n",
       "		if (validated->aliased) {\n			add_base(q, memory, host->name);\n"
       "			add_base(q, memory, validated->canonical);\n		}\n", DNS)
mutant("tlsa-of-expanded-name-only", "7: then the original", HOST,
       "		q->alias = question_ask(lookup->context, host->name, TYPE_CNAME);\n	}\n"
       "	add_base(q, memory, host->name);\n",
       "		q->alias = question_ask(lookup->context, host->name, TYPE_CNAME);\n	}\n"
       "	if (!q->n_bases)\n		add_base(q, memory, host->name);\n", DNS)
mutant("tlsa-of-unsigned-cname", "7: TLSA asked only behind a validated CNAME", HOST,
       "		q->host->facts.host_validated = has_validated_data(&alias);",
       "		q->host->facts.host_validated = true;", DNS)
mutant("usage-0-and-1", "7: usages 0 and 1 are filtered", TLSA,
       "bool usage = to->usage == TLSA_USAGE_TA || to->usage == TLSA_USAGE_EE;",
       "bool usage = to->usage <= TLSA_USAGE_EE;", ["test_tlsa", "test_resolve_dane"])
mutant("unknown-selector", "2: unknown selectors are unusable", TLSA,
       "return usage && selector && is_association(to->matching, to->data);",
       "return usage && is_association(to->matching, to->data);", ["test_tlsa"])
mutant("digest-of-any-length", "2: malformed TLSA data are unusable", TLSA,
       "		return data.len == SHA256_LEN;", "		return true;", ["test_tlsa"])
mutant("full-data-unread", "2: a full certificate that is none is unusable", TLSA,
       "		return is_one_sequence(data);", "		return true;", ["test_tlsa"])
mutant("usage-filter-at-openssl", "7: usages 0 and 1 never reach OpenSSL", VERIFY,
       "	if (tlsa->usage != TLSA_USAGE_EE && (tlsa->usage != TLSA_USAGE_TA || !named))\n		return false;\n",
       "", PROOF)

# --- section 7, what a chain proves ----------------------------------------------------------------

mutant("ee-names-checked", "7: DANE-EE ignores names", VERIFY,
       "	SSL_CTX_dane_set_flags(context, DANE_FLAG_NO_DANE_EE_NAMECHECKS);\n", "", PROOF)
for name, which in (("base", "base"), ("host", "host"), ("domain", "next-hop")):
    mutant(f"ta-without-{which}-name", f"7: DANE-TA accepts the {which} name", VERIFY,
           f"	bool {name} = add_name(check, target->{'tlsa_base' if name == 'base' else name});\n",
           f"	bool {name} = false;\n", PROOF)
mutant("ta-any-name", "7: DANE-TA checks names", VERIFY,
       "	bool named = add_dane_names(check, target);\n", "	bool named = true;\n", PROOF)
mutant("ca-any-name", "2: the CA proves the host name", VERIFY,
       "	if (!add_name(check, host))\n		return REASON_CERTIFICATE_HOST_MISMATCH;\n", "", PROOF)
MATCHED = "	return outcome_of(check) == X509_V_OK && SSL_get0_dane_authority(records, NULL, NULL) >= 0;"
mutant("ca-proves-dane", "7: under DANE the records are the only anchors", VERIFY,
       "check_new(verifier->nobody, shown);", "check_new(verifier->authorities, shown);", PROOF,
       [(VERIFY, "	if (!n)\n		return false;\n	X509_STORE_CTX_set0_dane", "	X509_STORE_CTX_set0_dane"),
        (VERIFY, MATCHED, "	return outcome_of(check) == X509_V_OK;")])
mutant("dane-without-a-match", "7: that a record matched is asked", VERIFY,
       MATCHED, "	return outcome_of(check) == X509_V_OK || n > 0;", PROOF)
mutant("no-digest-agility", "7: digest agility", VERIFY,
       "	must(SSL_CTX_dane_enable(context) == 1);\n",
       "	must(SSL_CTX_dane_enable(context) == 1);\n"
       "	must(SSL_CTX_dane_mtype_set(context, EVP_sha512(), 2, 1) == 1);\n", PROOF)
mutant("expired-is-fine", "2: a certificate that has expired proves nothing", VERIFY,
       "		return REASON_CERTIFICATE_EXPIRED;", "		return REASON_NONE;", PROOF)
mutant("untrusted-is-fine", "2: a certificate that nobody vouches for proves nothing", VERIFY,
       "		return REASON_CERTIFICATE_NOT_TRUSTED;\n	}", "		return REASON_NONE;\n	}", PROOF)
mutant("partial-wildcards", "7: a wildcard is the whole first label", VERIFY,
       "		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);",
       "		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);", PROOF)
mutant("common-name-proves", "8461 4.1: the certificate's DNS-IDs count alone", VERIFY,
       "		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);",
       "		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);", PROOF)
mutant("weak-chains-verify", "7: the security level counts in chains too", VERIFY,
       "	X509_VERIFY_PARAM_set_auth_level(rules, LEVEL);\n", "	X509_VERIFY_PARAM_set_auth_level(rules, 0);\n", PROOF)
mutant("stored-key-is-certificate", "7: stored entries: SHA-256 of the key", VERIFY,
       "	case STORED_KEY:\n		digest = verify_key_digest(", "	case STORED_KEY:\n		digest = verify_certificate_digest(",
       PROOF)
mutant("stored-certificate-is-key", "7: stored entries: SHA-256 of the certificate", VERIFY,
       "	case STORED_CERTIFICATE:\n		digest = verify_certificate_digest(",
       "	case STORED_CERTIFICATE:\n		digest = verify_key_digest(", PROOF)
mutant("stored-prefix-matches", "7: a stored digest matches as a whole", VERIFY,
       "	return str_eq(entry->value, digest_str(&digest));",
       "	return str_starts(digest_str(&digest), entry->value);", PROOF)
mutant("stored-authority-any-name", "7: a stored CA: a name must hold", VERIFY,
       "	return add_stored_names(check, entry, host) && outcome_of(check) == X509_V_OK;",
       "	return outcome_of(check) == X509_V_OK;", PROOF)
mutant("stored-authority-no-chain", "7: a stored CA: dates and chain must hold", VERIFY,
       "	return add_stored_names(check, entry, host) && outcome_of(check) == X509_V_OK;",
       "	return add_stored_names(check, entry, host);", PROOF)
mutant("pin-any-chain", "7: pinned: an entry matches what was shown", VERIFY,
       "		if (entry_matches(&target->stored[i], shown, target->host))\n",
       "		if (true)\n", PROOF)

# --- section 7, the handshake ----------------------------------------------------------------------

SECURE, LOOK = "src/net/secure.c", "src/delivery/look.c"
WIRE = ["test_wire", "test_connect", "test_secure", "test_openssl_conf"]

mutant("no-sni", "7: SNI", CONNECT,
       "	must(SSL_set_tlsext_host_name(ssl, name) == 1);\n", "", TLS)
mutant("sni-is-the-mx-under-dane", "7: SNI: the TLSA base domain under DANE", LOOK,
       "return host->facts.tlsa == TLSA_USABLE ? host->of->tlsa_base : host->of->name;",
       "return host->of->name;", LOOKS)
mutant("sni-of-a-literal", "7: no SNI for literals", LOOK,
       "	if (host->facts.address_literal)\n		return STR(\"\");\n	return host->facts.tlsa",
       "	return host->facts.tlsa", LOOKS)
mutant("no-ehlo-after-tls", "7: EHLO again after TLS, all before forgotten", PEER,
       "	peer->extensions = (struct extensions){ 0 };\n	enum heard heard =\n		ask(&peer->secure",
       "	enum heard heard =\n		ask(&peer->secure", TALK,
       [(PEER, "	remote_reply_extensions(reply, &peer->extensions);\n	return HELLO_SECURED;\n}\n\nstatic void drop",
         "	return HELLO_SECURED;\n}\n\nstatic void drop")])
mutant("anonymous-ciphers", "7: no anonymous ciphers", SECURE,
       "DHE+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!PSK:!SRP:!AESCCM:@SECLEVEL=2",
       "DHE+AES:RSA+AESGCM:RSA+AES:aNULL:@SECLEVEL=0", WIRE)
mutant("tls-1-0", "7: versions are set in code", SECURE,
       "	must(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);\n",
       "	must(SSL_CTX_set_min_proto_version(context, TLS1_VERSION) == 1);\n", WIRE)
mutant("security-level-0", "7: the security level is set in code", SECURE,
       "	SSL_CTX_set_security_level(context, 2);\n", "	SSL_CTX_set_security_level(context, 0);\n",
       WIRE, [(SECURE, ":!AESCCM:@SECLEVEL=2", ":!AESCCM:@SECLEVEL=0")])
mutant("ciphers-of-openssl", "7: ciphers are set in code", SECURE,
       "	must(SSL_CTX_set_cipher_list(context, CIPHERS_1_2) == 1);\n", "", WIRE)
mutant("openssl-cnf-is-read", "7: openssl.cnf has no say", SECURE,
       "	must(OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1);\n",
       "	must(OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1);\n", ["test_openssl_conf"],
       [("src/net/fetch.c", "	must(OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1);\n", "")])
mutant("eof-is-an-alert", "7: a plain EOF in the handshake is connection-lost", CONNECT,
       "	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, HELLO_TLS_LOST },\n", "", TLS)
mutant("sessions-are-resumed", "7: no TLS resumption", CONNECT,
       "	must(target->server_name.len < sizeof name);\n",
       "	must(target->server_name.len < sizeof name);\n	if (last)\n		SSL_set_session(ssl, last);\n", TLS,
       [(CONNECT, "enum { SECURITY_BITS = 112 };", "static SSL_SESSION *last;\nenum { SECURITY_BITS = 112 };"),
        (CONNECT, "	secure->proved = DEMAND_TLS;\n",
         "	secure->proved = DEMAND_TLS;\n	last = SSL_get1_session(ssl);\n")])
mutant("verified-within-the-handshake", "7: no check may end the handshake", CONNECT,
       "	SSL_CTX_set_cert_verify_callback(tls->context, pass_any, NULL);\n",
       "	SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);\n", TLS)
mutant("requiretls-of-plaintext", "2: REQUIRETLS counts if announced after TLS", PEER,
       "	if (host->hello == HELLO_SECURED)\n		host->hello = starttls(peer, terms, reply);\n",
       "	if (host->hello == HELLO_SECURED)\n		host->hello = starttls(peer, terms, reply);\n"
       "	bool before = peer->extensions.set & EXTENSION_REQUIRETLS;\n", TALK,
       [(PEER, "		host->requiretls_announced = peer->extensions.set & EXTENSION_REQUIRETLS;\n",
         "		host->requiretls_announced = before;\n")])
mutant("requiretls-not-said", "8689 4.2.1: REQUIRETLS is passed on", "src/delivery/transaction.c",
       "	must(keeps_requiretls(peer, mail->job));\n", "", ["test_promise"])
mutant("sealed-over-less", "7: a message never goes over a connection that proved less",
       "src/delivery/transaction.c",
       "	must((mail->job->demands & ~(uint64_t)secure->proved) == 0);\n", "", ["test_promise"])

# --- section 7, MTA-STS ----------------------------------------------------------------------------

STS, DISCOVER, FETCH, TEXT = ("src/delivery/sts.c", "src/delivery/sts_discover.c", "src/net/fetch.c",
                              "src/mail/mta_sts.c")
STS_TESTS = ["test_sts"]

mutant("several-sts-records", "7: exactly one v=STSv1 record", TEXT,
       "	return ours == 1 && read_fields(only, id);", "	return ours >= 1 && read_fields(only, id);",
       ["test_mta_sts"])
mutant("wildcard-any-depth", "8461 4.1: a wildcard is one label", TEXT,
       "			str_eq_nocase(str_tail(pattern, 2), parent))\n",
       "			str_ends_nocase(parent, str_tail(pattern, 2)))\n", ["test_mta_sts"])
mutant("testing-is-enforced", "2: testing asks nothing", STS,
       "	if (view->policy.mode == STS_MODE_ENFORCE)\n", "	if (view->policy.mode != STS_MODE_NONE)\n",
       STS_TESTS)
mutant("enforce-is-testing", "2: STS in force: mode enforce", STS,
       "	if (view->policy.mode == STS_MODE_ENFORCE)\n", "	if (false)\n", STS_TESTS)
mutant("txt-failure-is-absence", "2: TXT SERVFAIL or time-out: unknown", DISCOVER,
       "		why_not(&found->why, \"the TXT record can't be looked up\");\n"
       "		found->kind = STS_FOUND_UNKNOWN;\n",
       "		why_not(&found->why, \"the TXT record can't be looked up\");\n"
       "		found->kind = STS_FOUND_NO_RECORD;\n", STS_TESTS)
mutant("https-failure-is-absence", "2: HTTPS not reachable or not verifiable: unknown", DISCOVER,
       "	if (result == FETCH_FAILED)\n		found->kind = STS_FOUND_UNKNOWN;\n",
       "	if (result == FETCH_FAILED)\n		found->kind = STS_FOUND_NO_POLICY;\n", STS_TESTS)
mutant("vanished-txt-ends-policy", "7: cached for max_age even if the TXT vanishes", STS,
       "	if (found->kind == STS_FOUND_KNOWN || (!is_policy && has_usable_policy(entry)))\n",
       "	if (found->kind == STS_FOUND_KNOWN)\n", STS_TESTS)
mutant("policies-never-expire", "2: cached and not expired", STS,
       "(has_policy(entry) && entry->known->view.expires > clock_wall_ms())",
       "has_policy(entry)", STS_TESTS)
mutant("restart-forgets-policies", "7: cached across restarts", STS,
       "	if (held)\n		know(cache, look->entry, held);\n", "	held_release(held);\n", STS_TESTS)
mutant("no-daily-refresh", "7: refreshed daily", STS,
       "	if (deadline_passed(entry->refresh) && look_behind(cache, entry, config, true))\n",
       "	if (false)\n", STS_TESTS)
mutant("policy-of-the-host", "7: the policy domain is the recipient's domain", LOOK,
       "sts_find(config->sts, config, look->domain, ", "sts_find(config->sts, config, look->hosts[0].of->name, ",
       LOOKS)
mutant("mail-waits-for-a-policy", "7: 10 s while a mail waits", LOOK,
       "	STS_WAIT = 10 * SECOND,", "	STS_WAIT = 60 * SECOND,", LOOKS)
mutant("new-id-not-fetched", "7: refreshed when id changes", DISCOVER,
       "	if (!question->refresh && str_eq(found->id, question->known_id)) {\n",
       "	if (!question->refresh && question->known_id.len) {\n", STS_TESTS)
mutant("no-refetch-before-refusal", "3: the policy is re-fetched once", LOOK,
       "	look->sts_asked_again = true;\n", "	return false;\n", LOOKS)
mutant("sts-ignores-patterns", "2: the MX name matches a pattern", LOOK,
       "	shown->sts = listed && shown->ca_proves ? STS_HOLDS : STS_FAILS;\n",
       "	shown->sts = shown->ca_proves ? STS_HOLDS : STS_FAILS;\n", LOOKS)
mutant("sts-ignores-certificate", "2: the certificate is valid for the MX name", LOOK,
       "	shown->sts = listed && shown->ca_proves ? STS_HOLDS : STS_FAILS;\n",
       "	shown->sts = listed ? STS_HOLDS : STS_FAILS;\n", LOOKS)
FETCH_TESTS = ["test_fetch"]
mutant("fetch-believes-a-redirect", "7: no redirects: only 200 is a policy", FETCH,
       "	if (code != CURLE_OK || status != 200) {\n", "	if (code != CURLE_OK || status >= 400) {\n", FETCH_TESTS)
mutant("fetch-by-proxy", "7: no proxy", FETCH,
       "	SET(CURLOPT_PROXY, \"\");\n	SET(CURLOPT_NOPROXY, \"*\");\n", "", FETCH_TESTS)
mutant("fetch-any-name", "7: the certificate is for mta-sts.<domain>", FETCH,
       "	SET(CURLOPT_SSL_VERIFYHOST, 2L);\n", "	SET(CURLOPT_SSL_VERIFYHOST, 0L);\n", FETCH_TESTS,
       [(FETCH, "	must(X509_VERIFY_PARAM_set1_host(checks, host.at, host.len) == 1);\n", "	(void)host;\n")])
mutant("fetch-any-authority", "7: the policy host is verified against the CA store", FETCH,
       "	SET(CURLOPT_SSL_VERIFYPEER, 1L);\n", "	SET(CURLOPT_SSL_VERIFYPEER, 0L);\n", FETCH_TESTS)
mutant("fetch-tls-1-0", "7: TLS 1.2 or newer", FETCH,
       "	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);\n",
       "	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_0);\n", FETCH_TESTS,
       [(FETCH, "	tls_demand(context);\n", "	SSL_CTX_set_security_level(context, 0);\n")])
mutant("fetch-any-size", "7: 64 KiB", FETCH,
       "	if (transfer->to->overflowed && status == 200) {\n", "	if (false) {\n", FETCH_TESTS)
mutant("fetch-forbidden-address", "4: forbidden ranges, policy fetches too", FETCH,
       "		if (ip_is_forbidden(ip, ask->allowed, ask->n_allowed))\n", "		if (false)\n", FETCH_TESTS)
mutant("fetch-any-status", "2: a valid 404 is an absence, other answers are not", FETCH,
       "	if (heard && (status == 404 || status == 410)) {\n",
       "	if (heard && status >= 300) {\n", FETCH_TESTS)
mutant("fetch-no-deadline", "7: 60 s", FETCH,
       "	SET(CURLOPT_TIMEOUT_MS, (long)ms_left(deadline));\n", "", FETCH_TESTS)

# --- section 7, connections that are used again ----------------------------------------------------

POOL, HOSTS = "src/delivery/pool.c", "src/delivery/hosts.c"
POOLS = ["test_pool", "test_conversation"]

for name, original, replacement in (
        ("demands", "peer->wanted == key->wanted && ", ""),
        ("port", " && peer->port == key->port", ""),
        ("settings", "	       peer->config == key->config && ", "	       "),
        ("domain", " && str_eq(peer->domain, key->domain)", "")):
    mutant(f"reuse-for-another-{name}", f"7: reused only for the same {name}", POOL, original,
           replacement, POOLS)
mutant("reuse-past-the-ttl", "7: reused at most until the shortest TTL", POOL,
       "	       !deadline_passed(peer->expires) && is_named(peer, hosts, n_hosts);",
       "	       is_named(peer, hosts, n_hosts);", POOLS)
mutant("reuse-at-another-address", "7: reused only for the same address", POOL,
       "			has_address(hosts[i].of, &peer->ip))\n", "			true)\n", POOLS)
mutant("reuse-under-another-name", "7: reused only for the same name", POOL,
       "		if (str_eq(hosts[i].of->name, peer->host) && str_eq(hosts[i].basis, peer->basis) &&\n",
       "		if (str_eq(hosts[i].basis, peer->basis) &&\n", POOLS)
mutant("reuse-on-another-basis", "7: reused only for the same TLSA set, policy, entries", POOL,
       "		if (str_eq(hosts[i].of->name, peer->host) && str_eq(hosts[i].basis, peer->basis) &&\n",
       "		if (str_eq(hosts[i].of->name, peer->host) &&\n", POOLS)
mutant("basis-without-tlsa", "7: the TLSA set is part of what a connection rests on", HOSTS,
       "		add_tlsa(&text, host->of);\n", "", POOLS + LOOKS)
mutant("basis-without-policy", "7: so is the policy", HOSTS,
       "			add_policy(&text, look->sts);\n", "			(void)0;\n", POOLS + LOOKS)
mutant("basis-without-stored", "7: so are the stored entries", HOSTS,
       "			add_stored(&text, &look->stored.state);\n", "			(void)0;\n",
       POOLS + LOOKS)

STORED = "src/delivery/stored.c"
STORED_TESTS = ["test_store_stored", "test_look"]
mutant("expired-is-stored", "7: an entry may have its own expiry", STORED,
       "	return view->n ? PIN_STORED : view->expired ? PIN_EXPIRED : PIN_NONE;",
       "	return view->n || view->expired ? PIN_STORED : PIN_NONE;", STORED_TESTS)
mutant("removed-entry-is-used", "7: a removed entry is not used for another second", STORED,
       "	return now.generation == state.generation ||\n", "	return true ||\n", STORED_TESTS)
mutant("entry-used-past-its-date", "7: an entry is not used past its date", STORED,
       "	if (clock_wall_ms() >= state.until)\n", "	if (false)\n", STORED_TESTS)

# --- section 7, the resolver's self-test -------------------------------------------------------------

SELF = "src/net/self_test.c"
mutant("self-test-not-validated", "7: . SOA validates", SELF,
       "	if (with_ours != ROOT_VALIDATED)\n", "	if (with_ours == ROOT_BOGUS)\n", DNS + ["test_watch"])
mutant("self-test-wrong-anchor", "7: with a wrong anchor it must be bogus", SELF,
       "	return with_wrong == ROOT_BOGUS ? RESOLVER_HEALTHY : RESOLVER_UNHEALTHY;",
       "	return RESOLVER_HEALTHY;", DNS + ["test_watch"])
mutant("no-dns-is-broken", "7: no DNS at all is not testable, not broken", SELF,
       "	if (with_ours == ROOT_SILENT)\n		return RESOLVER_UNTESTED;\n", "", DNS + ["test_watch"])
mutant("unhealthy-resolver-is-asked", "7: mail that needs validation waits", LOOK,
       "	else if (resolver_health(config->resolver) == RESOLVER_UNHEALTHY)\n", "	else if (false)\n",
       LOOKS + ["test_preflight"])

# --- section 7, submission -----------------------------------------------------------------------

SENDERS, VERBS = "src/smtpd/senders.c", "src/smtpd/verbs.c"
SESSION = ["test_session", "test_store_rules"]

mutant("submission-in-clear", "7: submission only inside TLS", VERBS,
       "		return s->secured || s->kind == LISTENER_MX;", "		return true;", SESSION)
mutant("submission-without-login", "7: submission only after login", VERBS,
       "		return s->account != 0 || !session_is_submission(s);", "		return true;", SESSION)
mutant("auth-announced-in-clear", "7: AUTH is not announced before TLS", VERBS,
       "	if (s->secured && session_is_submission(s)) {\n", "	if (session_is_submission(s)) {\n", SESSION)
mutant("requiretls-announced-in-clear", "6: REQUIRETLS is announced only inside TLS", VERBS,
       "	if (s->secured) {\n		s->offers |= OFFER_REQUIRETLS;", "	if (true) {\n		s->offers |= OFFER_REQUIRETLS;",
       SESSION)
mutant("foreign-envelope-sender", "7: only owned envelope senders: 553 5.7.1", SENDERS,
       "	if (s->account)\n		return owned(s, written, REPLY(553, \"5.7.1 This sender address is not yours\"));\n",
       "	if (s->account)\n		return (struct reply){ 0 };\n", SESSION)
mutant("foreign-from", "7: only owned From: 550 5.7.1", SENDERS,
       "	return from_account(s, senders);", "	return (struct reply){ 0 };", SESSION)
mutant("inactive-alias-sends", "7: alias not activated: 550 5.7.1", SENDERS,
       "		return REPLY(550, \"5.7.1 This alias is not switched on\");", "		return (struct reply){ 0 };",
       SESSION)
mutant("unclear-from", "1: a From that can't be read in one way: 550 5.6.0", SENDERS,
       "	if (reading == SENDERS_UNCLEAR)\n		return session_reply(s, 550, \"5.6.0 The From field is not clear: %s\",\n"
       "			senders->why ? senders->why : \"malformed\");\n	if (reading == SENDERS_MISSING)",
       "	if (reading == SENDERS_MISSING)", SESSION)
mutant("outsiders-send-as-us", "6: nobody outside sends as us", SENDERS,
       "	if (!s->neighbour)\n		return REPLY(550, \"5.7.1 Only our own users send from this domain, logged in\");\n",
       "", SESSION)
