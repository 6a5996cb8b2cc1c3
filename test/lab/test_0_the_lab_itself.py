# SPDX-License-Identifier: ISC
"""Before it judges anyone: the neighbours talk to each other, and the witness sees what it must."""
import base64

import pytest

import nameserver
import peers as scripts


def letter(sender, recipient, canary):
    return f"From: <{sender}>\nTo: <{recipient}>\nSubject: {canary}\n\nThe word is {canary}.\n"


@pytest.mark.parametrize("one, other", [
    ("postfix_tls", "exim_tls"), ("exim_tls", "postfix_tls"), ("opensmtpd", "exim_tls")])
def test_neighbours_with_tls_talk_sealed(one, other, request, witness, sealed_canary):
    one, other = request.getfixturevalue(one), request.getfixturevalue(other)
    sender, recipient = f"carol@{one.domain}", f"dave@{other.domain}"
    one.send(sender, recipient, letter(sender, recipient, sealed_canary))
    other.receives(sealed_canary)
    assert witness.saw(sealed_canary) == []


@pytest.mark.parametrize("one, other", [
    ("postfix_plain", "exim_tls"), ("exim_tls", "postfix_plain"), ("exim_plain", "postfix_tls"),
    ("postfix_tls", "exim_plain")])
def test_where_one_has_no_tls_the_witness_reads_along(one, other, request, witness, open_canary):
    one, other = request.getfixturevalue(one), request.getfixturevalue(other)
    sender, recipient = f"carol@{one.domain}", f"dave@{other.domain}"
    one.send(sender, recipient, letter(sender, recipient, open_canary))
    other.receives(open_canary)
    seen_on = {line.split(":")[0] for line in witness.saw(open_canary)}
    assert seen_on == {one.machine.name, other.machine.name}


@pytest.mark.parametrize("domain, script", [
    ("no-starttls.test", scripts.plain_server), ("starttls-5xx.test", scripts.starttls_5xx),
    ("starttls-454.test", scripts.starttls_454), ("tls10-only.test", scripts.tls10_only),
    ("garbage-after-220.test", scripts.garbage_after_220),
    ("handshake-cut.test", scripts.handshake_cut), ("ehlo-refused.test", scripts.ehlo_refused),
    ("alert.test", scripts.fatal_alert)])
def test_each_scripted_peer_makes_an_opportunistic_postfix_speak_in_clear(
        domain, script, postfix_tls, peer, witness, open_canary):
    """The positive control for each of them: here is where a sealed canary would be seen."""
    neighbour = peer(domain, script)
    sender, there = f"carol@{postfix_tls.domain}", f"dave@{domain}"
    postfix_tls.send(sender, there, letter(sender, there, open_canary))
    neighbour.receives(open_canary)
    assert witness.saw(open_canary, links=["peers"]) != []


def test_the_relay_in_the_middle_strips_tls_from_what_postfix_sends(
        exim_tls, postfix_tls, peer, witness, open_canary):
    peer("stripped.test", scripts.stripping_relay(postfix_tls.machine, postfix_tls.machine.v4))
    sender, there = f"carol@{exim_tls.domain}", "dave@stripped.test"
    exim_tls.send(sender, there, letter(sender, there, open_canary))
    postfix_tls.receives(open_canary)
    assert witness.saw(open_canary, links=["exim-tls"]) != []


def test_the_sealed_peer_is_sealed(postfix_tls, peer, witness, sealed_canary):
    neighbour = peer("sealed-peer.test", scripts.sealed_server)
    sender, there = f"carol@{postfix_tls.domain}", "dave@sealed-peer.test"
    postfix_tls.send(sender, there, letter(sender, there, sealed_canary))
    connection, _ = neighbour.receives(sealed_canary)
    assert connection.sealed
    assert witness.saw(sealed_canary) == []


@pytest.mark.parametrize("disguise", [
    lambda word: word, lambda word: base64.encodebytes(b"x" + word.encode()).decode(),
    lambda word: base64.encodebytes(b"xy" + word.encode() + b"z").decode(),
    lambda word: word[:9] + "=\n" + word[9:]])
def test_the_witness_sees_through_encodings(disguise, postfix_plain, exim_tls, witness,
                                            open_canary):
    sender, there = f"carol@{postfix_plain.domain}", f"dave@{exim_tls.domain}"
    postfix_plain.send(sender, there, f"Subject: disguised {open_canary[:12]}\n\n"
                       + disguise(open_canary) + "\n")
    exim_tls.receives(f"disguised {open_canary[:12]}")
    assert witness.saw(open_canary) != []


def test_swaks_reports_what_it_saw(client, postfix_plain):
    said = client.swaks("--server", postfix_plain.machine.v4, "--from", "a@client.test", "--to",
                        "b@elsewhere.test")
    assert said.status == 24
    assert said.replies("554")


def validated(machine, name, kind):
    """What unbound-host makes of it with the lab's trust anchor: (word, what it printed)."""
    said = machine.run("unbound-host", "-C", "/etc/lab/unbound.conf", "-v", "-t", kind, name,
                       check=False).stdout
    words = [word for word in ("BOGUS", "insecure", "secure", "error") if f"({word}" in said]
    return (words or ["nothing"])[0].lower(), said


@pytest.fixture(scope="module")
def resolver(world):
    machine = world.nameserver.machine
    machine.write("/etc/lab/root.hints", nameserver.ROOT_HINTS)
    machine.write("/etc/lab/root.key", nameserver.TRUST_ANCHOR.read_text())
    machine.write("/etc/lab/unbound.conf", "server:\n  root-hints: /etc/lab/root.hints\n"
                  "  trust-anchor-file: /etc/lab/root.key\n  local-zone: test. transparent\n"
                  "  chroot: \"\"\n  do-daemonize: no\n")
    return machine


@pytest.mark.parametrize("name, kind, word", [
    (".", "SOA", "secure"), ("test", "SOA", "secure"), ("dane-ee.test", "MX", "secure"),
    ("_25._tcp.mx.dane-ee.test", "TLSA", "secure"), ("mx.nsec3-no-tlsa.test", "A", "secure"),
    ("_25._tcp.mx.nsec3-no-tlsa.test", "TLSA", "secure"), ("no-such-domain.test", "MX", "secure"),
    ("_25._tcp.mx.signed-no-tlsa.test", "TLSA", "secure"), ("null-mx-signed.test", "MX", "secure"),
    ("_25._tcp.mx.dane-large.test", "TLSA", "secure"), ("half.signed.test", "A", "secure"),
    ("_25._tcp.mx.tlsa-cname.test", "TLSA", "secure"), ("half.test", "MX", "insecure"),
    ("example.test", "MX", "insecure"), ("secure.example.test", "MX", "insecure"),
    ("no-starttls.test", "MX", "insecure"), ("unsigned-host.unsigned.test", "A", "insecure"),
    ("bogus.test", "MX", "bogus"), ("expired-signatures.test", "MX", "bogus"),
    ("mx-spoiled.test", "MX", "bogus"), ("mx.mx-spoiled.test", "A", "secure"),
    ("_25._tcp.mx.tlsa-bogus.test", "TLSA", "bogus"),
    ("_25._tcp.mx.tlsa-denial-bogus.test", "TLSA", "bogus"),
    ("mx.one-family-bogus.test", "AAAA", "bogus"), ("mx.one-family-bogus.test", "A", "secure"),
    ("mx.address-bogus.test", "A", "bogus"), ("mx-servfail.test", "MX", "error"),
    ("_25._tcp.mx.tlsa-servfail.test", "TLSA", "error"),
    ("_25._tcp.mx.malformed.test", "TLSA", "secure"), ("mx.mx-cname-unsigned.test", "A", "insecure"),
    ("mx.mx-cname-unsigned.test", "CNAME", "secure"), ("alias-of-signed.test", "MX", "secure"),
    ("alias-of-unsigned.test", "MX", "insecure"), ("unsigned-host.away.mx-dname-unsigned.test", "A",
                                                   "insecure")])
def test_signed_is_secure_and_broken_is_bogus(name, kind, word, resolver):
    found, said = validated(resolver, name, kind)
    assert found == word, said
