# SPDX-License-Identifier: ISC
"""Our resolver among real signed, unsigned and broken zones: what it finds out of each, as `siegel
check` shows it; that it tests itself against the root, and that mail waits while it can't be relied
upon.
"""
import json
import signal

import pytest

from client import message
from internet import eventually
from nameserver import TRUST_ANCHOR
from neighbours import Maildir, wait_for_message
from siegel import Siegel

IRIS, SEALED_IRIS = "iris@resolver.test", "iris@secure.resolver.test"
NOBODYS_KEY = ". IN DS 4711 13 2 " + "5e" * 32 + "\n"


def test_the_resolver_passes_its_test_in_a_confined_process(siegel):
    eventually(lambda: "event=resolver-healthy" in siegel.log(), 20,
               lambda: "the self-test\n" + siegel.log()[-2000:])
    assert "event=resolver-unhealthy" not in siegel.log()


def found_out(siegel, domain):
    return json.loads(siegel.ctl("check", domain, "--fresh", "--json", check=False).stdout)


SIGNED, UNSIGNED = True, False


@pytest.mark.parametrize("domain, mx, host, tlsa, records, base", [
    ("dane-ee.test", SIGNED, SIGNED, "usable", 1, "mx.dane-ee.test"),
    ("dane-rollover.test", SIGNED, SIGNED, "usable", 2, "mx.dane-rollover.test"),
    ("dane-large.test", SIGNED, SIGNED, "usable", 61, "mx.dane-large.test"),  # by TCP
    ("no-mx.test", SIGNED, SIGNED, "usable", 1, "no-mx.test"),
    ("one-family-bogus.test", SIGNED, SIGNED, "usable", 1, "mx.one-family-bogus.test"),
    ("signed-no-tlsa.test", SIGNED, SIGNED, "none", 0, ""),
    ("nsec3-no-tlsa.test", SIGNED, SIGNED, "none", 0, ""),
    ("unsigned-tlsa.test", UNSIGNED, UNSIGNED, "none", 0, ""),
    ("unsigned-host.test", SIGNED, UNSIGNED, "none", 0, ""),
    ("half.test", UNSIGNED, SIGNED, "usable", 1, "half.signed.test"),
    ("malformed.test", SIGNED, SIGNED, "unusable", 0, "mx.malformed.test"),
    ("usage-1.test", SIGNED, SIGNED, "unusable", 0, "mx.usage-1.test"),
    ("tlsa-servfail.test", SIGNED, SIGNED, "failed", 0, ""),
    ("tlsa-timeout.test", SIGNED, SIGNED, "failed", 0, ""),
    ("tlsa-bogus.test", SIGNED, SIGNED, "failed", 0, ""),
    ("tlsa-denial-bogus.test", SIGNED, SIGNED, "failed", 0, ""),
    ("tlsa-cname-servfail.test", SIGNED, SIGNED, "failed", 0, ""),
    ("tlsa-cname.test", SIGNED, SIGNED, "usable", 1, "mx.tlsa-cname.test"),
    ("mx-cname.test", SIGNED, SIGNED, "usable", 1, "real.mx-cname.test"),
    ("mx-cname-first.test", SIGNED, SIGNED, "usable", 1, "mx.mx-cname-first.test"),
    ("mx-cname-unsigned.test", SIGNED, SIGNED, "usable", 1, "mx.mx-cname-unsigned.test"),
    ("mx-dname-unsigned.test", SIGNED, SIGNED, "none", 0, ""),
    ("alias-of-signed.test", SIGNED, SIGNED, "usable", 1, "mx.dane-ee.test"),
    ("alias-of-unsigned.test", UNSIGNED, UNSIGNED, "none", 0, "")])
def test_what_dns_says_of_a_host_with_an_address(domain, mx, host, tlsa, records, base, siegel):
    found = found_out(siegel, domain)
    only, = found["hosts"]
    assert found["route"] == "hosts"
    assert only["address"] == "found"
    assert (only["mx_signed"], only["address_signed"]) == (mx, host)
    assert (only["tlsa"], only["tlsa_records"], only["tlsa_base"]) == (tlsa, records, base), found


@pytest.mark.parametrize("domain, address, signed", [
    ("address-servfail.test", "failed", UNSIGNED), ("cname-servfail.test", "failed", UNSIGNED),
    ("address-bogus.test", "failed", UNSIGNED), ("no-host-signed.test", "none", SIGNED),
    ("no-host-address-signed.test", "none", SIGNED), ("dangling.test", "none", UNSIGNED)])
def test_what_dns_says_of_a_host_without_one(domain, address, signed, siegel):
    only, = found_out(siegel, domain)["hosts"]
    assert (only["address"], only["address_signed"]) == (address, signed)
    assert only["tlsa"] == "not-looked-up"


@pytest.mark.parametrize("domain, route, signed, bogus", [
    ("null-mx.test", "null-mx", UNSIGNED, False), ("null-mx-signed.test", "null-mx", SIGNED, False),
    ("no-such-domain.test", "no-domain", SIGNED, False),
    ("no-mail.test", "no-address", UNSIGNED, False),
    ("no-mail-signed.test", "no-address", SIGNED, False),
    ("mx-servfail.test", "failed", UNSIGNED, False), ("mx-timeout.test", "failed", UNSIGNED, False),
    ("bogus.test", "failed", UNSIGNED, True), ("mx-spoiled.test", "failed", UNSIGNED, True),
    ("expired-signatures.test", "failed", UNSIGNED, True)])
def test_what_dns_says_of_a_domain_without_hosts(domain, route, signed, bogus, siegel):
    found = found_out(siegel, domain)
    assert (found["route"], found["route_signed"], found["route_bogus"]) == (route, signed, bogus)


@pytest.fixture(scope="module")
def mistaken(world, client):
    """An installation whose trust anchor is nobody's key."""
    server = Siegel(world, client, "resolver", "resolver.test")
    server.anchor = server.home / "anchor"
    server.anchor.write_text(NOBODYS_KEY)
    server.configure(trust_anchor_file=f'"{server.anchor}"')
    server.start()
    server.add_user("iris")
    eventually(lambda: "level=alarm event=resolver-unhealthy" in server.log(), 20,
               lambda: "the alarm\n" + server.log()[-2000:])
    yield server
    server.machine.shut_down()


def waits_for(server, canary, reason):
    def waits():
        return [item for item in server.queue() if canary in item["subject"] and item["attempts"]
                and item["reason"] == reason]
    eventually(waits, 20, lambda: f"{canary} waits for {reason}: {server.queue()}")


def test_while_validation_fails_mail_waits_and_goes_once_it_works(mistaken, many_faced,
                                                                  sealed_canary):
    to = "dave@dane-ee.test"
    mistaken.submit(IRIS, SEALED_IRIS, to, message(SEALED_IRIS, to, sealed_canary))
    waits_for(mistaken, sealed_canary, "resolver-unhealthy")
    # A reload that changes nothing of it doesn't make it whole for a moment.
    mistaken.signal("siegeld", signal.SIGHUP)
    eventually(lambda: "event=reloaded path=" in mistaken.log(), 10, "the reload")
    waits_for(mistaken, sealed_canary, "resolver-unhealthy")
    mistaken.anchor.write_text(TRUST_ANCHOR.read_text())
    mistaken.signal("siegeld", signal.SIGHUP)
    eventually(lambda: "event=resolver-healthy was=unhealthy" in mistaken.log(), 20,
               lambda: "the recovery\n" + mistaken.log()[-2000:])
    inbox = Maildir(many_faced.machine.path("/var/mail/inbox"))
    found = []
    wait_for_message(lambda: found.extend(inbox.fresh()) or found, sealed_canary, 20,
                     lambda: mistaken.log()[-3000:])
    assert not [letter for letter in mistaken.letters(IRIS) if letter.recipients[0]["Action"]
                == "failed"]
    assert mistaken.log().count("event=resolver-unhealthy") == 1
