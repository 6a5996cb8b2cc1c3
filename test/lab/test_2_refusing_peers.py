# SPDX-License-Identifier: ISC
"""Peers that offer no TLS, break it, or have it taken from them. Mail from the alias comes back or
waits, and never crosses in clear; mail from a normal address goes the way policy.md allows it.

All messages are handed over at once; each test then looks at what became of one of them.
"""
import time
import uuid

import pytest

import peers as scripts
from client import message

ADA, ADA_ALIAS = "ada@example.test", "ada@secure.example.test"

# domain -> (script, reason, enhanced status). Refused: the letter is there within ten seconds.
REFUSED = {
    "no-starttls.test": (scripts.plain_server, "starttls-not-supported", "5.7.10"),
    "starttls-5xx.test": (scripts.starttls_5xx, "starttls-not-supported", "5.7.10"),
    "garbage-after-220.test": (scripts.garbage_after_220, "not-tls", "5.7.5"),
    "tls10-only.test": (scripts.tls10_only, "protocol-version", "5.7.5"),
    "ehlo-refused.test": (scripts.ehlo_refused, "starttls-not-supported", "5.7.10"),
    "injected-220.test": (scripts.injected_220, "response-injection", "5.7.5"),
    "stripped.test": (None, "starttls-not-supported", "5.7.10"),
    "plain-second-mx.test": (scripts.plain_server, "starttls-not-supported", "5.7.10"),
}
# Unknown: it may pass, so the mail waits; a notice says so, and the deadline ends it.
UNKNOWN = {
    "starttls-454.test": (scripts.starttls_454, "tls-not-available-now"),
    "handshake-cut.test": (scripts.handshake_cut, "connection-lost"),
    "refusing.test": (scripts.ehlo_and_helo_refused, "ehlo-refused"),
    "alert.test": (scripts.fatal_alert, "tls-not-available-now"),
    "black-hole-first.test": (scripts.plain_server, "connection-"),
    "down.test": (None, "connection-refused"),
}
# Where a normal address is delivered in plaintext all the same, and where it waits.
PLAIN_ANYWAY = ["no-starttls.test", "starttls-5xx.test", "garbage-after-220.test",
                "tls10-only.test", "ehlo-refused.test", "starttls-454.test", "handshake-cut.test",
                "alert.test"]
WAITS_ANYWAY = ["injected-220.test", "refusing.test"]
DELIVERED = ["dead-first-mx.test", "two-faced.test"]


class Sent:
    def __init__(self, siegel, sender, domain, sealed):
        self.canary = ("SEALED" if sealed else "OPEN") + uuid.uuid4().hex
        self.to = f"dave@{domain}"
        self.at = time.time()
        siegel.submit(ADA, sender, self.to, message(sender, self.to, self.canary))


@pytest.fixture(scope="module")
def neighbourhood(world, postfix_tls, postfix_plain):
    made = {}
    for domain, (script, *_) in {**REFUSED, **UNKNOWN}.items():
        if domain == "stripped.test":
            script = scripts.stripping_relay(world.peers(), postfix_tls.machine.v4)
        if script is not None:
            made[domain] = scripts.Peer(world, domain, script)
    made["dead-first-mx.test"] = scripts.Peer(world, "dead-first-mx.test", scripts.sealed_server)
    made["two-faced.test"] = scripts.Peer(world, "two-faced.test", scripts.plain_server)
    yield made
    for peer in made.values():
        peer.close()


@pytest.fixture(scope="module")
def from_alias(siegel, neighbourhood):
    return {domain: Sent(siegel, ADA_ALIAS, domain, sealed=True)
            for domain in [*UNKNOWN, *REFUSED, *DELIVERED]}


@pytest.fixture(scope="module")
def from_normal(siegel, neighbourhood, from_alias):
    return {domain: Sent(siegel, ADA, domain, sealed=False)
            for domain in [*PLAIN_ANYWAY, *WAITS_ANYWAY, "stripped.test"]}


@pytest.mark.parametrize("domain", REFUSED)
def test_the_letter_is_there_within_ten_seconds(domain, siegel, from_alias, from_normal,
                                                neighbourhood, witness):
    _, reason, status = REFUSED[domain]
    sent = from_alias[domain]
    letter = siegel.letter(ADA, sent.canary, within=15)
    assert letter.mail.arrived - sent.at < 10
    assert letter.field("Status") == status
    assert sent.to in letter.field("Final-Recipient")
    assert reason in letter.text
    assert sent.to in letter.human
    for connection in neighbourhood[domain].connections:
        if sent.canary in connection.said():
            raise AssertionError(f"the peer heard it:\n{connection.said()}")
    assert witness.saw(sent.canary) == []


def test_the_letter_names_every_host_that_was_asked(siegel, from_alias):
    letter = siegel.letter(ADA, from_alias["plain-second-mx.test"].canary)
    assert "mx.plain-second-mx.test" in letter.human
    assert "second.plain-second-mx.test" in letter.human


@pytest.mark.parametrize("domain", DELIVERED)
def test_another_mx_that_offers_tls_gets_the_mail_sealed(domain, neighbourhood, postfix_tls,
                                                         from_alias, witness):
    sent = from_alias[domain]
    if domain == "two-faced.test":
        postfix_tls.receives(sent.canary)
    else:
        connection, _ = neighbourhood[domain].receives(sent.canary)
        assert connection.sealed
    assert witness.saw(sent.canary) == []


@pytest.mark.parametrize("domain", UNKNOWN)
def test_what_may_pass_is_waited_for_and_the_sender_is_told(domain, siegel, from_alias, witness):
    _, reason = UNKNOWN[domain]
    sent = from_alias[domain]
    letter = siegel.letter(ADA, sent.canary, within=60, action="delayed")
    assert letter.field("Status").startswith("4.")
    assert letter.field("Will-Retry-Until")
    assert reason in letter.text
    assert witness.saw(sent.canary) == []


@pytest.mark.parametrize("domain", PLAIN_ANYWAY)
def test_a_normal_address_is_delivered_in_clear(domain, neighbourhood, from_normal, witness):
    sent = from_normal[domain]
    connection, _ = neighbourhood[domain].receives(sent.canary, within=30)
    assert not connection.sealed
    assert witness.saw(sent.canary, links=["peers"]) != []


def test_a_normal_address_falls_for_the_stripping_relay(postfix_tls, from_normal, witness):
    """As every opportunistic sender does; it is why the alias exists."""
    sent = from_normal["stripped.test"]
    postfix_tls.receives(sent.canary)
    assert witness.saw(sent.canary, links=["siegel"]) != []


@pytest.mark.parametrize("domain", WAITS_ANYWAY)
def test_even_a_normal_address_waits_where_somebody_meddles(domain, siegel, from_normal, witness):
    sent = from_normal[domain]
    siegel.letter(ADA, sent.canary, within=30, action="delayed")
    assert witness.saw(sent.canary) == []


@pytest.mark.parametrize("domain", UNKNOWN)
def test_the_deadline_ends_the_waiting(domain, siegel, from_alias, witness):
    """The final word is 5.4.7 and names the last reason; still nothing has crossed in clear."""
    _, reason = UNKNOWN[domain]
    sent = from_alias[domain]

    letter = siegel.letter(ADA, sent.canary, within=100)
    assert letter.field("Status") == "5.4.7"
    assert reason in letter.text
    assert witness.saw(sent.canary) == []


def test_a_tls_that_every_client_fails_with_is_no_reason_to_go_plain(siegel, opensmtpd, witness,
                                                                     sealed_canary):
    """Debian 12's OpenSMTPD answers each ClientHello with an internal error."""
    there = "dave@opensmtpd.test"
    siegel.submit(ADA, ADA_ALIAS, there, message(ADA_ALIAS, there, sealed_canary))
    siegel.letter(ADA, sealed_canary, within=30, action="delayed")
    assert witness.saw(sealed_canary) == []


@pytest.mark.parametrize("domain, status", [
    ("null-mx.test", "5.1.10"), ("no-such-domain.test", "5.1.2"), ("no-mail.test", "5.4.4")])
def test_a_domain_without_mail_is_final_at_once(domain, status, siegel, sealed_canary):
    there = f"dave@{domain}"
    start = time.time()
    siegel.submit(ADA, ADA_ALIAS, there, message(ADA_ALIAS, there, sealed_canary))
    letter = siegel.letter(ADA, sealed_canary, within=15)
    assert letter.field("Status") == status
    assert letter.mail.arrived - start < 10


def test_an_mx_without_an_address_may_still_get_one(siegel, sealed_canary):
    """Nothing proves that the answer is true, so it is waited for."""
    there = "dave@dangling.test"
    siegel.submit(ADA, ADA_ALIAS, there, message(ADA_ALIAS, there, sealed_canary))
    letter = siegel.letter(ADA, sealed_canary, within=30, action="delayed")
    assert "no-address" in letter.text


def test_a_refusal_over_a_sealed_channel_is_the_peers_own_word(siegel, peer, sealed_canary):
    peer("rejecting.test", scripts.rejecting("550 5.2.1 mailbox disabled, sorry"))
    there = "dave@rejecting.test"
    siegel.submit(ADA, ADA_ALIAS, there, message(ADA_ALIAS, there, sealed_canary))
    letter = siegel.letter(ADA, sealed_canary)
    assert letter.field("Status") == "5.2.1"
    assert "mailbox disabled, sorry" in letter.field("Diagnostic-Code")


def test_one_letter_tells_what_failed_and_what_arrived(siegel, peer, sealed_canary):
    def only_good(_connection, line):
        return "250 2.1.5 ok" if "good" in line else "550 5.1.1 unknown here"
    neighbour = peer("half-refusing.test",
                     lambda c: scripts.converse(c, scripts.WITH_TLS, {"RCPT": only_good}))
    there = ["good@half-refusing.test", "bad@half-refusing.test"]
    siegel.submit(ADA, ADA_ALIAS, there, message(ADA_ALIAS, there[0], sealed_canary))
    neighbour.receives(sealed_canary)
    letter = siegel.letter(ADA, sealed_canary)
    failed = [part for part in letter.recipients if part["Action"] == "failed"]
    assert [part["Status"] for part in failed] == ["5.1.1"]
    assert "bad@half-refusing.test" in failed[0]["Final-Recipient"]
    assert "good@half-refusing.test" in letter.human
