# SPDX-License-Identifier: ISC
"""Sending from two windows at once, with roles that are killed: what lies in Sent is what was sent, and what is
taken back is a draft again."""

import os
import random
import re
import signal
import threading

import pytest
from test_mailbox import maildir
from test_siegeld import certificate, wait_for  # noqa: F401
from test_web import Browser, draft_of, people, web  # noqa: F401

DRAFT = "a1" * 12


class Stage:
    """Two windows of one account, and somebody they write to."""

    def __init__(self, web):
        self.web = web
        web.start()
        web.add("bob")
        self.ada, self.other, self.bob = Browser(web), Browser(web), Browser(web)
        self.ada.log_in()
        self.other.log_in()
        self.bob.log_in("bob@example.test")
        self.ada.api("GET", "/folders")  # makes the Maildir
        assert self.save(self.ada, "As sent")[0] == 200
        assert self.attach(self.ada, b"first")[0] == 200

    def save(self, browser, body, revision=1):
        draft = draft_of("Copy", body, "bob@example.test", revision=revision)
        return browser.api("PUT", f"/drafts/{DRAFT}", draft | {"bcc": people("ada@example.test")})

    def attach(self, browser, content):
        return browser.api("POST", f"/drafts/{DRAFT}/attachments?name=a.bin", content,
                           **{"Content-Type": "application/octet-stream"})

    def send(self, browser, revision=1, hold=0, **more):
        return browser.api("POST", f"/drafts/{DRAFT}/send", {"hold_seconds": hold, "revision": revision} | more)

    def kill(self, name):
        pid = self.web.server.role(name)["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.web.server.role(name)["ready"] and self.web.server.role(name)["pid"] != pid,
                 f"{name} to be there again")
        for browser in (self.ada, self.other, self.bob):
            browser.connection = None

    def patient(self, ask):
        """As the page does: again, while a role is being started."""
        def once():
            try:
                answer = ask()
            except OSError:
                return None
            return None if answer[0] == 503 else answer
        return wait_for(once, "an answer")

    def messages(self, browser, folder):
        status, answer = self.patient(lambda: browser.api("GET", f"/messages?folder={folder}"))
        assert status == 200, answer
        return answer["messages"]

    def source(self, browser, folder):
        row, = wait_for(lambda: self.messages(browser, folder), f"mail in {folder}")
        return browser.ask("GET", f"/api/v1/messages/{row['id']}/source").text

    def drafts(self):
        return [row["draft"] for row in self.messages(self.ada, ".Drafts")]

    def bodies(self):
        return [self.ada.api("GET", f"/drafts/{draft}")[1]["body"] for draft in self.drafts()]


class Obstacle:
    """Something in the way of a folder of the account's, so that a step can't be made."""

    def __init__(self, web, folder):
        self.folder = maildir(web) / folder
        self.away = self.folder.with_name("away")
        if self.folder.exists():
            self.folder.rename(self.away)
        self.folder.write_text("")

    def remove(self):
        self.folder.unlink()
        if self.away.exists():
            self.away.rename(self.folder)


@pytest.fixture
def stage(web):  # noqa: F811
    return Stage(web)


def without(source, *fields):
    """A message but for these fields of its header, with ends of lines as in a Maildir."""
    header, body = source.replace(b"\r\n", b"\n").split(b"\n\n", 1)
    for field in fields:
        header = re.sub(rb"(?mi)^%s:.*\n([ \t].*\n)*" % field, b"", header + b"\n").rstrip(b"\n")
    return header + b"\n\n" + body


def assert_copy(stage):
    """What ada has in Sent is what bob has in his inbox, once each."""
    copy, received = stage.source(stage.ada, ".Sent"), stage.source(stage.bob, "INBOX")
    assert b"\nBcc: ada@example.test\n" in copy and b"As sent" in copy and b"Bcc" not in received
    assert without(copy, b"Bcc") == without(received, b"Return-Path", b"Delivered-To", b"Received",
                                            b"Authentication-Results")


@pytest.mark.parametrize("role", ["web", "mailbox", "store"])
def test_the_copy_is_of_what_was_sent_whatever_is_saved_and_killed_meanwhile(stage, role):
    obstacle = Obstacle(stage.web, ".Sent")
    status, said = stage.send(stage.ada)
    assert status == 503, "it is sent, and can't be filed"
    assert stage.save(stage.other, "Later words", revision=2)[0] == 200
    assert stage.attach(stage.other, b"second")[0] == 200
    stage.kill(role)
    obstacle.remove()
    assert stage.patient(lambda: stage.send(stage.ada))[0] == 200
    assert stage.patient(lambda: stage.send(stage.ada))[0] == 200, "once and no more"
    assert_copy(stage)
    assert stage.bodies() == ["Later words"], "which were never sent"
    status, said = stage.send(stage.other, revision=2)
    assert (status, said["error"]) == (409, "too-late")
    assert_copy(stage)


def test_the_copy_is_filed_though_the_draft_is_removed_meanwhile(stage):
    obstacle = Obstacle(stage.web, ".Sent")
    assert stage.send(stage.ada)[0] == 503
    assert stage.other.api("DELETE", f"/drafts/{DRAFT}")[0] == 200
    obstacle.remove()
    assert stage.send(stage.ada)[0] == 200
    assert_copy(stage)
    assert stage.drafts() == []


def test_a_later_revision_has_the_earlier_one_filed_that_was_sent(stage):
    obstacle = Obstacle(stage.web, ".Sent")
    assert stage.send(stage.ada)[0] == 503
    assert stage.save(stage.other, "Later words", revision=2)[0] == 200
    obstacle.remove()
    status, said = stage.send(stage.other, revision=2)
    assert (status, said["error"]) == (409, "too-late")
    assert_copy(stage)
    assert stage.bodies() == ["Later words"]


@pytest.mark.parametrize("role", ["web", "mailbox", "store"])
def test_what_is_taken_back_before_it_is_filed_never_is(stage, role):
    obstacle = Obstacle(stage.web, ".Sent")
    assert stage.send(stage.ada, hold=60)[0] == 503
    status, undone = stage.other.api("POST", f"/sent/{DRAFT}/undo")
    assert status == 200 and undone["body"] == "As sent", undone
    stage.kill(role)
    obstacle.remove()
    status, said = stage.patient(lambda: stage.send(stage.ada))
    assert (status, said["error"]) == (409, "too-late")
    assert stage.messages(stage.ada, ".Sent") == [] and stage.bodies() == ["As sent"]
    assert stage.save(stage.ada, "As sent, once more", revision=2)[0] == 200
    assert stage.send(stage.ada, revision=2)[0] == 200
    assert_copy(stage)
    assert stage.drafts() == []


@pytest.mark.parametrize("next_step", ["undo", "save", "show"])
def test_a_draft_that_could_not_come_back_comes_back_with_the_next_question(stage, next_step):
    assert stage.send(stage.ada, hold=60)[0] == 200
    obstacle = Obstacle(stage.web, ".Drafts/cur")
    assert stage.other.api("POST", f"/sent/{DRAFT}/undo")[0] == 500
    assert stage.ada.api("GET", f"/sent?ids={DRAFT}")[1]["items"][0]["state"] == "undone"
    stage.kill("mailbox")
    obstacle.remove()
    if next_step == "undo":
        status, draft = stage.patient(lambda: stage.ada.api("POST", f"/sent/{DRAFT}/undo"))
    elif next_step == "save":
        status, draft = stage.patient(lambda: stage.save(stage.ada, "As sent", revision=2))
    else:
        status, draft = stage.patient(lambda: stage.ada.api("GET", f"/drafts/{DRAFT}"))
    assert status == 200 and draft["body"] == "As sent" and len(draft["attachments"]) == 1, draft
    assert stage.messages(stage.ada, ".Sent") == [] and stage.bodies() == ["As sent"]


def test_a_revision_that_is_sent_again_has_the_attachments_that_were_seen(stage):
    """The store refuses it; what is attached then belongs to another revision."""
    stage.web.siegel("user", "remove", "bob@example.test")
    assert stage.send(stage.ada)[0] == 422
    assert stage.attach(stage.other, b"second")[0] == 200
    status, said = stage.send(stage.ada)
    assert (status, said["error"]) == (409, "old")
    stage.web.add("bob")
    assert stage.save(stage.ada, "As sent", revision=2)[0] == 200
    assert stage.send(stage.ada, revision=2)[0] == 200
    stage.bob.log_in("bob@example.test")
    assert_copy(stage)


def test_no_file_is_sent_but_those_that_the_page_has_seen(stage):
    seen = stage.ada.api("GET", f"/drafts/{DRAFT}")[1]["attachments"]
    now = stage.attach(stage.other, b"second")[1]["attachments"]
    other_size, other_name = [seen[0] | {"size": 6}, now[1]], [seen[0], now[1] | {"name": "b.bin"}]
    for wrong in (seen, [], other_size, other_name, now[::-1], now + now[:1]):
        status, said = stage.send(stage.ada, attachments=wrong)
        assert (status, said["error"]) == (409, "old"), wrong
    assert stage.send(stage.ada, attachments=[{"entry": 1}])[0] == 400
    assert stage.send(stage.ada, attachments=now)[0] == 200
    assert stage.send(stage.ada, attachments=seen)[0] == 200, "it was sent already"
    assert_copy(stage)


def at_random(stage, browser, choice, revisions):
    """Some questions about the draft in any order; none may be more than refused."""
    for _ in range(8):
        act = choice.choice(("save", "save", "save", "send", "send", "undo", "attach"))
        if act == "save":
            revisions.append(len(revisions) + 1)
            answer = stage.save(browser, f"As sent {choice.random()}", revision=len(revisions))
        elif act == "send":
            answer = stage.send(browser, revision=max(1, len(revisions) - choice.randrange(2)), hold=60)
        elif act == "undo":
            answer = browser.api("POST", f"/sent/{DRAFT}/undo")
        else:
            answer = stage.attach(browser, choice.randbytes(choice.choice((10, 300_000))))
        assert answer[0] != 500 and answer[0] != 503, (act, answer)


@pytest.mark.parametrize("seed", range(8))
def test_two_windows_in_any_order_leave_a_copy_or_a_draft(stage, seed):
    revisions, failed = [1], []

    def window(browser, number):
        try:
            at_random(stage, browser, random.Random(2 * seed + number), revisions)
        except BaseException as why:
            failed.append(why)

    threads = [threading.Thread(target=window, args=one) for one in ((stage.ada, 0), (stage.other, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    status, sent = stage.ada.api("GET", f"/sent?ids={DRAFT}")
    under_way = status == 200 and not sent["items"][0]["undone"]
    assert len(stage.messages(stage.ada, ".Sent")) == under_way
    assert under_way or stage.drafts() == [DRAFT]
