# SPDX-License-Identifier: ISC
"""What people do with mail beside reading and writing it: files dropped on it, receipts that others
check, a letter about what a mail program sent, a second window, folders with long names.
"""
import os

import pytest

from browser import PHONE
from client import message
from conftest import PLAIN, SEALED
from pages import BODY, SUBJECT

DROP = """
const [size, name] = arguments;
const files = new DataTransfer();
files.items.add(new File([new Uint8Array(size).fill(65)], name, { type: "application/octet-stream" }));
const form = document.querySelector("form.compose");
for (const kind of ["dragover", "drop"])
	form.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
"""
SHARES = """
window.shares = [];
setInterval(() => {
	const bar = document.querySelector("form.compose .file progress");
	if (bar)
		shares.push(bar.value);
}, 20);
"""


def slow_line(browser, bytes_each_second):
    """0: as fast as it goes."""
    browser.cdp("Network.enable")
    browser.cdp("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1,
                uploadThroughput=bytes_each_second or -1)


def test_a_file_dropped_on_a_mail_goes_up_while_one_watches_and_arrives_whole(
        account, pages, browser, api, neighbour, canary):
    address, alias = account()
    api(address).patch("/settings", {"preferences": {"undo_seconds": "0"}})
    pages.log_in(address)
    pages.write(sender=alias, to=[f"dora@{SEALED}"], subject=canary, body="The plan is enclosed.")
    pages.mark(f"dora@{SEALED}")
    pages.saved()
    browser.script(SHARES)
    slow_line(browser, 400_000)
    browser.script(DROP, 600_000, "Grundriß Küche.bin")
    bar = browser.find("form.compose .file progress")
    assert browser.script("return arguments[0].getBoundingClientRect().bottom < document.querySelector("
                          "'.compose-foot').getBoundingClientRect().top", bar), "it is in sight"
    browser.shot("attachment-goes-up")
    assert browser.axe() == []
    browser.gone("form.compose .file progress", within=60)
    slow_line(browser, 0)
    assert [share for share in browser.script("return shares") if 0 < share < 1], "one saw it move"
    browser.says("Grundriß Küche.bin", "form.compose .files")
    pages.send()
    part, = neighbour.receives(canary, within=40).iter_attachments()
    assert part.get_filename() == "Grundriß Küche.bin"
    assert part.get_content() == b"A" * 600_000


def test_leaving_while_a_file_goes_up_is_asked_about(account, pages, browser, canary):
    address, _ = account()
    pages.log_in(address)
    draft = pages.write(subject=canary)
    pages.saved()
    slow_line(browser, 20_000)
    browser.script(DROP, 600_000, "plan.bin")
    browser.find("form.compose .file progress")
    browser.driver.back()
    browser.says(pages.word("leave-uploading"), "dialog")
    browser.click("dialog footer .button:not(.main)")
    browser.gone("dialog")
    assert pages.draft() == draft
    slow_line(browser, 0)
    browser.gone("form.compose .file progress", within=60)
    browser.says("plan.bin", "form.compose .files")


def test_the_receipt_of_a_mail_is_a_file_that_anybody_can_check(account, pages, browser, api, siegel,
                                                                neighbour, canary):
    address, alias = account()
    api(address).patch("/settings", {"preferences": {"undo_seconds": "0"}})
    pages.log_in(address)
    draft = pages.write(sender=alias, to=[f"dora@{SEALED}"], subject=canary, body=canary)
    pages.mark(f"dora@{SEALED}")
    pages.send()
    neighbour.receives(canary, within=40)
    pages.outcomes(draft)
    pages.comes_to(f"dora@{SEALED}", "good")
    browser.click(".sent-panel .panel-head a")
    receipt = browser.download().read_bytes()
    assert siegel.ctl("receipt", "verify", "/dev/stdin", stdin=receipt.decode()).returncode == 0
    assert f"dora@{SEALED}" in receipt.decode()
    forged = receipt.decode().replace(f"dora@{SEALED}", f"dark@{SEALED}")
    assert siegel.ctl("receipt", "verify", "/dev/stdin", stdin=forged, check=False).returncode != 0


def plain_mail(siegel, address, alias, canary, **headers):
    to = f"paul@{PLAIN}"
    text = message(alias, to, canary, **headers)
    siegel.submit(address, alias, to, text)
    siegel.letter(address, canary)
    return to, text


def test_a_letter_about_a_mail_from_a_program_leads_to_its_copy(account, pages, browser, siegel,
                                                                plain_neighbour, canary):
    """Such a program keeps what it sent in the same mailbox."""
    address, alias = account()
    to, text = plain_mail(siegel, address, alias, canary, Message_ID=f"<{canary}@program.test>")
    sent = siegel.maildir(address) / ".Sent"
    pages.log_in(address)
    pages.open_folder(".Sent")  # made when it is first looked into
    name = f"{canary}.copy:2,S"
    (sent / "tmp" / name).write_text(text)
    os.chown(sent / "tmp" / name, sent.stat().st_uid, sent.stat().st_gid)
    (sent / "tmp" / name).rename(sent / "cur" / name)
    pages.open_folder("INBOX")
    pages.open_letter()
    browser.says(pages.word("reason-starttls-not-supported"), ".letter")
    pages.press("check-again")
    browser.find(".letter .recheck .mark.bad")
    assert browser.axe() == []
    pages.press("other-sender")
    browser.find("form.compose")
    assert pages.sender() == address
    assert to in browser.text("form.compose .chips")
    assert browser.find(SUBJECT).get_attribute("value") == canary
    assert canary in browser.find(BODY).get_attribute("value")


def test_a_letter_about_a_mail_without_a_copy_says_where_it_is(account, pages, browser, siegel,
                                                               plain_neighbour, canary):
    address, alias = account(language="de")
    plain_mail(siegel, address, alias, canary)
    pages.log_in(address)
    pages.open_folder("INBOX")
    pages.open_letter()
    browser.says(pages.word("letter-by-program"), ".letter")
    browser.says(pages.word("unnamed-message/rfc822"), ".files")
    browser.shot("letter-by-program")
    assert browser.axe() == []
    for link in browser.shown(".files a"):
        if link.get_attribute("download") == "mail.eml":
            link.click()
    assert f"The word is {canary}." in browser.download().read_text()


def test_a_second_window_is_told_and_neither_overwrites_the_other(account, pages, browser, canary):
    browser.expects(r"status of 409")
    address, _ = account()
    pages.log_in(address)
    draft = pages.write(subject=canary, body="first window")
    pages.saved()
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    second = browser.driver.current_window_handle
    browser.resize(browser.size)
    browser.open(f"/#/write/{draft}")
    browser.until(lambda: browser.find(BODY).get_attribute("value") == "first window", "it is open")
    browser.type(BODY, ", second window")
    pages.saved()
    browser.driver.switch_to.window(first)
    browser.type(BODY, ", first again")
    browser.find(".conflict .note")
    browser.shot("changed-in-another-window")
    assert browser.axe() == []
    assert browser.find(BODY).get_attribute("value") == "first window, first again"
    pages.press("take-theirs")
    browser.until(lambda: browser.find(BODY).get_attribute("value") == "first window, second window",
                  "the other's words")
    browser.driver.switch_to.window(second)
    pages.open_folder("INBOX")
    browser.driver.switch_to.window(first)
    pages.open_folder("INBOX")


def test_what_is_typed_after_another_window_sent_is_a_draft_of_its_own(
        account, pages, browser, api, neighbour, canary):
    browser.expects(r"status of 409")
    address, _ = account()
    pages.log_in(address)
    draft = pages.write(to=[f"dora@{SEALED}"], subject=canary, body="sent")
    pages.saved()
    other = api(address)
    revision = other.get(f"/drafts/{draft}")["revision"]
    other.post(f"/drafts/{draft}/send", {"hold_seconds": 0, "revision": revision})
    browser.type(BODY, ", and not sent")
    browser.until(lambda: not browser.driver.current_url.endswith(draft), "a draft of its own")
    assert browser.find(BODY).get_attribute("value") == "sent, and not sent"
    pages.saved()
    browser.shot("typed-after-it-was-sent")
    body = neighbour.receives(canary, within=60).get_content()
    assert "sent" in body and "not sent" not in body
    assert [d["subject"] for d in other.get("/messages", folder=".Drafts")["messages"]] == [canary]


def test_mail_that_arrives_is_seen_in_both_windows(account, pages, browser, siegel, canary):
    address, _ = account()
    pages.log_in(address)
    pages.open_folder("INBOX")
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.resize(browser.size)
    browser.open("/#/mail/INBOX")
    browser.find(".listing .empty > *")
    siegel.submit(address, address, address, message(address, address, canary))
    pages.row(canary)
    browser.driver.switch_to.window(first)
    pages.row(canary)


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_a_folder_with_a_long_name_breaks_nothing(width, account, pages, browser):
    browser.expects(r"status of 422")
    address, _ = account(language="de")
    name = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz & Söhne"
    if width == "phone":
        browser.resize(PHONE)
    pages.log_in(address)
    pages.open_folder("INBOX")

    def ask_for(name):
        if width == "phone":
            browser.click("#menu")
        browser.click(".new-folder")
        browser.type("dialog input", name)
        browser.click("dialog footer .main")
    ask_for("100 % *")
    browser.says(pages.word("folder-name-wrong"), "dialog")
    browser.click("dialog footer .button:not(.main)")
    browser.gone("dialog")
    if width == "phone":
        browser.keys("\ue00c")  # Escape
    ask_for(name)
    browser.gone("dialog")
    browser.until(lambda: name.startswith(browser.text(".list-head h1").rstrip("…")[:20]), "it is shown")
    if width == "phone":
        browser.click("#menu")
    side = browser.find("#side")
    assert browser.script("return arguments[0].scrollWidth <= arguments[0].clientWidth", side)
    browser.shot(f"folder-long-{width}")
    assert browser.axe() == []
    assert not browser.overflows()


@pytest.mark.parametrize("place", ["#/mail/INBOX", "#/write", "#/settings", "#/settings/security",
                                   "#/turned-away"])
def test_at_four_times_the_size_nothing_is_cut_off(place, account, pages, browser):
    """1280 pixels enlarged to 400 % are 320 (WCAG 1.4.10)."""
    address, _ = account(language="de")
    browser.resize((320, 256))
    pages.log_in(address)
    pages.go(place)
    assert not browser.overflows()
    cut = browser.script(
        "return [...document.querySelectorAll('#bar *, #page button, #page a, #page input')].filter("
        "one => one.offsetParent && one.getBoundingClientRect().right > innerWidth + 1)"
        ".map(one => one.outerHTML.slice(0, 80))")
    assert cut == []
    foot = browser.all(".compose-foot")
    assert not foot or browser.script("return getComputedStyle(arguments[0]).position", foot[0]) == "static"
