# SPDX-License-Identifier: ISC
"""The ways into the account, what was turned away, and the operator's page."""
import base64
import hmac
import smtplib
import struct
import time

import pytest

from client import message
from internet import eventually
from pages import BODY, NO_SESSION


def code_of(secret, step=0):
    """RFC 6238: what an app shows now for a secret in base32, with some seconds left to type it."""
    if time.time() % 30 > 20:
        time.sleep(30 - time.time() % 30)
    secret = secret.replace(" ", "")
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack("!Q", int(time.time()) // 30 + step), "sha1")
    at = digest[-1] & 15
    return f"{(struct.unpack('!I', digest[at:at + 4])[0] & 0x7fffffff) % 1_000_000:06}"


def test_a_second_factor_is_asked_for_and_recovery_codes_help(account, pages, browser, siegel):
    address, _ = account()
    pages.log_in(address)
    pages.settings("security")
    browser.shot("settings-security")
    assert browser.axe() == []
    pages.press("factor-begin")
    browser.find("dialog svg.qr")
    browser.shot("second-factor")
    assert browser.axe() == []
    secret = browser.text("dialog output")
    browser.type("dialog [type=password]", "a guess")
    browser.type("dialog [autocomplete=one-time-code]", "000000")
    browser.expects(r"/api/v1/second-factor\b.* 401")
    browser.click("dialog [type=submit]")
    browser.says(pages.word("password-old-wrong"), "dialog")
    browser.type("dialog [type=password]", siegel.password, clear=True)
    browser.type("dialog [autocomplete=one-time-code]", code_of(secret, -1), clear=True)
    browser.click("dialog [type=submit]")
    recovery = browser.find("dialog pre.codes").text.split("\n")
    assert len(recovery) == 10
    browser.shot("recovery-codes")
    browser.click("dialog footer .main")
    browser.says(pages.word("factor-on"))

    browser.expects(NO_SESSION)
    browser.click("#account button")
    browser.find("#login-user")
    pages.fill_login(address, siegel.password)
    browser.find("#login-code")
    browser.shot("login-code")
    assert browser.axe() == []
    pages.fill_code("000000")
    browser.find("#login-complaint svg")
    pages.fill_code(code_of(secret))
    browser.find("#shell")

    browser.click("#account button")
    browser.find("#login-user")
    pages.fill_login(address, siegel.password)
    browser.find("#login-code")
    pages.fill_code(recovery[0])
    browser.find("#shell")


def test_an_application_password_sends_mail_and_opens_no_page(account, pages, browser, siegel,
                                                              canary, neighbour):
    address, alias = account()
    pages.log_in(address)
    pages.settings("security")
    field = browser.until(lambda: pages.labelled("app-name"), "the field for its name")
    field.send_keys("Thunderbird on the desk")
    pages.press("app-make")
    browser.find("dialog [type=password]")
    browser.shot("application-password-asks")
    assert browser.axe() == []
    browser.type("dialog [type=password]", "a guess")
    browser.expects(r"/api/v1/app-passwords\b.* 401")
    browser.click("dialog [type=submit]")
    browser.says(pages.word("password-old-wrong"), "dialog")
    browser.type("dialog [type=password]", siegel.password, clear=True)
    browser.click("dialog [type=submit]")
    password = browser.find("dialog output.large").text
    browser.shot("application-password")
    assert browser.axe() == []
    browser.click("dialog footer .main")
    browser.says("Thunderbird on the desk")
    to = "dora@unsigned-no-tlsa.test"
    with siegel.client.smtp(siegel.address, 465, siegel.hostname) as smtp:
        smtp.login(address, password)
        smtp.sendmail(alias, [to], message(alias, to, canary))
    neighbour.receives(canary)

    browser.click("#page ul.rows button")
    browser.click("dialog footer .main")
    pages.toast(pages.word("app-removed"))
    with siegel.client.smtp(siegel.address, 465, siegel.hostname) as smtp:
        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login(address, password)
    browser.click("#account button")
    browser.expects(NO_SESSION)
    browser.find("#login-user")
    pages.fill_login(address, password)
    browser.find("#login-complaint svg")


def test_another_session_is_seen_and_ended(account, pages, browser, api):
    address, _ = account()
    elsewhere = api(address)
    pages.log_in(address)
    pages.settings("security")
    browser.says(pages.word("session-current"))
    pages.press("sessions-end-others")
    pages.toast(pages.word("sessions-others-ended"))
    with pytest.raises(Exception, match="no-session"):
        elsewhere.get("/settings")


def test_who_was_turned_away_is_listed_with_a_text_for_the_provider(account, pages, browser, siegel):
    address, alias = account()
    pages.log_in(address)
    pages.go("#/turned-away")
    browser.shot("turned-away-none")
    assert browser.axe() == []
    with siegel.talk() as talk:
        talk.say("EHLO plain.client.test")
        talk.say("MAIL FROM:<clerk@client.test>")
        assert talk.say(f"RCPT TO:<{alias}>").startswith("5")
    browser.says("clerk@client.test", "#page")  # by itself
    browser.shot("turned-away")
    assert browser.axe() == []
    pages.press("turned-tell")
    text = browser.find("dialog textarea").get_attribute("value")
    assert alias in text and siegel.client.machine.v4 in text
    browser.shot("turned-away-text")
    assert browser.axe() == []
    browser.click("dialog footer .main")
    browser.find("form.compose")
    assert pages.sender() == address, "who can't encrypt is not reached from the alias"
    assert "postmaster@client.test" in browser.text("form.compose .chips")
    browser.until(lambda: browser.find(BODY).get_attribute("value").startswith(text), "it is the text")


@pytest.mark.parametrize("part", ["health", "queue", "accounts", "certificates"])
def test_the_operator_sees_how_the_server_is(part, pages, browser, siegel):
    siegel.ctl("user", "admin", "olga@example.test", "on")
    pages.log_in("olga@example.test")
    pages.go(f"#/operator/{part}")
    browser.find("#page h1")
    browser.until(lambda: not browser.all("#page [aria-busy]"), "the page stands")
    browser.shot(f"operator-{part}")
    assert browser.axe() == []
    assert not browser.overflows()


def test_nobody_else_sees_the_operators_page(account, pages, browser, api):
    address, _ = account()
    pages.log_in(address)
    assert not browser.all("#links a[href='#/operator']")
    browser.expects(r"status of 403")
    with pytest.raises(Exception, match="not-allowed"):
        api(address).get("/admin/accounts")
