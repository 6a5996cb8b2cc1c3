# SPDX-License-Identifier: ISC
"""IPv4 and IPv6: a family we have no route for must not hold up the word about the other."""
import contextlib
import time

from client import message
from internet import sh
from peers import plain_server, sealed_server

ADA, ADA_ALIAS = "ada@example.test", "ada@secure.example.test"
THERE = "dave@dual-stack.test"


@contextlib.contextmanager
def without_ipv6(machine):
    """Take the machine's IPv6 address, and with it its route, away for a while."""
    address = f"{machine.v6}/64"
    sh("ip", "-n", machine.name, "addr", "del", address, "dev", "eth0")
    try:
        yield
    finally:
        sh("ip", "-n", machine.name, "addr", "add", address, "dev", "eth0", "nodad")


def test_without_an_ipv6_route_a_plain_dual_stack_neighbour_still_means_a_letter_in_seconds(
        siegel, peer, witness, sealed_canary):
    peer("dual-stack.test", plain_server)
    with without_ipv6(siegel.machine):
        start = time.time()
        siegel.submit(ADA, ADA_ALIAS, THERE, message(ADA_ALIAS, THERE, sealed_canary))
        letter = siegel.letter(ADA, sealed_canary, within=15)
    assert letter.field("Status") == "5.7.10"
    assert letter.mail.arrived - start < 10
    assert witness.saw(sealed_canary) == []


def test_without_an_ipv6_route_mail_goes_over_ipv4(siegel, peer, sealed_canary):
    neighbour = peer("dual-stack.test", sealed_server)
    with without_ipv6(siegel.machine):
        siegel.submit(ADA, ADA_ALIAS, THERE, message(ADA_ALIAS, THERE, sealed_canary))
        neighbour.receives(sealed_canary)


def test_a_plain_dual_stack_neighbour_is_refused_with_both_families(siegel, peer, witness,
                                                                    sealed_canary):
    peer("dual-stack.test", plain_server)
    siegel.submit(ADA, ADA_ALIAS, THERE, message(ADA_ALIAS, THERE, sealed_canary))
    assert siegel.letter(ADA, sealed_canary).field("Status") == "5.7.10"
    assert witness.saw(sealed_canary) == []


def test_where_ipv4_is_silent_ipv6_delivers(siegel, peer, sealed_canary):
    neighbour = peer("dual-stack.test", sealed_server)
    neighbour.listeners[0].close()
    siegel.submit(ADA, ADA_ALIAS, THERE, message(ADA_ALIAS, THERE, sealed_canary))
    neighbour.receives(sealed_canary)
