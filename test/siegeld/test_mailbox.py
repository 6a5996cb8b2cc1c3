# SPDX-License-Identifier: ISC
"""The mailbox role, confined, as the pages ask it: beside other programs, killed, its index lost."""

import json
import os
import pathlib
import signal
import time

from test_siegeld import certificate, wait_for  # noqa: F401
from test_web import Browser, web  # noqa: F401


def maildir(web):
    return web.server.folder / "state/mail/example.test/ada"


def put(web, path, subject, when, text=b"words to look for", fields=b""):
    """A message as another program leaves it there."""
    file = maildir(web) / path
    for part in ("cur", "new", "tmp"):
        (file.parent.parent / part).mkdir(parents=True, exist_ok=True)
    file.write_bytes(f"From: Bob <bob@example.net>\nTo: ada@example.test\nSubject: {subject}\n"
                     f"Message-ID: <{subject}@example.net>\n".encode() + fields + b"\n" + text + b"\n")
    os.utime(file, (when, when))
    owner = maildir(web).stat()
    for made in (file, file.parent, file.parent.parent, file.parent.parent / "new", file.parent.parent / "tmp"):
        os.chown(made, owner.st_uid, owner.st_gid)


def subjects(browser, question):
    status, answer = browser.api("GET", f"/messages?{question}")
    return [m["subject"] for m in answer["messages"]] if status == 200 else (status, answer)


def begin(web):
    web.start()
    ada = Browser(web)
    ada.log_in()
    ada.api("GET", "/folders")  # makes the Maildir
    put(web, "new/1.a", "one", 1000)
    put(web, "cur/2.b:2,S", "two", 2000)
    return ada


def test_the_pages_see_what_lies_in_the_maildir(web):  # noqa: F811
    ada = begin(web)
    assert subjects(ada, "folder=INBOX") == ["two", "one"]
    assert subjects(ada, "folder=INBOX&q=from:bob%20look%20is:unread") == ["one"]
    os.rename(maildir(web) / "new/1.a", maildir(web) / "cur/1.a:2,S")
    assert subjects(ada, "folder=INBOX&q=is:unread") == []
    put(web, ".Other/cur/3.c:2,S", "three", 3000)
    assert subjects(ada, "folder=.Other") == ["three"]
    assert subjects(ada, "folder=INBOX&everywhere=1&q=words") == ["three", "two", "one"]
    assert subjects(ada, "folder=INBOX&q=before:yesterday")[0] == 422


def test_folders_come_and_go_and_their_mail_stays(web):  # noqa: F811
    ada = begin(web)
    status, answer = ada.api("POST", "/folders", {"name": "Reise/Köln"})
    own = [f for f in answer["folders"] if f["kind"] == "own"]
    assert status == 200 and [f["name"] for f in own] == ["Reise/Köln"], answer
    changed = ada.api("POST", "/messages/change", {"ids": ["1.a"], "move": own[0]["folder"]})[1]
    assert changed["changed"][0]["outcome"] == "ok"
    assert subjects(ada, "folder=INBOX") == ["two"]
    folder = own[0]["folder"].replace("&", "%26")
    assert ada.api("DELETE", f"/folders/{folder}")[0] == 200
    assert subjects(ada, "folder=.Trash") == ["one"]
    changed = ada.api("POST", "/messages/change", {"ids": ["1.a"], "erase": True})[1]
    assert changed["changed"][0]["outcome"] == "ok"
    assert subjects(ada, "folder=.Trash") == []
    assert (maildir(web) / "subscriptions").read_text().split() == ["Drafts", "Sent", "Trash"]


def test_a_mails_html_has_no_scripts_no_origin_and_no_network(web):  # noqa: F811
    ada = begin(web)
    put(web, "new/8.h", "html", 8000, b"<p>look</p>", b"MIME-Version: 1.0\nContent-Type: text/html\n")
    assert subjects(ada, "folder=INBOX")[0] == "html"
    for query, pictures in (("", {"data:"}), ("?remote=1", {"data:", "https:", "http:"})):
        answer = ada.ask("GET", "/api/v1/messages/8.h/body" + query)
        rules = {words[0]: set(words[1:]) for words in
                 (rule.split() for rule in answer.getheader("Content-Security-Policy").split(";"))}
        assert answer.status == 200 and rules == {
            "sandbox": {"allow-popups", "allow-popups-to-escape-sandbox"}, "default-src": {"'none'"},
            "style-src": {"'unsafe-inline'"}, "img-src": pictures, "form-action": {"'none'"},
            "base-uri": {"'none'"}, "frame-ancestors": {"'self'"}}


def test_attached_text_is_shown_in_its_own_characters_and_is_never_a_page(web):  # noqa: F811
    ada = begin(web)
    parts = [(b"text/plain; charset=iso-8859-1", "Gr\u00fc\u00dfe".encode("latin-1"), "Gr\u00fc\u00dfe"),
             (b"text/plain; charset=utf-16le", "\u0416".encode("utf-16le"), "\u0416"),
             (b"text/plain; charset=x-unknown", "\u00fc".encode(), "\u00fc"),
             (b"text/plain; charset=utf-7", b"+ADw-script+AD4-", "<script>"),
             (b"text/html; charset=iso-8859-1", b"<script>\xfc</script>", None),
             (b"text/xml", b"<a/>", None), (b"image/svg+xml", b"<svg/>", None)]
    mixed = b"".join(b"--m\nContent-Type: %s\nContent-Disposition: attachment; filename=a\n\n%s\n" % part[:2]
                     for part in parts) + b"--m--"
    put(web, "new/9.z", "texts", 9000, mixed, b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n")
    assert subjects(ada, "folder=INBOX")[0] == "texts"
    for number, (_, sent, shown) in enumerate(parts, 1):
        address = f"/api/v1/messages/9.z/parts/{number}"
        kept, answer = ada.ask("GET", address), ada.ask("GET", address + "?show=1")
        assert kept.status == answer.status == 200
        assert kept.text == sent and kept.getheader("Content-Type") == "application/octet-stream"
        assert answer.text == (sent if shown is None else shown.encode()), number
        assert answer.getheader("Content-Type") == ("application/octet-stream" if shown is None
                                                    else "text/plain; charset=utf-8"), number
        assert answer.getheader("Content-Disposition").split(";")[0] == ("inline" if shown else "attachment")
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert answer.getheader("Content-Security-Policy").endswith("; sandbox")


def test_a_role_that_is_killed_and_an_index_that_is_broken_cost_nothing_but_time(web):  # noqa: F811
    ada = begin(web)
    assert subjects(ada, "folder=INBOX&q=look") == ["two", "one"]
    index = maildir(web) / "siegel-index"
    assert index.exists()
    for breaks in (lambda: None, lambda: index.write_bytes(b"\0" * 100_000), index.unlink):
        wait_for(lambda: web.server.role("mailbox")["ready"], "mailbox to be there")
        os.kill(web.server.role("mailbox")["pid"], signal.SIGKILL)
        for name in ("siegel-index-wal", "siegel-index-shm"):
            (maildir(web) / name).unlink(missing_ok=True)
        breaks()
        wait_for(lambda: subjects(ada, "folder=INBOX&q=look") == ["two", "one"], "the list is back")


def test_the_end_of_a_session_is_felt_within_seconds(web):  # noqa: F811
    ada, other = begin(web), Browser(web)
    other.log_in()
    assert subjects(other, "folder=INBOX") == ["two", "one"]
    assert ada.api("DELETE", "/session?scope=others")[0] == 200
    ended = time.monotonic()
    wait_for(lambda: other.api("GET", "/messages?folder=INBOX")[0] == 401, "the session is over")
    assert time.monotonic() - ended < 10


class Stream:
    """What a page that is open hears."""

    def __init__(self, browser):
        self.connection = browser.connect()
        self.connection.request("GET", "/api/v1/events", headers={"Cookie": browser.cookie})
        self.lines = self.connection.getresponse()
        assert self.lines.status == 200

    def hears(self, seconds=10):
        """What the next change is of; None: there is none for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.connection.sock.settimeout(max(end - time.monotonic(), 0.01))
            try:
                line = self.lines.readline()
            except TimeoutError:
                self.lines.fp = None
                return None
            if line.startswith(b"data:"):
                return json.loads(line[5:])["what"]
        return None


def watches(web):
    """How many directories the mailbox role watches."""
    process = pathlib.Path(f"/proc/{web.server.role('mailbox')['pid']}")
    found = 0
    for fd in (process / "fd").iterdir():
        try:
            found += (process / "fdinfo" / fd.name).read_text().count("inotify wd:")
        except FileNotFoundError:
            pass  # closed since
    return found


def test_what_another_program_does_is_told_to_an_open_page(web):  # noqa: F811
    ada = begin(web)
    assert subjects(ada, "folder=INBOX") == ["two", "one"]
    assert watches(web) == 0
    stream = Stream(ada)
    wait_for(lambda: watches(web) >= 3, "the inbox is watched")
    put(web, "new/3.c", "three", 3000)
    assert stream.hears() == ["mail"]
    assert subjects(ada, "folder=INBOX") == ["three", "two", "one"]
    os.rename(maildir(web) / "new/3.c", maildir(web) / "cur/3.c:2,S")
    assert stream.hears() == ["mail"]
    before = watches(web)
    put(web, ".New/cur/4.d:2,S", "four", 4000)
    assert stream.hears() == ["mail"]
    wait_for(lambda: watches(web) == before + 2, "the new folder is watched as well")
    (maildir(web) / ".New/cur/4.d:2,S").unlink()
    assert stream.hears() == ["mail"]


def test_what_the_page_does_itself_is_not_told_to_it(web):  # noqa: F811
    ada = begin(web)
    assert subjects(ada, "folder=INBOX") == ["two", "one"]
    stream = Stream(ada)
    wait_for(lambda: watches(web) >= 3, "the inbox is watched")
    ada.api("POST", "/messages/change", {"ids": ["1.a", "2.b"], "add": ["flagged"], "move": ".Trash"})
    assert stream.hears(2) is None
    stream = Stream(ada)
    put(web, "new/3.c", "three", 3000)
    assert stream.hears() == ["mail"]
