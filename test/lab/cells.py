# SPDX-License-Identifier: ISC
"""The domains of policy.md, section 3: one for each row that can be staged, with the verdict that
each level must come to. The name server makes zones of them, the many-faced Postfix and the
scripted peers answer for their hosts, the policy host serves their MTA-STS policies, and
test_a_policy_cells.py sends to them.
"""
import dataclasses

import peers
from internet import HOSTS, MANY_FACED, NET4, PEERS, SILENT

# The columns of the table, by the level an account or its alias has.
LEVELS = ("opportunistic", "encrypt", "secure", "dane-only", "verify")

# Host zones of their own: a signed host of an unsigned domain, and the other way round.
SIGNED_HOSTS, UNSIGNED_HOSTS = "signed.test", "unsigned.test"


@dataclasses.dataclass
class Cell:
    """A recipient's domain.

    `verdicts` has a column for each level: "sealed", "clear", "refused REASON" or "waits REASON";
    one column stands for all; "-" is not staged. `server` is one of MANY_FACED, of PEERS (without ".test"), or
    "exim".
    `tlsa` is the data of TLSA records at the MX host; "{good.key}" and "{good.certificate}" are the
    digests of what a server shows. `records` replaces MX, address and TLSA records by its own.
    `sts` is a behaviour of the policy host. `stored` says what certificate is stored.
    """
    domain: str
    verdicts: str
    server: str = "good"
    signed: bool = False
    tlsa: tuple = ()
    host: str = ""
    sts: str = ""
    stored: str = "right"
    records: tuple = None
    more: tuple = ()
    ds: str = "right"       # or "wrong"
    expired: bool = False   # the signatures
    spoiled: tuple = ()     # (owner, type) whose signature is broken
    nsec3: bool = False
    zone: bool = True       # has one of its own

    def __post_init__(self):
        self.host = self.host or f"mx.{self.domain}"
        self.zone = self.zone and self.domain not in PEERS
        columns = [column.strip() for column in self.verdicts.split("|")]
        self.expected = dict(zip(LEVELS, columns * 5 if len(columns) == 1 else columns))
        assert len(self.expected) == 5 and len(columns) in (1, 5), self.domain

    def address(self):
        if self.server in MANY_FACED:
            return f"{NET4}{MANY_FACED[self.server]}"
        if self.server == "exim":
            return f"{NET4}{HOSTS['exim-tls']}"
        return PEER_AT[self.server]

    def zone_records(self):
        """Of the domain's own zone."""
        if self.records is not None:
            return [*self.records, *self.more]
        mine = [("@", "MX", f"10 {self.host}."), *self.more]
        return mine + (self.host_records() if self.host.endswith("." + self.domain) else [])

    def host_records(self):
        return [(self.host + ".", "A", self.address())] + [
            (f"_25._tcp.{self.host}.", *tlsa_record(data)) for data in self.tlsa]


def tlsa_record(data):
    """(type, data); what begins with a backslash is raw (RFC 3597)."""
    return ("TYPE52" if data.startswith("\\") else "TLSA", data)


EE, TA = "3 1 1 {self-signed.key}", "2 0 1 {other-authority-itself.certificate}"
WRONG = "3 1 1 " + "00" * 32
# Name servers that fail: one that serves no zone at all; an address nobody owns.
DEAD, GONE = "dead-ns.test.", "gone-ns.test."
LAME = {"mx-servfail.test": DEAD, "mx-timeout.test": GONE}
# Names in test. itself, which is signed.
ALIASES = {"alias-of-signed.test": "dane-ee.test", "alias-of-unsigned.test": "unsigned-no-tlsa.test"}
MX = ("@", "MX", "10 mx")
PEER_AT = {name.removesuffix(".test"): f"{NET4}{number}" for name, number in PEERS.items()}
GOOD_A = ("mx", "A", f"{NET4}{MANY_FACED['good']}")

BEFORE_CONNECTING = [
    # The domain as a whole (policy.md, section 4)
    Cell("null-mx.test", "refused null-mx", records=[("@", "MX", "0 .")]),
    Cell("null-mx-signed.test", "refused null-mx", signed=True, records=[("@", "MX", "0 .")]),
    Cell("no-such-domain.test", "refused domain-not-found", zone=False),
    Cell("no-mail.test", "refused no-address", records=[("www", "A", f"{NET4}40")]),
    Cell("no-mail-signed.test", "refused no-address", signed=True, nsec3=True,
         records=[("www", "A", f"{NET4}40")]),
    Cell("mx-servfail.test", "waits dns-failure", zone=False),
    Cell("mx-timeout.test", "waits dns-failure", zone=False),
    Cell("bogus.test", "waits dnssec-invalid", signed=True, ds="wrong"),
    Cell("expired-signatures.test", "waits dnssec-invalid", signed=True, expired=True),
    Cell("mx-spoiled.test", "waits dnssec-invalid", signed=True, spoiled=[("@", "MX")]),
    Cell("loop.test", "refused mail-loop", records=[("@", "MX", "10 mx.table.test.")]),
    Cell(f"[{PEER_AT['sealed-peer']}]", "sealed | sealed | refused address-literal"
         " | refused address-literal | refused address-literal", "sealed-peer", zone=False,
         stored=""),
    # More than one host, or address
    Cell("good-second.test", "clear | sealed | sealed | sealed | sealed", signed=True, records=[
        ("@", "MX", "5 plain"), MX, ("plain", "A", PEER_AT["no-starttls"]), GOOD_A,
        ("_25._tcp.mx", "TLSA", "3 1 1 {good.key}")]),
    Cell("unknown-second.test", "clear | waits connection-refused | waits connection-refused"
         " | refused dane-required | waits connection-refused", signed=True, records=[
             ("@", "MX", "5 plain"), MX, ("plain", "A", PEER_AT["no-starttls"]),
             ("mx", "A", PEER_AT["down"])]),
    Cell("two-addresses.test", "sealed", signed=True, records=[
        MX, GOOD_A, ("mx", "A", PEER_AT["down"]), ("_25._tcp.mx", "TLSA", "3 1 1 {good.key}")]),
    # Look-ups about the host
    Cell("tlsa-servfail.test", "waits dns-failure", signed=True,
         more=[("_25._tcp.mx", "NS", DEAD)]),
    Cell("tlsa-timeout.test", "waits dns-failure", signed=True,
         more=[("_25._tcp.mx", "NS", GONE)]),
    Cell("tlsa-bogus.test", "waits dnssec-invalid", signed=True, tlsa=["3 1 1 {good.key}"],
         spoiled=[("_25._tcp.mx", "TLSA")]),
    Cell("tlsa-denial-bogus.test", "waits dnssec-invalid", signed=True, spoiled=[("mx", "NSEC")],
         records=[MX, GOOD_A, ("mx", "AAAA", "2001:db8::33")]),
    Cell("tlsa-cname-servfail.test", "waits dns-failure", signed=True, records=[
        MX, GOOD_A, ("_25._tcp.mx", "CNAME", "tlsa.dead"), ("dead", "NS", DEAD)]),
    Cell("cname-servfail.test", "waits dns-failure", signed=True, records=[
        MX, ("mx", "CNAME", "host.dead"), ("dead", "NS", DEAD)]),
    Cell("address-servfail.test", "waits dns-failure", signed=True, records=[
        MX, ("mx", "NS", DEAD)]),
    Cell("address-bogus.test", "waits dnssec-invalid", signed=True, records=[
        MX, GOOD_A, ("mx", "AAAA", "2001:db8::33")], spoiled=[("mx", "A"), ("mx", "AAAA")]),
    Cell("one-family-bogus.test", "sealed", signed=True, records=[
        MX, GOOD_A, ("mx", "AAAA", "2001:db8::33"), ("_25._tcp.mx", "TLSA", "3 1 1 {good.key}")],
        spoiled=[("mx", "AAAA")]),
    Cell("no-host-signed.test", "refused no-address", signed=True, records=[MX]),
    Cell("no-host-address-signed.test", "refused no-address", signed=True, nsec3=True,
         records=[MX, ("mx", "TXT", "nothing")]),
    Cell("dangling.test", "waits no-address", records=[MX]),
    Cell("forbidden.test", "waits forbidden-address", records=[MX, ("mx", "A", "10.0.0.1")]),
    Cell("forbidden-signed.test", "waits forbidden-address", signed=True,
         records=[MX, ("mx", "A", "127.0.0.1")]),
    Cell("no-route.test", "waits local-fault", records=[MX, ("mx", "AAAA", "2600::1")]),
    Cell("connect-timeout.test", "waits connection-timeout | waits connection-timeout"
         " | waits connection-timeout | refused dane-required | waits connection-timeout",
         records=[MX, ("mx", "A", SILENT)]),
    Cell("connect-timeout-dane.test", "waits connection-timeout", signed=True, records=[
        MX, ("mx", "A", SILENT), ("_25._tcp.mx", "TLSA", WRONG)]),
    # Stored certificates
    Cell("nothing-stored.test", "sealed | sealed | refused authentication-unavailable"
         " | refused dane-required | refused no-stored-certificate", stored=""),
    Cell("stored-expired.test", "sealed | sealed | refused authentication-unavailable"
         " | refused dane-required | refused stored-certificate-expired", stored="expired"),
]

PROVEN_BY_CA = "sealed | sealed | sealed | refused dane-required | sealed"


def without_proof(reason):
    """Nothing published: TLS stands, nothing is required of it, nothing proves the server."""
    return f"sealed | sealed | refused {reason} | refused dane-required | sealed"


DANE_FAILS = ("waits tlsa-invalid | waits tlsa-invalid | refused tlsa-invalid"
              " | refused tlsa-invalid | waits tlsa-invalid")
HALF_FAILS = ("waits tlsa-invalid | waits tlsa-invalid | waits tlsa-invalid"
              " | refused dane-required | waits tlsa-invalid")


def sts_fails(reason):
    return (f"waits {reason} | waits {reason} | refused {reason} | refused dane-required"
            f" | waits {reason}")


SHOWN_IN_TLS = [
    # No TLSA records
    Cell("signed-no-tlsa.test", PROVEN_BY_CA, signed=True),
    Cell("nsec3-no-tlsa.test", PROVEN_BY_CA, signed=True, nsec3=True),
    Cell("unsigned-no-tlsa.test", without_proof("authentication-unavailable")),
    Cell("unsigned-tlsa.test", without_proof("authentication-unavailable"), tlsa=[WRONG]),
    Cell("self-signed.test", without_proof("certificate-not-trusted"), "self-signed", True),
    Cell("expired.test", without_proof("certificate-expired"), "expired", True),
    Cell("wrong-name.test", without_proof("certificate-host-mismatch"), "wrong-name", True),
    Cell("other-authority.test", without_proof("certificate-not-trusted"), "other-authority",
         True),
    Cell("unsigned-host.test", without_proof("authentication-unavailable"), signed=True,
         host="unsigned-host." + UNSIGNED_HOSTS),
    # None usable
    Cell("usage-1.test", PROVEN_BY_CA, signed=True, tlsa=["1 1 1 " + "00" * 32]),
    Cell("selector-9.test", PROVEN_BY_CA, signed=True, tlsa=["3 9 1 " + "00" * 32]),
    Cell("matching-9.test", PROVEN_BY_CA, signed=True, tlsa=["3 1 9 " + "00" * 32]),
    Cell("malformed.test", PROVEN_BY_CA, signed=True, tlsa=[
        "\\# 3 030101", "3 1 1 " + "00" * 31, "3 1 2 " + "00" * 32]),
    Cell("unusable-self-signed.test", without_proof("certificate-not-trusted"), "self-signed",
         True, ["0 0 1 " + "00" * 32]),
    # DANE
    Cell("dane-ee.test", "sealed", "self-signed", True, [EE]),
    Cell("dane-ee-certificate.test", "sealed", "self-signed", True,
         ["3 0 1 {self-signed.certificate}"]),
    Cell("dane-ee-expired.test", "sealed", "expired", True, ["3 1 1 {expired.key}"]),
    Cell("dane-ee-wrong-name.test", "sealed", "wrong-name", True, ["3 1 1 {wrong-name.key}"]),
    Cell("dane-ta.test", "sealed", "other-authority", True, [TA]),
    Cell("dane-ta-key.test", "sealed", "other-authority", True, ["2 1 1 {other-authority-itself.key}"]),
    Cell("dane-rollover.test", "sealed", "self-signed", True, [WRONG, EE, "1 1 1 " + "00" * 32]),
    Cell("dane-large.test", "sealed", "self-signed", True,
         [EE, *[f"3 1 1 {n:064x}" for n in range(60)]]),
    Cell("dane-agility.test", "sealed", "self-signed", True, [EE, "3 0 2 " + "00" * 64]),
    Cell("dane-exim.test", "sealed", "exim", True, ["3 1 1 {exim.key}"]),
    Cell("tlsa-cname.test", "sealed", "self-signed", True, records=[
        MX, ("mx", "A", f"{NET4}{MANY_FACED['self-signed']}"),
        ("_25._tcp.mx", "CNAME", "keys"), ("keys", "TLSA", EE)]),
    Cell("mx-cname.test", "sealed", "self-signed", True, records=[
        MX, ("mx", "CNAME", "real"), ("real", "A", f"{NET4}{MANY_FACED['self-signed']}"),
        ("_25._tcp.real", "TLSA", EE)]),
    Cell("mx-cname-first.test", "sealed", "self-signed", True, records=[
        MX, ("mx", "CNAME", "real"), ("real", "A", f"{NET4}{MANY_FACED['self-signed']}"),
        ("_25._tcp.mx", "TLSA", EE)]),
    # A signed CNAME into an unsigned zone: the host's own name alone counts
    Cell("mx-cname-unsigned.test", "sealed", signed=True, records=[
        MX, ("mx", "CNAME", f"unsigned-host.{UNSIGNED_HOSTS}."),
        ("_25._tcp.mx", "TLSA", "3 1 1 {good.key}")]),
    Cell("mx-cname-unsigned-wrong.test", DANE_FAILS, signed=True, records=[
        MX, ("mx", "CNAME", f"unsigned-host.{UNSIGNED_HOSTS}."), ("_25._tcp.mx", "TLSA", WRONG)]),
    # The same by a DNAME, below which nothing else can be
    Cell("mx-dname-unsigned.test", PROVEN_BY_CA, signed=True,
         host="unsigned-host.away.mx-dname-unsigned.test", records=[
             ("@", "MX", "10 unsigned-host.away"), ("away", "DNAME", f"{UNSIGNED_HOSTS}.")]),
    # The whole domain is an alias, of a signed one and of an unsigned one
    Cell("alias-of-signed.test", "sealed", "self-signed", zone=False),
    Cell("alias-of-unsigned.test", without_proof("authentication-unavailable"), zone=False),
    Cell("no-mx.test", "sealed", "self-signed", True, records=[
        ("@", "A", f"{NET4}{MANY_FACED['self-signed']}"), ("_25._tcp", "TLSA", EE)]),
    Cell("dane-wrong.test", DANE_FAILS, signed=True, tlsa=[WRONG]),
    Cell("dane-wrong-sts.test", DANE_FAILS, signed=True, tlsa=[WRONG], sts="enforce"),
    Cell("dane-over-sts.test", "sealed", "self-signed", True, [EE], sts="enforce-other"),
    Cell("dane-agility-wrong.test", DANE_FAILS, "self-signed", True, [EE, "3 1 2 " + "00" * 64]),
    Cell("dane-ta-wrong-name.test", DANE_FAILS, "wrong-name", True, ["2 1 1 {authority.key}"]),
    Cell("dane-ta-absent.test", DANE_FAILS, "good", True, ["2 0 1 {other-authority-itself.certificate}"]),
    # Half DANE: an unsigned MX names a signed host
    Cell("half.test", without_proof("authentication-unavailable"), host="half." + SIGNED_HOSTS,
         tlsa=["3 1 1 {good.key}"]),
    Cell("half-sts.test", PROVEN_BY_CA, host="half-sts." + SIGNED_HOSTS,
         tlsa=["3 1 1 {good.key}"], sts="enforce"),
    Cell("half-wrong.test", "waits tlsa-invalid | waits tlsa-invalid | refused tlsa-invalid"
         " | refused dane-required | waits tlsa-invalid", host="half-wrong." + SIGNED_HOSTS, tlsa=[WRONG]),
    Cell("half-wrong-sts.test", HALF_FAILS, host="half-wrong-sts." + SIGNED_HOSTS, tlsa=[WRONG],
         sts="enforce"),
    Cell("half-wrong-unknown.test", HALF_FAILS, host="half-wrong-unknown." + SIGNED_HOSTS,
         tlsa=[WRONG], sts="unreachable"),
    # MTA-STS
    Cell("sts.test", PROVEN_BY_CA, sts="enforce"),
    Cell("sts-wildcard.test", PROVEN_BY_CA, sts="wildcard"),
    Cell("sts-self-signed.test", sts_fails("certificate-not-trusted"), "self-signed",
         sts="enforce"),
    Cell("sts-expired.test", sts_fails("certificate-expired"), "expired", sts="enforce"),
    Cell("sts-wrong-name.test", sts_fails("certificate-host-mismatch"), "wrong-name",
         sts="enforce"),
    Cell("sts-not-listed.test", sts_fails("sts-mx-not-listed"), sts="enforce-other"),
    Cell("sts-not-listed-signed.test", "waits sts-mx-not-listed | waits sts-mx-not-listed"
         " | waits sts-mx-not-listed | refused dane-required | waits sts-mx-not-listed",
         signed=True, sts="enforce-other"),  # the CA store proves the host
    Cell("sts-unusable-tlsa.test", PROVEN_BY_CA, sts="enforce", signed=True,
         tlsa=["1 1 1 " + "00" * 32]),
    *[Cell(f"sts-{kind}.test", without_proof("authentication-unavailable"), sts=kind)
      for kind in ("testing", "none", "404", "invalid", "large", "two-records")],
    *[Cell(f"sts-{kind}-signed.test", PROVEN_BY_CA, sts=kind, signed=True)
      for kind in ("testing", "404")],
    *[Cell(f"sts-{kind}.test", "sealed | sealed | waits sts-fetch-failed"
           " | refused dane-required | sealed", sts=kind)
      for kind in ("unreachable", "bad-name", "bad-dates", "bad-authority", "redirect",
                   "txt-servfail")],
    *[Cell(f"sts-{kind}.test", "- | - | waits sts-fetch-failed | - | -", sts=kind)
      for kind in ("slow", "txt-timeout")],
    Cell("sts-unreachable-signed.test", PROVEN_BY_CA, sts="unreachable", signed=True),
    # Stored certificates
    Cell("stored-other.test", "sealed | sealed | refused authentication-unavailable"
         " | refused dane-required | refused stored-certificate-mismatch", stored="other"),
    Cell("stored-dane.test", "sealed | sealed | sealed | sealed"
         " | refused stored-certificate-mismatch", "self-signed", True, [EE], stored="other"),
    Cell("stored-self-signed.test", without_proof("authentication-unavailable"), "self-signed"),
    Cell("stored-expired-server.test", without_proof("authentication-unavailable"), "expired"),
]

# Scripted peer -> (its script, what becomes of mail with no demands where nothing is published,
# what becomes of all other mail). "clear": in plaintext.
CONVERSATIONS = {
    "down": (None, "waits", "waits connection-refused"),
    "cut-early": (peers.cut_early, "waits", "waits connection-lost"),
    "greeting-450": (peers.greeting("450 4.3.2 later"), "waits", "waits greeting-refused"),
    "greeting-554": (peers.greeting("554 5.7.1 no"), "waits", "waits greeting-refused"),
    "ehlo-450": (peers.ehlo_450, "waits", "waits ehlo-refused"),
    "refusing": (peers.ehlo_and_helo_refused, "waits", "waits ehlo-refused"),
    "no-starttls": (peers.plain_server, "clear", "refused starttls-not-supported"),
    "ehlo-refused": (peers.ehlo_refused, "clear", "refused starttls-not-supported"),
    "starttls-5xx": (peers.starttls_5xx, "clear", "refused starttls-not-supported"),
    "starttls-454": (peers.starttls_454, "clear", "waits tls-not-available-now"),
    "starttls-odd": (peers.starttls_odd, "clear", "waits tls-not-available-now"),
    "injected-220": (peers.injected_220, "waits", "refused response-injection"),
    "garbage-after-220": (peers.garbage_after_220, "clear", "refused not-tls"),
    "tls10-only": (peers.tls10_only, "clear", "refused protocol-version"),
    "weak-key": (peers.weak_key, "clear", "refused protocol-version"),
    "alert-40": (peers.alerting(peers.HANDSHAKE_FAILURE), "clear", "refused protocol-version"),
    "alert": (peers.fatal_alert, "clear", "waits tls-not-available-now"),
    "handshake-cut": (peers.handshake_cut, "clear", "waits connection-lost"),
    "sealed-ehlo-refused": (peers.sealed_ehlo_refused, "waits", "waits ehlo-refused"),
}


def conversations():
    """Each peer for a domain that publishes nothing, and for those whose TLS must not be lost."""
    for peer, (_, empty, others) in CONVERSATIONS.items():
        verdict, reason = others.split()
        yield Cell(f"{peer}.test", f"{empty if empty == 'clear' else 'waits ' + reason} | {others}"
                   f" | {others} | refused dane-required | {others}", peer)
        yield Cell(f"{peer}-dane.test", f"waits {reason} | {others} | {others} | {others}"
                   f" | {others}", peer, signed=True, tlsa=[WRONG])
        if empty == "clear":
            for kind in ({"sts": "enforce"},
                         {"signed": True, "tlsa": ["1 1 1 " + "00" * 32]}):
                yield Cell(f"{peer}-{'sts' if 'sts' in kind else 'unusable'}.test",
                           f"waits {reason} | {others} | {others} | refused dane-required"
                           f" | {others}", peer, **kind)


CELLS = {cell.domain: cell
         for cell in [*BEFORE_CONNECTING, *SHOWN_IN_TLS, *conversations()]}

# Domains whose policy changes in the course of a test (test_b_policies_change.py).
CHANGING = {cell.domain: cell for cell in [
    Cell("policy-hidden.test", "-", "turncoat", host="mx.turncoat.test", sts="enforce"),
    Cell("policy-renewed.test", "-", sts="enforce-other"),
    Cell("policy-stuck.test", "-", sts="enforce-other"),
]}
EVERY = {**CELLS, **CHANGING}
