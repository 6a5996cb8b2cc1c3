# SPDX-License-Identifier: ISC
"""Mail that means harm is shown, and nothing comes of it: no script runs, nobody is asked for
anything, the page around it stands, and the processes that read it stay small.
"""
import contextlib
import os
import re
import time

import pytest
from selenium.common.exceptions import WebDriverException

from hostile import EVIL, HOSTILE, make, svg
from internet import eventually

ADA = "ada@example.test"
# What the browser says when the frame's own policy stops something: the frame's document alone.
STOPPED_IN_THE_FRAME = (
    r"/api/v1/messages/[^/]+/body\S* .*(violates the following Content Security Policy|Blocked script"
    r" execution|Blocked form submission|sandboxed|was not delegated|Unsafe attempt)",
    r"Blocked (script execution|form submission).*/api/v1/messages/",
    rf"^failed: https?://[^ ]*{re.escape(EVIL)}\S* \S+ csp", rf"^failed: .*{re.escape(EVIL)}.*csp")
# RSS that a role may gain by all of it, in bytes.
WEB_GROWS, MAILBOX_GROWS, READER_MOST = 60 << 20, 120 << 20, 512 << 20


def put(siegel, address, name, text, folder=""):
    """Into the Maildir as it is, as another program would put it there."""
    maildir = siegel.maildir(address) / folder
    file = maildir / "tmp" / f"{time.time_ns()}.{os.urandom(4).hex()}.hostile"
    file.write_bytes(text)
    owner = maildir.stat()
    os.chown(file, owner.st_uid, owner.st_gid)
    file.rename(maildir / "new" / file.name)


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) << 10


@pytest.fixture(scope="module")
def mailbox(siegel):
    """Ada's mailbox with one of each, and what the roles weighed before."""
    siegel.submit(ADA, ADA, ADA, f"From: <{ADA}>\r\nSubject: first\r\n\r\nso that there is a Maildir\r\n")
    siegel.receives(ADA, "first")
    before = {role: resident(siegel.role(role)) for role in ("web", "mailbox")}
    pids = {role: siegel.role(role) for role in ("web", "mailbox", "store")}
    for name in HOSTILE:
        put(siegel, ADA, name, make(name))
    return before, pids


@pytest.fixture(scope="module")
def reading(chromium, mailbox):
    """Nothing else: the mailbox is filled before the first mail is opened."""


def unharmed(browser):
    browser.top()
    assert browser.script("return window.harmed") is None
    assert "harmed" not in browser.driver.title
    assert browser.driver.current_url.startswith(browser.origin + "/#/mail/")
    assert len(browser.driver.window_handles) == 1
    assert browser.shown("#shell")


def test_a_list_of_hostile_mails_is_a_list(pages, browser, reading):
    pages.log_in(ADA)
    pages.open_folder("INBOX")
    for name in HOSTILE:
        pages.row(name, within=60)
    browser.shot("hostile-list")
    assert browser.axe() == []
    assert not browser.overflows()
    unharmed(browser)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_shown_without_harm(name, pages, browser, reading, world):
    browser.expects(*STOPPED_IN_THE_FRAME)
    since = world.witness.now()
    pages.log_in(ADA)
    pages.open_mail(name, within=60)
    unharmed(browser)
    assert not browser.overflows()
    browser.shot(f"hostile-{name}")
    if browser.shown(".mail-card.opened .formatted > button"):
        pages.show_formatted()
        browser.until(lambda: frame_stands(browser), "the frame stands", within=60)
        browser.shot(f"hostile-{name}-formatted")
        unharmed(browser)
        press_everything(browser)
        unharmed(browser)
    assert world.witness.saw(EVIL.split(".")[0], since) == [], "nobody is asked for anything"


def frame_stands(browser):
    """The mail's document is in the frame; its beginning is ours."""
    frame = browser.all(".formatted iframe")
    browser.driver.switch_to.frame(frame[0])
    stands = browser.all("meta[charset]") != []
    browser.top()
    return stands


def press_everything(browser):
    """Click what the mail offers in its frame: forms and links."""
    browser.driver.switch_to.frame(browser.all(".formatted iframe")[0])
    for css in ("form button", "a[href^='javascript']"):
        for found in browser.all(css)[:3]:
            with contextlib.suppress(WebDriverException):  # covered by something else of the mail
                found.click()
    browser.top()


def test_remote_pictures_come_only_when_asked_for(siegel, pages, browser, reading, world):
    """This also shows that the other tests would have seen it."""
    browser.expects(*STOPPED_IN_THE_FRAME, rf"^(request elsewhere|failed): https://{re.escape(EVIL)}",
                    rf"console: .*{re.escape(EVIL)}")
    put(siegel, ADA, "remote", f"From: a@client.test\r\nSubject: remote-pictures\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/html\r\n\r\n<p>see</p><img src=https://{EVIL}/pixel>\r\n".encode())
    since = world.witness.now()
    pages.log_in(ADA)
    pages.open_mail("remote-pictures", within=30)
    pages.show_formatted()
    browser.until(lambda: frame_stands(browser), "the frame stands", within=60)
    label = EVIL.split(".")[0]
    assert world.witness.saw(label, since) == []
    browser.click(".formatted .note button")
    eventually(lambda: world.witness.saw(label, since), 10, "the browser asks for the picture")


def test_an_attachment_is_never_a_page_of_ours(pages, browser, reading, api):
    """Even when its address is opened by itself."""
    browser.expects(r"Blocked script execution", r"violates the following Content Security Policy")
    pages.log_in(ADA)
    ada = api(ADA)
    message, = ada.search("subject:script-in-every-part")
    parts = ada.get(f"/messages/{message['id']}")["attachments"]
    assert parts
    for part in parts:
        for show in ("", "?show=1"):
            browser.open("/")
            pages.settled()
            browser.script("const frame = document.createElement('iframe'); frame.src = arguments[0];"
                           "document.body.append(frame)",
                           f"/api/v1/messages/{message['id']}/parts/{part['part']}{show}")
    assert browser.script("return window.harmed") is None


def test_svg_is_never_shown_inline(api, siegel, reading):
    ada = api(ADA)
    message, = ada.search("subject:svg-with-script")
    body = ada.get(f"/messages/{message['id']}/body")
    assert svg() not in body and b"image/svg" not in body.split(b"cid:")[0].split(b"data:image/svg")[0]


def test_the_processes_that_read_it_stayed_small_and_alive(siegel, mailbox):
    before, pids = mailbox
    assert {role: siegel.role(role) for role in pids} == pids, "nobody has died"
    assert resident(pids["web"]) - before["web"] < WEB_GROWS
    assert resident(pids["mailbox"]) - before["mailbox"] < MAILBOX_GROWS
    for pid in siegel.pids("siegel-mailbox"):
        assert resident(pid) < READER_MOST, "the child that parses"
