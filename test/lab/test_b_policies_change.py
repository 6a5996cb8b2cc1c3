# SPDX-License-Identifier: ISC
"""MTA-STS over time (RFC 8461 3.3, 5.1): a policy that was fetched is in force though somebody
blocks what announces it; a new one is fetched before mail is refused for the old one.
"""
import pytest

import peers as scripts
from cells import CHANGING
from client import message
from internet import HOSTS, NET4, eventually
from siegel import Siegel

SENDER = {"opportunistic": "olga@years.test", "secure": "sina@secure.years.test"}
ACCOUNT = {"opportunistic": "olga@years.test", "secure": "sina@years.test"}


@pytest.fixture(scope="module")
def years(world, client, many_faced, policy_host):
    server = Siegel(world, client, "years", "years.test", retries='{"2s", "10m"}',
                    deadline='"2h"', deadline_opportunistic='"2h"')
    server.start()
    server.add_user("olga", active=False)
    server.add_user("sina")
    server.ctl("alias", "level", "sina@years.test", "secure")
    yield server
    server.machine.shut_down()


def send(server, level, domain, canary):
    to = f"dave@{domain}"
    server.submit(ACCOUNT[level], SENDER[level], to, message(SENDER[level], to, canary))


def waits(server, canary, reason, attempts=1):
    """The message waits, for this reason, after so many attempts."""
    def found():
        return [item for item in server.queue() if canary in item["subject"]
                and item["state"] == "waiting" and item["attempts"] >= attempts
                and item["reason"] == reason]
    eventually(found, 40, lambda: f"{canary} waits: {reason}\n{server.queue()}\n"
               + server.log()[-3000:])


def announce(world, domain, serial, where=HOSTS["policy-host"], records=None):
    """Change what the zone says of its policy: another id, another policy host, or nothing."""
    cell = CHANGING[domain]
    announced = [("mta-sts", "A", f"{NET4}{where}"),
                 ("_mta-sts", "TXT", f'"v=STSv1; id={serial};"')] if records is None else records
    world.nameserver.change(domain, [*cell.zone_records(), *announced])


def test_a_policy_once_fetched_holds_though_its_record_is_blocked(years, world, peer, witness,
                                                                   sealed_canary, open_canary):
    """An attacker who strips STARTTLS and hides the record gets nothing, also after a restart."""
    domain = "policy-hidden.test"
    neighbour = peer("turncoat.test", scripts.sealed_server)
    send(years, "opportunistic", domain, open_canary)
    neighbour.receives(open_canary)
    neighbour.script = scripts.plain_server
    announce(world, domain, 1, records=[])
    years.restart()
    send(years, "opportunistic", domain, sealed_canary)
    waits(years, sealed_canary, "starttls-not-supported")
    assert witness.saw(sealed_canary) == []
    assert neighbour.connections[-1].transcript != []


def test_a_new_policy_is_fetched_before_mail_is_refused_for_the_old_one(
        years, world, many_faced, policy_host, sealed_canary):
    domain = "policy-renewed.test"
    send(years, "opportunistic", domain, "AN" + sealed_canary)
    waits(years, "AN" + sealed_canary, "sts-mx-not-listed")
    policy_host.publish(domain)
    announce(world, domain, 2)
    send(years, "secure", domain, sealed_canary)
    many_faced.receives(sealed_canary)


def test_where_the_new_policy_can_not_be_fetched_nothing_is_refused(years, world, many_faced,
                                                                    policy_host, sealed_canary):
    domain = "policy-stuck.test"
    send(years, "opportunistic", domain, "AN" + sealed_canary)
    waits(years, "AN" + sealed_canary, "sts-mx-not-listed")
    announce(world, domain, 2, where=41)
    send(years, "secure", domain, sealed_canary)
    waits(years, sealed_canary, "sts-fetch-failed")
