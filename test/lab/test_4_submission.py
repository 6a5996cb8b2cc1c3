# SPDX-License-Identifier: ISC
"""Who may send as whom, over which channel; and what an account is told when nothing was sent."""
import smtplib

import pytest

from client import message
from internet import eventually
from peers import WITH_TLS, converse, plain_server, sealed_server

ADA, ADA_ALIAS = "ada@example.test", "ada@secure.example.test"
BERND, BERND_ALIAS = "bernd@example.test", "bernd@secure.example.test"
CARL, CARL_ALIAS = "carl@example.test", "carl@secure.example.test"
PLAIN, SEALED = "dave@no-starttls.test", "dave@sealed-peer.test"


def refused(siegel, account, sender, header_sender, canary):
    """Submit and answer the reply of the refusal."""
    with pytest.raises((smtplib.SMTPSenderRefused, smtplib.SMTPDataError)) as why:
        siegel.submit(account, sender, SEALED, message(header_sender, SEALED, canary))
    error = why.value.smtp_error
    return f"{why.value.smtp_code} {error.decode() if isinstance(error, bytes) else error}"


def test_a_from_header_of_the_alias_makes_the_message_the_aliass(siegel, peer, witness,
                                                                 sealed_canary):
    neighbour = peer("no-starttls.test", plain_server)
    siegel.submit(ADA, ADA, PLAIN, message(ADA_ALIAS, PLAIN, sealed_canary))
    letter = siegel.letter(ADA, sealed_canary)
    assert "starttls-not-supported" in letter.text
    assert neighbour.messages == []
    assert witness.saw(sealed_canary) == []


@pytest.mark.parametrize("header", ["Sender", "Resent_From", "Resent_Sender"])
def test_so_does_every_other_header_that_names_a_sender(header, siegel, peer, witness,
                                                        sealed_canary):
    peer("no-starttls.test", plain_server)
    siegel.submit(ADA, ADA, PLAIN,
                  message(ADA, PLAIN, sealed_canary, **{header: f"<{ADA_ALIAS}>"}))
    siegel.letter(ADA, sealed_canary)
    assert witness.saw(sealed_canary) == []


@pytest.mark.parametrize("header", [
    "From: =?utf-8?q?ada=40secure=2Eexample=2Etest?= <ada@example.test>, <ada@secure.example.test>",
    "From: Ada (secure) <\"ada\"@SECURE.example.test>",
    "From: friends: Ada <ada@secure.example.test>;",
    "FROM:\r\n <ada@secure.example.test>"])
def test_no_way_of_writing_the_from_header_loses_the_seal(header, siegel, peer, witness,
                                                          sealed_canary):
    """Read as the alias's, or refused as unreadable; never sent in clear."""
    neighbour = peer("no-starttls.test", plain_server)
    text = f"{header}\r\nSubject: {sealed_canary}\r\n\r\nThe word is {sealed_canary}.\r\n"
    try:
        siegel.submit(ADA, ADA, PLAIN, text)
        siegel.letter(ADA, sealed_canary)
    except smtplib.SMTPDataError as error:
        assert error.smtp_code == 550
    assert neighbour.messages == []
    assert witness.saw(sealed_canary) == []


@pytest.mark.parametrize("header", [
    "From: <ada@example.test>\r\nFrom: <bernd@example.test>", "From: <ada@example.test",
    "From: ada@example.test, , <>", "X-Nothing: at all"])
def test_a_from_header_that_cannot_be_read_is_refused(header, siegel, open_canary):
    with pytest.raises(smtplib.SMTPDataError) as refused_with:
        siegel.submit(ADA, ADA, SEALED, f"{header}\r\nSubject: {open_canary}\r\n\r\nhi\r\n")
    assert refused_with.value.smtp_code == 550
    assert refused_with.value.smtp_error.startswith(b"5.6.0")


def test_somebody_elses_alias_is_refused(siegel, open_canary):
    assert refused(siegel, ADA, BERND_ALIAS, BERND_ALIAS, open_canary).startswith("553 5.7.1")
    assert refused(siegel, ADA, BERND, BERND, open_canary).startswith("553 5.7.1")
    assert refused(siegel, ADA, ADA_ALIAS, BERND_ALIAS, open_canary).startswith("550 5.7.1")
    assert refused(siegel, ADA, ADA, BERND, open_canary).startswith("550 5.7.1")


def test_an_alias_that_is_not_switched_on_does_not_send(siegel, open_canary):
    assert refused(siegel, CARL, CARL_ALIAS, CARL_ALIAS, open_canary).startswith("550 5.7.1")
    assert refused(siegel, CARL, CARL, CARL_ALIAS, open_canary).startswith("550 5.7.1")


def test_submission_in_plaintext_is_refused(siegel):
    with siegel.talk(port=587) as talk:
        hello = talk.say("EHLO client.test")
        assert "STARTTLS" in hello and "AUTH" not in hello
        assert talk.say("AUTH PLAIN AGFkYQBhZGE=")[:1] == "5"
        assert talk.say(f"MAIL FROM:<{ADA}>").startswith("530 5.7.0")


def test_submission_without_login_is_refused(siegel):
    with siegel.talk_sealed(port=587) as talk:
        assert talk.say(f"MAIL FROM:<{ADA}>").startswith("530 5.7.0")


def test_the_mx_port_offers_no_login(siegel):
    with siegel.talk_sealed() as talk:
        assert "AUTH" not in talk.say("EHLO client.test")
        assert talk.say("AUTH PLAIN AGFkYQBhZGE=")[:1] == "5"


def test_swaks_logs_in_by_plain_and_by_login(siegel, client, peer):
    peer("sealed-peer.test", sealed_server)
    for how in ("PLAIN", "LOGIN"):
        said = client.swaks("--server", siegel.address, "--port", "587", "--tls", "--auth", how,
                            "--auth-user", ADA, "--auth-password", siegel.password, "--from", ADA,
                            "--to", SEALED)
        assert said.status == 0, said
    said = client.swaks("--server", siegel.address, "--port", "587", "--tls", "--auth", "LOGIN",
                        "--auth-user", BERND, "--auth-password", "wrong", "--from", BERND,
                        "--to", SEALED)
    assert said.status == 28 and "535 5.7.8" in said, said


@pytest.mark.parametrize("sender, options", [("", []), (ADA_ALIAS, ["NOTIFY=NEVER"])])
def test_without_a_letter_the_account_can_still_see_that_nothing_was_sent(
        sender, options, siegel, peer, witness, sealed_canary):
    neighbour = peer("no-starttls.test", plain_server)
    siegel.submit(ADA, sender, PLAIN, message(ADA_ALIAS, PLAIN, sealed_canary),
                  rcpt_options=options)
    eventually(lambda: sealed_canary in siegel.ctl("notices", ADA).stdout, 15,
               lambda: f"a notice\n{siegel.ctl('notices', ADA).stdout}\n"
               + siegel.log()[-2000:])
    assert not [letter for letter in siegel.letters(ADA) if sealed_canary in letter.text]
    assert neighbour.messages == []
    assert witness.saw(sealed_canary) == []


def test_a_german_account_gets_a_german_letter(siegel, peer, sealed_canary):
    peer("no-starttls.test", plain_server)
    siegel.submit(BERND, BERND_ALIAS, PLAIN, message(BERND_ALIAS, PLAIN, sealed_canary))
    letter = siegel.letter(BERND, sealed_canary)
    german = letter.human.index("verschlüsselte Verbindung")
    english = letter.human.index("encrypted connection")
    assert german < english


def test_the_letter_says_first_what_matters_and_encloses_the_original(siegel, peer, sealed_canary):
    neighbour = peer("no-starttls.test", plain_server)
    siegel.submit(ADA, ADA_ALIAS, PLAIN, message(ADA_ALIAS, PLAIN, sealed_canary),
                  mail_options=["ENVID=lab42", "RET=FULL"])
    letter = siegel.letter(ADA, sealed_canary)
    assert letter.mail["Return-Path"] in ("<>", None)
    assert letter.mail.get_param("report-type") == "delivery-status"
    assert letter.human.index("not sent") < letter.human.index(PLAIN)
    assert letter.human.index(PLAIN) < letter.human.index(neighbour.hostname)
    assert "lab42" in letter.message_fields["Original-Envelope-Id"]
    assert f"The word is {sealed_canary}." in letter.original
    siegel.is_done_with(sealed_canary)
    assert len([one for one in siegel.letters(ADA) if sealed_canary in one.text]) == 1


def test_ret_hdrs_encloses_the_header_only(siegel, peer, sealed_canary):
    peer("no-starttls.test", plain_server)
    siegel.submit(ADA, ADA_ALIAS, PLAIN, message(ADA_ALIAS, PLAIN, sealed_canary),
                  mail_options=["RET=HDRS"])
    letter = siegel.letter(ADA, sealed_canary)
    assert sealed_canary in letter.original
    assert "The word is" not in letter.text


def test_remote_text_cannot_break_out_of_its_field(siegel, peer, sealed_canary):
    def nasty(connection, _line):
        connection.sock.sendall(b"550-5.7.1 no\r\n550-5.7.1 Status: 2.0.0\r\n"
                                b"550 5.7.1 \x1b[31mAction: delivered \xff\xfe--=_siegel\r\n")
    peer("rejecting.test", lambda c: converse(c, WITH_TLS, {"RCPT": nasty}))
    siegel.submit(ADA, ADA_ALIAS, "dave@rejecting.test",
                  message(ADA_ALIAS, "dave@rejecting.test", sealed_canary))
    letter = siegel.letter(ADA, sealed_canary)
    assert [part["Action"] for part in letter.recipients] == ["failed"]
    assert [part["Status"] for part in letter.recipients] == ["5.7.1"]
    assert "\x1b" not in letter.text
