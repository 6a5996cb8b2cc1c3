# SPDX-License-Identifier: ISC
"""What a message, an operator or a neighbour demands besides the sender's address: REQUIRETLS
between two servers of ours and towards others, "TLS-Required: No", demands for a destination, and
mail that a listed neighbour hands over.
"""
import pytest

from client import message
from peers import sealed_server

ADA, ADA_ALIAS = "ada@example.test", "ada@secure.example.test"
EVE, EVE_ALIAS = "eve@partner.test", "eve@secure.partner.test"


def taken_with_requiretls(server, sender, recipient):
    """Did the server take its last message between these two with REQUIRETLS?"""
    lines = [line for line in server.log().splitlines() if "event=accepted" in line
             and f"from={sender} to={recipient}" in line]
    return "requiretls=1" in lines[-1]


def test_requiretls_travels_to_a_server_that_keeps_it(siegel, partner, witness, sealed_canary):
    siegel.submit(ADA, ADA, EVE, message(ADA, EVE, sealed_canary), mail_options=["REQUIRETLS"])
    mail = partner.receives(EVE, sealed_canary)
    assert "with ESMTPS" in mail["Received"]
    assert taken_with_requiretls(siegel, ADA, EVE)
    assert taken_with_requiretls(partner, ADA, EVE)
    assert witness.saw(sealed_canary) == []


def test_a_mail_without_it_travels_without_it(siegel, partner, open_canary):
    siegel.submit(ADA, ADA, EVE, message(ADA, EVE, open_canary))
    partner.receives(EVE, open_canary)
    assert not taken_with_requiretls(partner, ADA, EVE)


# domain -> (reason, code): it is authenticated and does not announce it; it is not who it should be; no TLS.
NOT_KEPT = {
    "dane-ee.test": ("requiretls-unsupported", "5.7.30"),
    "dane-wrong.test": ("tlsa-invalid", "5.7.5"),
    "postfix-plain.test": ("starttls-not-supported", "5.7.10"),
}


@pytest.mark.parametrize("domain", NOT_KEPT)
def test_requiretls_is_never_dropped(domain, siegel, many_faced, postfix_plain, witness,
                                     sealed_canary):
    reason, code = NOT_KEPT[domain]
    there = f"dave@{domain}"
    siegel.submit(ADA, ADA, there, message(ADA, there, sealed_canary), mail_options=["REQUIRETLS"])
    letter = siegel.letter(ADA, sealed_canary, within=15)
    assert letter.field("Status") == code, letter.text
    assert reason in siegel.log()
    assert f"The word is {sealed_canary}" not in letter.text, "headers only (RFC 8689 5)"
    for server in (many_faced, postfix_plain):
        assert not [mail for mail in server.inbox() if sealed_canary in mail.get("Subject", "")]
    assert witness.saw(sealed_canary) == []


def test_requiretls_is_offered_inside_tls_alone(siegel):
    with siegel.talk() as talk:
        assert "REQUIRETLS" not in talk.say("EHLO client.test")
        assert talk.say("MAIL FROM:<x@outside.test> REQUIRETLS").startswith("555 5.5.4")
    with siegel.talk_sealed() as talk:
        assert "REQUIRETLS" in talk.say("EHLO client.test")
        assert talk.say("MAIL FROM:<x@outside.test> REQUIRETLS").startswith("250")


def test_tls_required_no_gives_up_what_is_published_and_no_more(siegel, many_faced, witness,
                                                                open_canary, sealed_canary):
    """DANE fails at dane-wrong.test: it stops mail, but not mail that says so. The alias does not."""
    there = "dave@dane-wrong.test"
    no = {"TLS_Required": "No"}
    for sender, canary, more in ((ADA, "first" + open_canary, {}), (ADA, open_canary, no),
                                 (ADA_ALIAS, sealed_canary, no)):
        siegel.submit(ADA, sender, there, message(sender, there, canary, **more))
    many_faced.receives(open_canary)
    assert witness.saw(open_canary) == [], "TLS is still tried"
    waiting = {item["subject"] for item in siegel.queue() if item["recipient"] == there}
    assert waiting >= {"first" + open_canary, sealed_canary}
    siegel.ctl("queue", "drop", "all")


def test_the_operators_demands_hold_for_every_sender(partner, exim_tls, postfix_tls, open_canary):
    there, elsewhere = "dave@exim-tls.test", "dave@postfix-tls.test"
    partner.submit(EVE, EVE, [there, elsewhere], message(EVE, there, open_canary))
    letter = partner.letter(EVE, open_canary, within=15)
    assert letter.field("Status") == "5.7.4" and there in letter.field("Final-Recipient")
    postfix_tls.receives(open_canary)


def hand_over(client, server, sender, recipient, canary, *options):
    return client.swaks("--server", server.address, "--from", sender, "--to", recipient, *options,
                        data=message(sender, recipient, canary))


def test_a_neighbour_hands_mail_over_under_the_same_rule(partner, client, peer, witness,
                                                         sealed_canary):
    neighbour = peer("sealed-peer.test", sealed_server)
    there = "dave@sealed-peer.test"
    said = hand_over(client, partner, EVE_ALIAS, there, sealed_canary, "--tls")
    assert said.status == 0, said
    connection, _ = neighbour.receives(sealed_canary)
    assert connection.sealed
    assert witness.saw(sealed_canary) == []


def test_its_letters_go_to_the_envelope_sender(partner, client, postfix_plain, sealed_canary):
    there = "dave@postfix-plain.test"
    said = hand_over(client, partner, EVE_ALIAS, there, sealed_canary, "--tls")
    assert said.status == 0, said
    letter = partner.letter(EVE, sealed_canary, within=15)
    assert letter.field("Status") == "5.7.10"


def test_what_a_neighbour_sends_as_an_alias_comes_sealed_or_not_at_all(partner, siegel, client,
                                                                       open_canary):
    there = "dave@sealed-peer.test"
    said = hand_over(client, partner, EVE_ALIAS, there, open_canary)
    assert said.replies("530 5.7.0"), said
    said = hand_over(client, siegel, ADA_ALIAS, "bernd@example.test", open_canary, "--tls")
    assert said.replies("550 5.7.1"), "whoever is no neighbour sends as nobody of ours"
    said = hand_over(client, siegel, "x@outside.test", there, open_canary, "--tls")
    assert said.replies("550 5.7.1"), "and relays nothing"
