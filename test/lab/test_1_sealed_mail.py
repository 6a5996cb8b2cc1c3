# SPDX-License-Identifier: ISC
"""The main job when all goes well: sealed out, sealed in; and what a normal address may do."""
import smtplib
import threading

import pytest

from client import message
from peers import WITH_TLS, greylisting, plain_server, sealed_server, slow

ADA, ADA_ALIAS = "ada@example.test", "ada@secure.example.test"
BERND, BERND_ALIAS = "bernd@example.test", "bernd@secure.example.test"


@pytest.mark.parametrize("name", ["postfix_tls", "exim_tls"])
def test_mail_from_the_alias_arrives_sealed(name, request, siegel, witness, sealed_canary):
    neighbour = request.getfixturevalue(name)
    there = f"dave@{neighbour.domain}"
    siegel.submit(ADA, ADA_ALIAS, there, message(ADA_ALIAS, there, sealed_canary))
    mail = neighbour.receives(sealed_canary)
    assert "TLS1" in mail["Received"] or "TLSv1" in mail["Received"]
    assert witness.saw(sealed_canary) == []


@pytest.mark.parametrize("name", ["postfix_tls", "exim_tls", "opensmtpd"])
def test_mail_to_the_alias_arrives_sealed(name, request, siegel, witness, sealed_canary):
    neighbour = request.getfixturevalue(name)
    neighbour.send(f"dave@{neighbour.domain}", ADA_ALIAS,
                   f"From: <dave@{neighbour.domain}>\nTo: <{ADA_ALIAS}>\n"
                   f"Subject: {sealed_canary}\n\nThe word is {sealed_canary}.\n")
    mail = siegel.receives(ADA, sealed_canary)
    assert "with ESMTPS" in mail["Received"] and "tls TLS_" in mail["Received"]
    assert witness.saw(sealed_canary) == []


@pytest.mark.parametrize("options", [
    ("--port", "465", "--tls-on-connect"), ("--port", "587", "--tls")])
def test_a_mail_program_submits_sealed(options, siegel, client, peer, witness, sealed_canary):
    neighbour = peer("sealed-peer.test", sealed_server)
    there = "dave@sealed-peer.test"
    said = client.swaks("--server", siegel.address, *options, "--auth", "PLAIN", "--auth-user",
                        ADA, "--auth-password", siegel.password, "--from", ADA_ALIAS, "--to",
                        there, data=message(ADA_ALIAS, there, sealed_canary))
    assert said.status == 0, said
    connection, text = neighbour.receives(sealed_canary)
    assert connection.sealed and connection.sni == "mx.sealed-peer.test"
    assert connection.heard("MAIL FROM:<ada@secure.example.test>"), connection.said()
    assert witness.saw(sealed_canary) == []


def test_the_outgoing_message_is_complete_and_keeps_its_secrets(siegel, peer, sealed_canary):
    """Date and Message-ID are added, Bcc is removed, Received names version and cipher."""
    neighbour = peer("sealed-peer.test", sealed_server)
    there = "dave@sealed-peer.test"
    siegel.submit(ADA, ADA_ALIAS, there,
                  message(ADA_ALIAS, there, sealed_canary, Bcc="<hidden@elsewhere.test>"))
    _, text = neighbour.receives(sealed_canary)
    header = text.split("\r\n\r\n")[0]
    assert "\r\nDate: " in header and "\r\nMessage-ID: <" in header
    assert "hidden@" not in text
    assert "with ESMTPSA" in header and "tls TLS_" in header


def test_mail_between_our_accounts_crosses_no_network(siegel, witness, sealed_canary):
    siegel.submit(ADA, ADA_ALIAS, BERND_ALIAS, message(ADA_ALIAS, BERND_ALIAS, sealed_canary))
    siegel.receives(BERND, sealed_canary)
    assert witness.saw(sealed_canary) == []


def test_positive_control_the_witness_reads_what_a_normal_address_sends_in_clear(
        siegel, peer, witness, open_canary):
    neighbour = peer("positive-control.test", plain_server)
    there = "dave@positive-control.test"
    siegel.submit(ADA, ADA, there, message(ADA, there, open_canary))
    connection, _ = neighbour.receives(open_canary)
    assert not connection.sealed
    seen_on = {line.split(":")[0] for line in witness.saw(open_canary)}
    assert seen_on == {"siegel", "peers"}


def test_a_normal_address_writes_to_a_real_plain_postfix(siegel, postfix_plain, open_canary):
    there = "dave@postfix-plain.test"
    siegel.submit(ADA, ADA, there, message(ADA, there, open_canary))
    postfix_plain.receives(open_canary)


def test_a_normal_address_uses_tls_where_it_is_offered(siegel, exim_tls, witness, sealed_canary):
    there = "dave@exim-tls.test"
    siegel.submit(ADA, ADA, there, message(ADA, there, sealed_canary))
    exim_tls.receives(sealed_canary)
    assert witness.saw(sealed_canary) == []


def test_mail_for_the_normal_address_may_come_in_clear(siegel, postfix_plain, open_canary):
    postfix_plain.send("dave@postfix-plain.test", ADA,
                       f"From: <dave@postfix-plain.test>\nSubject: {open_canary}\n\nhello\n")
    mail = siegel.receives(ADA, open_canary)
    assert "ESMTP" in mail["Received"].split() and "tls" not in mail["Received"].split()


def test_greylisting_over_tls_is_waited_out(siegel, peer, witness, sealed_canary):
    neighbour = peer("tls-greylisting.test", greylisting(WITH_TLS))
    there = "dave@tls-greylisting.test"
    siegel.submit(ADA, ADA_ALIAS, there, message(ADA_ALIAS, there, sealed_canary))
    connection, _ = neighbour.receives(sealed_canary)
    assert connection.sealed
    assert len(neighbour.messages) == 1
    assert witness.saw(sealed_canary) == []
    assert not [letter for letter in siegel.letters(ADA) if sealed_canary in letter.text]


def test_one_slow_neighbour_holds_up_nobody(siegel, peer, sealed_canary, open_canary):
    gate = threading.Event()
    sleeper = peer("slow.test", slow(gate))
    awake = peer("sealed-peer.test", sealed_server)
    siegel.submit(ADA, ADA_ALIAS, "dave@slow.test",
                  message(ADA_ALIAS, "dave@slow.test", open_canary))
    try:
        siegel.submit(ADA, ADA_ALIAS, "dave@sealed-peer.test",
                      message(ADA_ALIAS, "dave@sealed-peer.test", sealed_canary))
        awake.receives(sealed_canary, within=5)
    finally:
        gate.set()
    sleeper.receives(open_canary)


def test_several_recipients_and_a_large_message(siegel, exim_tls, postfix_tls, sealed_canary):
    text = message(ADA_ALIAS, "dave@exim-tls.test", sealed_canary) + ("x" * 70 + "\r\n") * 30000
    siegel.submit(ADA, ADA_ALIAS, ["dave@exim-tls.test", "dave@postfix-tls.test", BERND], text)
    for mail in (exim_tls.receives(sealed_canary, 30), postfix_tls.receives(sealed_canary, 30),
                 siegel.receives(BERND, sealed_canary, 30)):
        assert mail.as_string().count("x" * 70) == 30000


def test_a_wrong_password_is_refused(siegel):
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        with siegel.client.smtp(siegel.address, 465, siegel.hostname) as smtp:
            smtp.login(BERND, "wrong")
    assert refused.value.smtp_code == 535
