# SPDX-License-Identifier: ISC
"""The whole story: switch the alias on, write from it to somebody who can be
reached sealed and to somebody who can't, see beforehand what will happen, see it happen, read the
letter; then demand DANE, and see the marks change. In both languages and at both widths, with
everything that can be looked at looked at.
"""
import pytest

from browser import DESK, PHONE
from client import message
from conftest import DANE, PLAIN, SEALED
from internet import eventually

WIDTHS = {"phone": PHONE, "desk": DESK}
MOST_SHIFT = 0.05


@pytest.fixture
def look(browser):
    """look(name): the page as it stands is fit to be shown, and a picture of it is kept."""
    def at(name):
        browser.shot(name)
        assert browser.axe() == [], name
        assert not browser.overflows(), name
        shift, sources = browser.layout_shift()
        assert shift < MOST_SHIFT, (name, shift, sources)
    return at


@pytest.mark.parametrize("width, language", [
    ("desk", "en"), ("phone", "de"), ("desk", "de"), ("phone", "en")])
def test_from_the_switch_to_the_letter(width, language, account, pages, browser, neighbour,
                                       plain_neighbour, siegel, world, canary, look):
    address, alias = account(language=language, active=False)
    sealed, plain, dane = f"dora@{SEALED}", f"paul@{PLAIN}", f"dan@{DANE}"
    browser.resize(WIDTHS[width])
    since = world.witness.now()

    def shot(name):
        look(f"{name}-{width}-{language}")

    pages.log_in(address)
    browser.until(lambda: browser.script("return document.documentElement.lang") == language,
                  "the pages speak the language of the account")
    pages.open_folder("INBOX")
    shot("inbox-empty")

    pages.settings()
    shot("settings-alias-off")
    pages.switch_alias()
    browser.until(lambda: siegel.asks("alias", "show", address)["active"], "the alias is on")
    browser.says(alias)
    shot("settings-alias")

    pages.settings("writing")
    browser.click("input[value='5']")  # seconds for taking it back
    shot("settings-writing")

    draft = pages.write(sender=alias, to=[sealed, plain], subject=f"{canary} greetings",
                        body=f"The word is {canary}.")
    assert pages.mark(sealed).tone == "good"
    refused = pages.mark(plain)
    assert refused.tone == "bad"
    pages.saved()
    shot("compose")
    pages.choose_sender(address)
    assert pages.mark(plain).tone == "doubtful", "the normal address would send it in clear"
    pages.choose_sender(alias)
    assert pages.mark(plain) == refused
    pages.send(anyway=True)
    browser.find(".outbar")
    shot("undo-bar")

    pages.outcomes(draft)
    failed = pages.comes_to(plain, "bad")
    delivered = pages.comes_to(sealed, "good")
    assert pages.word("delivered-mandatory") in delivered.text
    assert pages.word("nothing-in-clear") in failed.text
    browser.click(".sent-panel li details summary")
    browser.says("TLS 1.3", ".sent-panel")
    browser.says(f"{pages.word('fact-said')}\n250 2.0.0 Ok", ".sent-panel")
    shot("sent")
    assert canary in neighbour.receives(canary)["Subject"]

    pages.open_folder("INBOX")
    pages.open_letter()
    browser.says(pages.word("letter-not-sent"), ".letter")
    browser.says(pages.word("reason-starttls-not-supported"), ".letter")
    shot("letter")

    pages.settings()
    pages.expert_mode()
    shot("settings-expert")
    pages.choose_level("dane-only")
    pages.write(sender=alias, to=[sealed, dane])
    assert pages.mark(sealed).tone == "bad"
    proven = pages.mark(dane)
    assert proven.tone == "good" and "DANE" in proven.text
    shot("compose-dane-only")
    browser.click("form.compose .compose-foot button.plain")  # discard

    assert world.witness.saw(canary, since) == [], "it never crossed the wire in clear"
    assert not [mail for mail in plain_neighbour.inbox() if canary in mail.as_string()]


def test_a_mail_from_the_normal_address_is_seen_by_the_witness(account, pages, browser, api, world,
                                                                plain_neighbour, canary):
    """So the story would have noticed one in clear; and the page says honestly how it went."""
    address, _ = account()
    api(address).patch("/settings", {"preferences": {"undo_seconds": "0"}})
    since = world.witness.now()
    pages.log_in(address)
    draft = pages.write(to=[f"paul@{PLAIN}"], subject=canary, body=canary)
    assert pages.mark(f"paul@{PLAIN}").tone == "doubtful"
    pages.send()
    plain_neighbour.receives(canary)
    assert world.witness.saw(canary, since)
    pages.outcomes(draft)
    browser.says(pages.word("delivered-clear"), ".sent-panel")


def test_mail_arrives_while_one_looks_and_a_reply_comes_from_where_it_came_to(
        account, pages, browser, siegel, neighbour, canary, look):
    address, alias = account()
    pages.log_in(address)
    pages.open_folder("INBOX")
    with siegel.client.smtp(siegel.address, 25, siegel.hostname) as smtp:
        smtp.sendmail(f"dora@{SEALED}", [alias], message(f"dora@{SEALED}", alias, canary))
    pages.row(canary)
    assert "1" in browser.text("#folders .number")
    pages.open_mail(canary)
    browser.says("TLS 1.3", ".came")
    look("reader-desk-en")
    browser.gone("#folders .number")  # it has been read
    browser.click(".mail-card .actions a.button")
    browser.find("form.compose")
    assert pages.sender() == alias
    assert f"dora@{SEALED}" in browser.text("form.compose .chips")
    assert pages.mark(f"dora@{SEALED}").tone == "good"
    look("reply-desk-en")


def test_two_pictures_for_the_readme(pages, browser, siegel, api, neighbour, plain_neighbour):
    """`make pictures` copies them into doc/."""
    address, alias = siegel.add_user("charlotte", language="en")
    charlotte = api(address)
    charlotte.patch("/settings", {"preferences": {"name": "Charlotte Berger", "undo_seconds": "0"}})
    with siegel.client.smtp(siegel.address, 25, siegel.hostname) as smtp:
        for name, who, subject in (("Dora Winter", f"dora@{DANE}", "The contract, second draft"),
                                   ("Jonas Feld", f"jonas@{SEALED}", "Train at 9:42?"),
                                   ("Mira Sand", f"mira@{DANE}", "Photographs from Sunday")):
            text = message(who, alias, subject).replace(f"<{who}>", f"{name} <{who}>", 1)
            smtp.sendmail(who, [alias], text.split("\r\n\r\n")[0] + "\r\n\r\nDear Charlotte,\r\n\r\n"
                          "here it is, with the two changes we spoke of.\r\n\r\nDora\r\n")
    pages.log_in(address)
    pages.write(sender=alias, to=[f"dora@{DANE}", f"paul@{PLAIN}"], subject="The contract",
                body="Dear Dora, dear Paul,\n\nhere is the contract as we agreed on it.\n\nCharlotte")
    pages.mark(f"dora@{DANE}")
    pages.mark(f"paul@{PLAIN}")
    pages.saved()
    browser.shot("readme-writing")
    pages.send(anyway=True)
    pages.open_folder("INBOX")
    pages.open_mail("Not sent: The contract", within=40)
    browser.find(".letter")
    if browser.shown(".outbar button"):
        browser.click(".outbar button")
    browser.shot("readme-letter")
