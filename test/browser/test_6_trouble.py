# SPDX-License-Identifier: ISC
"""Trouble in the middle of writing: each has a clear message, and nothing that was typed is lost."""
import os
import signal

import pytest
from selenium.webdriver.common.keys import Keys

from api import Refused
from conftest import SEALED
from pages import BODY
from siegel import Siegel

# What a browser says while the server is away or refuses.
AWAY = (r"ERR_CONNECTION|ERR_INTERNET_DISCONNECTED|ERR_NETWORK|ERR_EMPTY_RESPONSE|ERR_ABORTED"
        r"|ERR_INCOMPLETE_CHUNKED|ERR_HTTP2|ERR_ADDRESS|ERR_FAILED|status of 50[0-9]")


def body(browser):
    return browser.script("return document.querySelector('form.compose textarea').value")


def test_a_session_that_ends_while_somebody_writes_loses_nothing(account, pages, browser, api,
                                                                 canary, neighbour):
    """Logged out everywhere from elsewhere in the middle of a word, logged in again over the page,
    sent."""
    browser.expects(r"status of 401", r"api/v1/events")
    address, _ = account()
    pages.log_in(address)
    pages.write(to=[f"dora@{SEALED}"], subject=canary, body="before")
    pages.saved()
    elsewhere = api(address)
    browser.type(BODY, " and after")
    elsewhere.delete("/session?scope=all")
    browser.find("dialog #login-password")
    browser.shot("session-over")
    assert browser.axe() == []
    assert body(browser) == "before and after"
    assert browser.script("return document.getElementById('login-user').value") == address
    browser.type("dialog #login-password", "wrong")
    browser.keys(Keys.ENTER)
    browser.find("dialog .complaint svg")
    browser.type("dialog #login-password", pages.siegel.password, clear=True)
    browser.keys(Keys.ENTER)
    browser.gone("dialog")
    assert body(browser) == "before and after"
    pages.saved()
    pages.send()
    assert "before and after" in neighbour.receives(canary, within=40).get_content()


def test_another_account_in_the_same_browser_gets_nothing_of_what_is_written(account, pages,
                                                                             browser, api, canary):
    """Another tab logs in as somebody else while a mail is written in this one."""
    browser.expects(r"status of 40[0-9]", r"api/v1/events")
    (address, _), (other, _) = account(), account()
    pages.log_in(address)
    draft = pages.write(subject=canary, body="hers")
    pages.saved()
    browser.script("""return fetch("/api/v1/session", { method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ user: arguments[0], password: arguments[1] }) }).then(a => a.status)""",
                   other, pages.siegel.password)
    browser.type(BODY, " alone")
    browser.until(lambda: other in browser.find("#account").text, "the page is the other's", 20)
    with pytest.raises(Refused, match="404"):
        api(other).get(f"/drafts/{draft}")
    browser.click("#account button")
    pages.log_in(address)
    pages.go(f"#/write/{draft}")
    browser.until(lambda: body(browser) == "hers alone", "her words are still hers")


def test_a_mark_that_can_not_be_had_now_is_asked_for_again(account, pages, browser, neighbour):
    """The account looks at too much at once: what will happen is not known, until it is."""
    address, _ = account()
    pages.log_in(address)
    browser.script("""
        const ask = window.fetch;
        window.fetch = (path, ...more) => path.endsWith("/preflight") && !window.enough
            ? Promise.resolve(new Response('{"error":"throttled","text":""}', { status: 429, headers: { "Retry-After": "1" } }))
            : ask(path, ...more);""")
    pages.write(to=[f"dora@{SEALED}"])
    assert pages.mark(f"dora@{SEALED}").tone == "doubtful"
    browser.script("window.enough = true")
    browser.until(lambda: pages.mark(f"dora@{SEALED}").tone != "doubtful", "the mark to be asked for again", 20)


def test_words_that_only_the_browser_has_are_offered_again(account, pages, browser, api, canary):
    """The tab is closed while the server is away."""
    browser.expects(AWAY)
    address, _ = account()
    pages.log_in(address)
    draft = pages.write(subject=canary, body="saved words")
    pages.saved()
    browser.offline(True)
    browser.type(BODY, ", kept words")
    browser.until(lambda: browser.script(
        "return Object.values(localStorage).some(value => value.includes('kept words'))"),
        "the browser keeps them")
    browser.find("#line")
    browser.shot("line-lost")
    browser.offline(False)
    browser.script("window.onbeforeunload = null")
    browser.cdp("Page.navigate", url=f"{browser.origin}/#/write/{draft}")
    pages.saved(within=40)
    assert body(browser) == "saved words, kept words"
    assert api(address).get(f"/drafts/{draft}")["body"] == "saved words, kept words"


def test_what_was_sent_can_be_taken_back(account, pages, browser, neighbour, canary, api):
    address, alias = account()
    pages.log_in(address)
    draft = pages.write(sender=alias, to=[f"dora@{SEALED}"], subject=canary, body="hasty words")
    pages.mark(f"dora@{SEALED}")
    pages.send()
    pages.undo_send()
    assert pages.draft() == draft
    assert body(browser) == "hasty words"
    assert pages.sender() == alias
    assert api(address).sent(draft)["state"] == "undone"
    browser.click(BODY)
    browser.chord(Keys.CONTROL, Keys.END)
    browser.keys(", thought over")
    pages.saved()
    pages.send()
    mail = neighbour.receives(canary, within=60)
    assert "hasty words, thought over" in mail.get_content()


def test_a_file_that_another_window_attached_is_not_sent_unseen(account, pages, browser, neighbour, canary, api):
    browser.expects(r"status of 409")
    address, _ = account()
    api(address).patch("/settings", {"preferences": {"undo_seconds": "0"}})
    pages.log_in(address)
    draft = pages.write(to=[f"dora@{SEALED}"], subject=canary, body="words")
    pages.mark(f"dora@{SEALED}")
    pages.saved()
    api(address).request("POST", f"/drafts/{draft}/attachments?name=other.txt", b"unseen", "text/plain")
    assert "other.txt" not in browser.text("form.compose")
    browser.click("form.compose [type=submit]")
    browser.find("form.compose .note.doubtful")
    assert "other.txt" in browser.text("form.compose")
    browser.shot("file-attached-elsewhere")
    browser.click("form.compose .note.doubtful button")
    browser.gone("form.compose .note.doubtful")
    pages.saved()
    pages.send()
    mail = neighbour.receives(canary, within=60)
    assert [part.get_filename() for part in mail.iter_attachments()] == ["other.txt"]


@pytest.mark.parametrize("victim", ["store", "web", "everything"])
def test_a_server_that_dies_while_a_mail_is_held_sends_it_once(victim, account, pages, browser,
                                                               siegel, neighbour, canary, api):
    browser.expects(AWAY, r"status of 401", r"api/v1/events")
    address, _ = account()
    api(address).patch("/settings", {"preferences": {"undo_seconds": "5"}})
    pages.log_in(address)
    draft = pages.write(to=[f"dora@{SEALED}"], subject=canary, body="once")
    pages.saved()
    pages.send()
    browser.find(".outbar")
    if victim == "everything":
        siegel.restart()
    else:
        siegel.kill(victim)
    neighbour.receives(canary, within=60)
    siegel.is_up()
    pages.outcomes(draft, within=40)
    pages.comes_to(f"dora@{SEALED}", "good", within=40)
    siegel.queue_is_empty()
    neighbour.receives(canary)  # exactly one


def test_a_server_that_dies_while_it_is_asked_to_send_sends_once(account, pages, browser, siegel,
                                                                 neighbour, canary, api):
    """Stopped, so that the request hangs; killed; the page asks again by itself."""
    browser.expects(AWAY, r"status of 401", r"api/v1/events")
    address, _ = account()
    api(address).patch("/settings", {"preferences": {"undo_seconds": "0"}})
    pages.log_in(address)
    pages.write(to=[f"dora@{SEALED}"], subject=canary, body="once")
    pages.mark(f"dora@{SEALED}")
    pages.saved()
    store = siegel.role("store")
    os.kill(store, signal.SIGSTOP)
    browser.click("form.compose [type=submit]")
    browser.find("form.compose[aria-busy]")
    os.kill(store, signal.SIGKILL)
    browser.gone("form.compose", within=60)
    neighbour.receives(canary, within=60)
    siegel.queue_is_empty()
    neighbour.receives(canary)


@pytest.fixture(scope="module")
def small(world, client):
    """An installation on a small disk."""
    server = Siegel(world, client, "small", "small.test", disk_reserve='"2M"')
    server.mount_small_disk()
    server.listeners["web"] = ("web", 443)
    server.configure()
    server.start()
    server.add_user("eve")
    yield server
    server.stop()


def test_a_full_disk_while_a_draft_is_saved_is_said_and_loses_nothing(small, pages, browser):
    browser.expects(r"status of 50[0-9]")
    browser.visits(small)
    pages.log_in("eve@small.test")
    draft = pages.write(subject="a draft", body="saved words")
    pages.saved()
    ballast = small.state / "ballast"
    fill(small, ballast)
    browser.type(BODY, ", typed on a full disk")
    browser.find(".save-state .mark.bad")
    browser.says(pages.word("failure-full"), ".save-state")
    browser.shot("disk-full")
    assert browser.axe() == []
    assert body(browser) == "saved words, typed on a full disk"
    small.machine.run("rm", ballast)
    browser.type(BODY, ".")
    pages.saved(within=40)
    browser.open("/")
    pages.settled()
    pages.go(f"#/write/{draft}")
    browser.find("form.compose")
    assert body(browser) == "saved words, typed on a full disk."


def fill(server, ballast):
    """Until nothing more fits."""
    server.machine.run("sh", "-c", f"cat /dev/zero >{ballast}", check=False)
