# SPDX-License-Identifier: ISC
"""The receiving side: what an alias takes, what it turns away, and what no trick gets past."""
import ssl

import pytest

from client import message
from internet import eventually
from siegel import HELP

ADA, ADA_ALIAS = "ada@example.test", "ada@secure.example.test"
STRANGER = "stranger@client.test"


def test_in_plaintext_the_alias_is_refused_and_the_others_go_on(siegel, open_canary):
    with siegel.talk() as talk:
        assert talk.say("EHLO client.test").startswith("250")
        assert talk.say(f"MAIL FROM:<{STRANGER}>").startswith("250")
        refused = talk.say(f"RCPT TO:<{ADA_ALIAS}>")
        assert refused.startswith("550 5.7.10 ") or refused.startswith("550-5.7.10 ")
        assert HELP in refused
        assert talk.say(f"RCPT TO:<{ADA}>").startswith("250")
        assert talk.say("DATA").startswith("354")
        assert talk.say(message(STRANGER, ADA, open_canary) + ".").startswith("250")
    siegel.receives(ADA, open_canary)


def test_in_plaintext_the_answer_does_not_tell_whether_the_alias_exists(siegel):
    with siegel.talk() as talk:
        talk.say("EHLO client.test")
        talk.say(f"MAIL FROM:<{STRANGER}>")
        active = talk.say("RCPT TO:<ada@secure.example.test>")
        switched_off = talk.say("RCPT TO:<carl@secure.example.test>")
        unknown = talk.say("RCPT TO:<nobody@secure.example.test>")
    assert active.replace("ada@", "") == switched_off.replace("carl@", "") \
        == unknown.replace("nobody@", "")


@pytest.mark.parametrize("spelling", [
    "ada@secure.example.test", "ADA@secure.example.test", "ada@SECURE.Example.TEST",
    '"ada"@secure.example.test', '"a\\da"@secure.example.test', "ada+shop@secure.example.test",
    '"ada+shop"@secure.example.test', "@relay.test:ada@secure.example.test"])
def test_in_plaintext_no_spelling_of_the_alias_gets_in(spelling, siegel):
    with siegel.talk() as talk:
        talk.say("EHLO client.test")
        talk.say(f"MAIL FROM:<{STRANGER}>")
        reply = talk.say(f"RCPT TO:<{spelling}>")
        assert reply[:3] == "550" and "5.7.10" in reply, reply


@pytest.mark.parametrize("spelling", [
    "ADA@secure.example.test", "ada@SECURE.Example.TEST", '"ada"@secure.example.test',
    "ada+shop@secure.example.test"])
def test_inside_tls_every_spelling_of_the_alias_is_the_alias(spelling, siegel, sealed_canary):
    with siegel.talk_sealed() as talk:
        talk.say(f"MAIL FROM:<{STRANGER}>")
        assert talk.say(f"RCPT TO:<{spelling}>").startswith("250")
        assert talk.say("DATA").startswith("354")
        assert talk.say(message(STRANGER, ADA_ALIAS, sealed_canary) + ".").startswith("250")
    siegel.receives(ADA, sealed_canary)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_open_the_alias(version, siegel, client):
    context = client.context(siegel.hostname)
    context.minimum_version = context.maximum_version = version
    with siegel.talk_sealed(context=context) as talk:
        talk.say(f"MAIL FROM:<{STRANGER}>")
        assert talk.say(f"RCPT TO:<{ADA_ALIAS}>").startswith("250")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_tls_is_not_spoken(version, siegel, client):
    context = client.context(siegel.hostname)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with siegel.talk() as talk:
        talk.say("EHLO client.test")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            talk.seal(context)


def test_inside_tls_an_unknown_or_switched_off_alias_is_unknown(siegel):
    with siegel.talk_sealed() as talk:
        talk.say(f"MAIL FROM:<{STRANGER}>")
        assert talk.say("RCPT TO:<carl@secure.example.test>").startswith("550 5.1.1")
        assert talk.say("RCPT TO:<nobody@secure.example.test>").startswith("550 5.1.1")
        assert talk.say("RCPT TO:<nobody@example.test>").startswith("550 5.1.1")


def test_a_real_postfix_without_tls_bounces_to_its_sender(siegel, postfix_plain, witness,
                                                          sealed_canary):
    me = "dave@postfix-plain.test"
    postfix_plain.send(me, ADA_ALIAS, f"From: <{me}>\nTo: <{ADA_ALIAS}>\n"
                       f"Subject: {sealed_canary}\n\nThe word is {sealed_canary}.\n")

    def bounced():
        return [mail for mail in postfix_plain.inbox()
                if mail.get_content_type() == "multipart/report"
                and sealed_canary in mail.as_string()]
    bounce = eventually(bounced, 30, lambda: f"the bounce\n{postfix_plain.machine.log_text()}")[0]
    assert "5.7.10" in bounce.as_string()
    assert HELP in bounce.as_string()
    assert witness.saw(sealed_canary) == []
    assert not [mail for mail in siegel.inbox(ADA) if sealed_canary in mail.as_string()]


def test_a_secure_listener_wants_tls_before_any_address(siegel):
    with siegel.talk(port=2525) as talk:
        talk.say("EHLO client.test")
        assert talk.say(f"MAIL FROM:<{STRANGER}>").startswith("530 5.7.0")
        assert talk.say("RCPT TO:<postmaster@example.test>")[:1] == "5"
    with siegel.talk_sealed(port=2525) as talk:
        assert talk.say(f"MAIL FROM:<{STRANGER}>").startswith("250")
        assert talk.say(f"RCPT TO:<{ADA_ALIAS}>").startswith("250")


def test_postmaster_can_be_reached_in_plaintext(siegel):
    with siegel.talk() as talk:
        talk.say("EHLO client.test")
        talk.say(f"MAIL FROM:<{STRANGER}>")
        assert not talk.say("RCPT TO:<postmaster@example.test>").startswith("550 5.7.10")


def test_commands_injected_behind_starttls_never_run(siegel, client):
    """The commands ride in the same segment as STARTTLS; run after TLS they would be the
    attacker's words in the victim's sealed session.
    """
    with siegel.talk() as talk:
        talk.say("EHLO client.test")
        talk.send(b"STARTTLS\r\nMAIL FROM:<mallory@client.test>\r\nRCPT TO:<ada@example.test>\r\n")
        reply = talk.hear()
        if reply.startswith("220"):
            with pytest.raises((ssl.SSLError, ConnectionError, OSError)):
                talk.handshake(client.context(siegel.hostname))
        else:
            assert reply[:1] in ("5", "4", ""), reply
            assert talk.closed()
    with siegel.talk_sealed() as talk:
        assert talk.say("RCPT TO:<ada@example.test>").startswith("503")


def test_tls_forgets_what_was_said_before(siegel, client):
    with siegel.talk() as talk:
        talk.say("EHLO client.test")
        talk.say(f"MAIL FROM:<{STRANGER}>")
        talk.seal(client.context(siegel.hostname))
        assert talk.say(f"RCPT TO:<{ADA}>").startswith("503")
        assert talk.say("MAIL FROM:<>")[:1] == "5", "EHLO has to be said again"
        talk.say("EHLO client.test")
        assert talk.say("STARTTLS").startswith("503")


SMUGGLING = {
    "LF . LF": b"\n.\n", "LF . CRLF": b"\n.\r\n", "CRLF . LF": b"\r\n.\n", "CR . CR": b"\r.\r",
    "CR . CRLF": b"\r.\r\n", "CRLF . CR": b"\r\n.\r", "CR . LF": b"\r.\n", "LF . CR": b"\n.\r",
    "CRLF NUL . CRLF": b"\r\n\0.\r\n", "CRLF . NUL CRLF": b"\r\n.\0\r\n", "CR CR LF . CR CR LF":
    b"\r\r\n.\r\r\n", "CRLF . CR CRLF": b"\r\n.\r\r\n",
}


@pytest.mark.parametrize("ending", SMUGGLING)
def test_no_false_end_of_data_smuggles_a_second_message(ending, siegel, open_canary):
    smuggled = "smuggled" + open_canary
    with siegel.talk() as talk:
        talk.say("EHLO client.test")
        talk.say(f"MAIL FROM:<{STRANGER}>")
        talk.say(f"RCPT TO:<{ADA}>")
        assert talk.say("DATA").startswith("354")
        talk.send(message(STRANGER, ADA, open_canary).encode() + SMUGGLING[ending]
                  + b"MAIL FROM:<mallory@client.test>\r\nRCPT TO:<ada@example.test>\r\nDATA\r\n"
                  + message("mallory@client.test", ADA, smuggled).encode() + b"\r\n.\r\nQUIT\r\n")
        said = []
        while reply := talk.hear():
            said.append(reply)
    if b"\0" not in SMUGGLING[ending]:
        assert [reply[:9] for reply in said] == ["521 5.5.2"], said
    assert len([reply for reply in said if reply.startswith(("250", "354"))]) <= 1, said
    # A message that came later has arrived: so would the smuggled one have.
    after = open_canary + "after"
    with siegel.client.smtp(siegel.address, 25, siegel.hostname) as smtp:
        smtp.sendmail(STRANGER, [ADA], message(STRANGER, ADA, after))
    siegel.receives(ADA, after)
    siegel.is_done_with(open_canary)
    subjects = [str(mail["Subject"]) for mail in siegel.inbox(ADA)]
    assert smuggled not in subjects


@pytest.mark.parametrize("bytes_sent", [b"EHLO client.test\n", b"EHLO client.test\rNOOP\r\n"])
def test_a_bare_cr_or_lf_in_a_command_ends_the_session(bytes_sent, siegel):
    with siegel.talk() as talk:
        talk.send(bytes_sent + b"NOOP\r\n")
        assert talk.hear().startswith("521 5.5.2")
        assert talk.closed()


def test_nobody_outside_sends_as_our_alias(siegel, open_canary):
    with siegel.talk_sealed() as talk:
        assert talk.say(f"MAIL FROM:<{ADA_ALIAS}>").startswith("550 5.7.1")
        talk.say("RSET")
        assert talk.say(f"MAIL FROM:<{STRANGER}>").startswith("250")
        assert talk.say(f"RCPT TO:<{ADA}>").startswith("250")
        assert talk.say("DATA").startswith("354")
        assert talk.say(message(ADA_ALIAS, ADA, open_canary) + ".").startswith("550 5.7.1")


def test_we_are_no_open_relay(siegel):
    with siegel.talk_sealed() as talk:
        talk.say(f"MAIL FROM:<{STRANGER}>")
        assert talk.say("RCPT TO:<dave@postfix-tls.test>").startswith("550 5.7.1")


def test_a_forged_trace_header_is_removed_and_received_lines_stay(siegel, open_canary):
    with siegel.client.smtp(siegel.address, 25, siegel.hostname) as smtp:
        smtp.sendmail(STRANGER, [ADA], message(
            STRANGER, ADA, open_canary, Siegel_Transport="sealed, trust me",
            Received="from somewhere.test by elsewhere.test; Mon, 1 Jan 2024 00:00:00 +0000"))
    mail = siegel.receives(ADA, open_canary)
    assert mail["Siegel-Transport"] is None or "trust me" not in mail["Siegel-Transport"]
    assert len(mail.get_all("Received")) == 2


def test_a_message_that_is_too_big_is_refused_at_mail_already(siegel):
    with siegel.talk_sealed() as talk:
        assert talk.say(f"MAIL FROM:<{STRANGER}> SIZE=99999999999").startswith("552")


def test_the_owner_sees_who_was_turned_away(siegel):
    with siegel.talk() as talk:
        talk.say("EHLO turned-away.test")
        talk.say("MAIL FROM:<>")
        talk.say(f"RCPT TO:<{ADA_ALIAS}>")
        talk.say("RSET")
        talk.say("MAIL FROM:<eve@turned-away.test>")
        talk.say(f"RCPT TO:<{ADA_ALIAS}>")
    eventually(lambda: "eve@turned-away.test" in siegel.ctl("notices", ADA).stdout, 10,
               lambda: siegel.ctl("notices", ADA).stdout)
