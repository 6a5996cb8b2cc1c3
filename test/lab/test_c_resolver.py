# SPDX-License-Identifier: ISC
"""Our resolver: it tests itself against the root, and mail waits while it can't be relied upon."""
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
