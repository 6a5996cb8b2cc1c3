# SPDX-License-Identifier: ISC
"""Everything without a mouse: by Tab and Enter, and by single keys for those who know them."""
from selenium.webdriver.common.keys import Keys

import pytest

from client import message
from conftest import SEALED
from pages import BODY, SUBJECT, TO


@pytest.fixture
def inbox(account, siegel, api):
    """An account with three mails, the newest last. Answers its address and their subjects."""
    address, alias = account()
    api(address).patch("/settings", {"preferences": {"undo_seconds": "5"}})
    subjects = [f"{word} subject" for word in ("first", "second", "third")]
    for subject in subjects:
        siegel.submit(address, address, address, message(address, address, subject))
        siegel.receives(address, subject)
    return address, alias, subjects


def visible_focus(browser):
    """Does one see where the focus is?"""
    return browser.script(
        "const style = getComputedStyle(document.activeElement);"
        "return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2")


def test_a_mail_is_written_and_sent_by_tab_and_enter(inbox, pages, browser, neighbour, canary):
    address, alias, _ = inbox
    pages.log_in(address)
    browser.tab_to("#write")
    assert visible_focus(browser)
    browser.keys(Keys.ENTER)
    browser.find("form.compose")
    browser.tab_to("form.compose [name=from]", back=True)
    browser.keys(Keys.ARROW_DOWN)
    assert pages.sender() == alias
    browser.tab_to(TO)
    browser.keys(f"dora@{SEALED}", Keys.ENTER)
    assert pages.mark(f"dora@{SEALED}").tone == "good"
    browser.tab_to(SUBJECT)
    browser.keys(canary)
    browser.tab_to(BODY)
    browser.keys("By keyboard alone.")
    browser.tab_to("form.compose [type=submit]")
    assert visible_focus(browser)
    browser.keys(Keys.ENTER)
    browser.gone("form.compose")
    neighbour.receives(canary, within=30)


def test_single_keys_walk_select_and_undo(inbox, pages, browser):
    address, _, subjects = inbox
    pages.log_in(address)
    pages.open_folder("INBOX")
    for subject in subjects:
        pages.row(subject)
    first, second, third = subjects

    def current():
        return browser.text(".listing .lines li.current")
    browser.until(lambda: third in current(), "the newest is the current one")
    browser.keys("j")
    browser.until(lambda: second in current(), "j goes on")
    browser.keys("k")
    browser.until(lambda: third in current(), "k goes back")
    browser.keys("j", "o")
    browser.says(f"The word is {second}", ".mail-card.opened")
    browser.keys("u")
    browser.gone(".mail-card.opened")
    browser.keys("x")
    browser.find(".listing .lines li.selected")
    browser.keys("e")
    browser.until(lambda: second not in browser.text(".listing"), "e archives what is selected")
    browser.find("#toasts button")
    browser.keys("z")
    pages.row(second)
    browser.keys("?")
    browser.find("dialog table.keys")
    assert browser.axe() == []
    browser.shot("keys")
    browser.keys(Keys.ESCAPE)
    browser.gone("dialog")
    browser.keys("/")
    browser.until(lambda: "input" in browser.focus(), "/ goes to the search")
    browser.keys(f"subject:{first.split()[0]}", Keys.ENTER)
    browser.until(lambda: first in browser.text(".listing") and third not in browser.text(".listing"),
                  "the search found one")
    browser.click("#folders a")
    browser.until(lambda: third in browser.text(".listing"), "the inbox is shown again")
    browser.keys("c")
    browser.find("form.compose")
    browser.chord(Keys.CONTROL, Keys.ENTER)
    pages.toast(pages.word("no-recipient"))
    browser.keys(Keys.ESCAPE)
    browser.gone("form.compose")


def test_single_keys_can_be_switched_off(inbox, pages, browser, api):
    address, _, _ = inbox
    api(address).patch("/settings", {"preferences": {"shortcuts": "off"}})
    pages.log_in(address)
    pages.open_folder("INBOX")
    browser.keys("c", "?")
    browser.keys(Keys.TAB)
    assert not browser.shown("form.compose") and not browser.shown("dialog")


def test_a_dialog_keeps_the_focus_and_gives_it_back(inbox, pages, browser):
    pages.log_in(inbox[0])
    pages.settings()
    browser.tab_to("#rule-title ~ div button")
    browser.keys(Keys.ENTER)
    browser.find("dialog")
    for _ in range(12):
        browser.keys(Keys.TAB)
        assert browser.script("const at = document.activeElement; return at === document.body ||"
                              " Boolean(at.closest('dialog'))"), browser.focus()
    browser.keys(Keys.ESCAPE)
    browser.gone("dialog")
    browser.until(lambda: browser.script(
        "return document.activeElement.matches('#rule-title ~ div button')"),
        "the focus comes back")
