# SPDX-License-Identifier: ISC
"""The pages and Dovecot on the same Maildirs: what one of them does the other one sees, and nothing
is lost between them.
"""
import base64
import collections
import hashlib
import hmac
import itertools
import random
import re
import smtplib
import struct
import threading
import time

import pytest

from api import Api, Refused, new_draft
from client import message
from dovecot import Imap, quoted
from internet import eventually

NUMBERS = itertools.count(1)
# as people write it; as IMAP and the Maildir do
UMLAUT, UMLAUT_WIRE = "Übung & Mehr", "&ANw-bung &- Mehr"
NESTED, NESTED_WIRE = "Größe/日本/𝄞", "Gr&APYA3w-e.&ZeVnLA-.&2DTdHg-"


class Person:
    """An account with a page and a mail program open."""

    def __init__(self, siegel, client, dovecot, address):
        self.siegel, self.client, self.dovecot, self.address = siegel, client, dovecot, address
        self.api = Api(siegel, address)
        self.begin_imap()
        self.validity = self.imap.enter()

    def begin_imap(self):
        self.imap = eventually(self.logged_in, 5, "Dovecot knows the account")

    def logged_in(self):
        """None while Dovecot, which looks once in a second, doesn't know the account yet."""
        imap = Imap(self.client, self.dovecot)
        try:
            imap.login(self.address, self.siegel.password)
            return imap
        except Imap.error:
            imap.shutdown()

    def gets(self, canary):
        """A message that is delivered. Answers its UID."""
        self.siegel.submit(self.address, self.address, self.address,
                           message(self.address, self.address, canary))
        self.siegel.receives(self.address, canary)
        (uid,) = self.find(canary)
        return uid

    def find(self, canary):
        return self.imap.uids("SUBJECT", quoted(canary))

    def listed(self, folder="INBOX"):
        """What the page lists."""
        found, after = [], ""
        while True:
            page = self.api.get("/messages", folder=folder, limit=200, after=after)
            found += page["messages"]
            after = page["next"]
            if not after:
                return found

    def sees(self, canary, folder="INBOX"):
        """The one message of that subject on the page; None if there is none."""
        found = [m for m in self.listed(folder) if m["subject"] == canary]
        assert len(found) < 2, found
        return found[0] if found else None

    def change(self, canary, folder="INBOX", **what):
        return self.change_id(self.sees(canary, folder)["id"], **what)

    def change_id(self, one, **what):
        (changed,) = self.api.post("/messages/change", {"ids": [one], **what})["changed"]
        return changed["outcome"]

    def folders(self):
        return {f["name"]: f for f in self.api.get("/folders")["folders"] if f["kind"] == "own"}


@pytest.fixture
def person(siegel, client, dovecot):
    address, _ = siegel.add_user(f"beside{next(NUMBERS)}")
    made = Person(siegel, client, dovecot, address)
    yield made
    made.imap.shutdown()


GIVES_UP = r"unlink\(.*/tmp/.*No such file|Filename keeps changing"


@pytest.fixture(autouse=True)
def dovecot_finds_all_well(dovecot):
    """Whatever the pages do, Dovecot finds nothing to complain of; but where both change the same at the
    same time it may give up once, and miss an unfinished file when its folder got another name.
    """
    before = len(dovecot.machine.log_text())
    yield
    said = dovecot.machine.log_text()[before:].splitlines()
    wrong = [line for line in said if any(w in line for w in ("Error:", "Fatal:", "Panic:"))]
    assert [line for line in wrong if not re.search(GIVES_UP, line)] == []


# --- flags

FLAGS = [("seen", "\\Seen"), ("flagged", "\\Flagged"), ("answered", "\\Answered"),
         ("deleted", "\\Deleted")]


@pytest.mark.parametrize("word, flag", FLAGS)
def test_a_flag_that_imap_sets_and_removes_shows_in_the_page(person, open_canary, word, flag):
    uid = person.gets(open_canary)
    assert person.sees(open_canary)["flags"] == []
    person.imap.ask("UID", "STORE", str(uid), "+FLAGS", f"({flag})")
    assert person.sees(open_canary)["flags"] == [word]
    person.imap.ask("UID", "STORE", str(uid), "-FLAGS", f"({flag})")
    assert person.sees(open_canary)["flags"] == []


@pytest.mark.parametrize("word, flag", FLAGS)
def test_a_flag_that_the_page_sets_and_removes_shows_in_imap(person, open_canary, word, flag):
    uid = person.gets(open_canary)
    assert person.change(open_canary, add=[word]) == "ok"
    assert person.imap.flags(uid) == {flag}
    assert person.change(open_canary, remove=[word]) == "ok"
    assert person.imap.flags(uid) == set()
    assert person.imap.enter() == person.validity and person.find(open_canary) == [uid]


def test_keywords_and_the_mark_for_expunging_survive_what_the_page_changes(person, open_canary):
    uid = person.gets(open_canary)
    theirs = {"$Label1", "later", "\\Deleted"}
    person.imap.ask("UID", "STORE", str(uid), "+FLAGS", "(%s)" % " ".join(theirs))
    person.change(open_canary, add=["seen", "flagged"])
    assert person.imap.flags(uid) == theirs | {"\\Seen", "\\Flagged"}
    person.change(open_canary, remove=["flagged"])
    assert person.imap.flags(uid) == theirs | {"\\Seen"}


def test_keywords_go_along_by_name_when_the_page_moves_and_takes_back(person, open_canary):
    """The letters differ from folder to folder; Dovecot has both folders open before and after."""
    uid, other = person.gets(open_canary), person.gets("other" + open_canary[4:])
    person.api.post("/folders", {"name": "Labels"})
    person.imap.ask("UID", "COPY", str(other), "Labels")
    person.imap.ask("UID", "STORE", str(uid), "+FLAGS", "($Label1 later \\Flagged)")
    mine = person.imap.flags(uid)
    assert len(mine) == 3
    person.imap.enter("Labels")
    (there,) = person.imap.uids()
    person.imap.ask("UID", "STORE", str(there), "+FLAGS", "(Theirs First)")
    one = person.sees(open_canary)["id"]
    assert person.change_id(one, move=".Labels") == "ok"
    (moved,) = person.find(open_canary)
    assert person.imap.flags(moved) == mine
    assert person.imap.flags(there) == {"Theirs", "First"}
    person.imap.ask("UID", "STORE", str(moved), "+FLAGS", "(New)")
    assert person.imap.flags(moved) == mine | {"New"}
    assert person.change_id(one, move="INBOX") == "ok"
    person.imap.enter()
    (back,) = person.find(open_canary)
    assert person.imap.flags(back) == mine | {"New"}


def test_what_a_mail_program_does_is_told_to_an_open_page(person, open_canary):
    uid = person.gets(open_canary)
    other = "other" + open_canary[4:]
    assert person.sees(open_canary)
    events = person.api.events()
    begun = time.monotonic()
    person.imap.ask("UID", "STORE", str(uid), "+FLAGS", "(\\Flagged)")
    assert next(events) == ["mail"]
    assert time.monotonic() - begun < 10
    assert person.sees(open_canary)["flags"] == ["flagged"]
    person.imap.append("INBOX", None, None, message(person.address, "a@example.test", other).encode())
    assert next(events) == ["mail"]
    assert person.sees(other)
    person.imap.ask("UID", "MOVE", str(uid), "Trash")
    assert next(events) == ["mail"]
    assert person.sees(open_canary, ".Trash")
    person.imap.ask("CREATE", quoted("Phone"))
    assert next(events) == ["mail"]
    assert "Phone" in person.folders()


# --- places

def test_moving_here_and_there_is_seen_there_and_here(person, open_canary):
    other = "other" + open_canary[4:]
    uid, stays = person.gets(open_canary), person.gets(other)
    person.api.post("/folders", {"name": "Work"})
    assert person.change(open_canary, move=".Work") == "ok"
    assert person.find(open_canary) == [] and person.find(other) == [stays]
    assert person.imap.enter() == person.validity
    person.imap.enter("Work")
    (moved,) = person.find(open_canary)
    person.imap.ask("UID", "MOVE", str(moved), "INBOX")
    assert person.sees(open_canary, ".Work") is None
    assert person.sees(open_canary)["folder"] == "INBOX"
    person.imap.enter()
    (back,) = person.find(open_canary)
    assert back != uid and person.find(other) == [stays]


def test_moved_away_and_taken_back_within_a_moment_it_keeps_its_uid(person, open_canary):
    uid = person.gets(open_canary)
    one = person.sees(open_canary)["id"]
    for _ in range(3):
        assert person.change_id(one, move=".Trash") == "ok"
        assert person.change_id(one, move="INBOX") == "ok"
    assert person.find(open_canary) == [uid]
    assert person.imap.enter() == person.validity


def test_what_one_deletes_for_good_is_gone_for_the_other(person, open_canary):
    here, there = "here" + open_canary, "there" + open_canary
    person.gets(here)
    uid = person.gets(there)
    assert person.change(here, erase=True) == "ok"
    person.imap.ask("UID", "STORE", str(uid), "+FLAGS.SILENT", "(\\Deleted)")
    person.imap.expunge()
    assert person.imap.uids() == [] and person.listed() == []


def test_a_message_that_imap_moved_still_says_how_it_came(person, open_canary):
    uid = person.gets(open_canary)
    before = person.api.get(f"/messages/{person.sees(open_canary)['id']}")["arrival"]
    person.imap.ask("UID", "MOVE", str(uid), "Drafts")
    after = person.api.get(f"/messages/{person.sees(open_canary, '.Drafts')['id']}")["arrival"]
    assert after == before and before["origin"] == "account"


def test_a_copy_made_by_imap_is_a_message_of_its_own(person, open_canary):
    """Dovecot makes it under the same file name; what is done to the one must not hit the other."""
    uid = person.gets(open_canary)
    person.imap.ask("UID", "COPY", str(uid), "Trash")
    assert person.change(open_canary, ".Trash", erase=True) == "ok"
    assert person.sees(open_canary) and not person.sees(open_canary, ".Trash")
    assert person.find(open_canary) == [uid]


# --- folders

@pytest.mark.parametrize("name, wire", [("Plain", "Plain"), (UMLAUT, UMLAUT_WIRE),
                                        (NESTED, NESTED_WIRE)])
def test_a_folder_of_the_page_is_one_in_imap(person, name, wire, open_canary):
    person.gets(open_canary)
    person.api.post("/folders", {"name": name})
    folder = person.folders()[name]["folder"]
    assert wire in person.imap.folders() and wire in person.imap.folders("LSUB")
    person.change(open_canary, move=folder)
    validity = person.imap.enter(wire)
    (uid,) = person.find(open_canary)
    person.imap.enter()

    person.api.patch("/folders/" + percent(folder), {"name": name + " 2"})
    assert wire + " 2" in person.imap.folders() and wire not in person.imap.folders("LSUB")
    assert wire + " 2" in person.imap.folders("LSUB")
    assert person.imap.enter(wire + " 2") == validity and person.find(open_canary) == [uid]
    person.imap.enter()

    person.api.delete("/folders/" + percent(person.folders()[name + " 2"]["folder"]))
    assert wire + " 2" not in person.imap.folders() | person.imap.folders("LSUB")
    person.imap.enter("Trash")
    assert len(person.find(open_canary)) == 1


@pytest.mark.parametrize("name, wire", [("Plain", "Plain"), (UMLAUT, UMLAUT_WIRE),
                                        (NESTED, NESTED_WIRE)])
def test_a_folder_of_imap_is_one_in_the_page(person, name, wire, open_canary):
    uid = person.gets(open_canary)
    person.imap.ask("CREATE", quoted(wire))
    person.imap.ask("SUBSCRIBE", quoted(wire))
    person.imap.ask("UID", "COPY", str(uid), quoted(wire))
    folder = person.folders()[name]
    assert (folder["total"], folder["unseen"]) == (1, 1)
    assert person.sees(open_canary, folder["folder"])

    person.imap.ask("RENAME", quoted(wire), quoted(wire + " 2"))
    assert name not in person.folders()
    assert person.sees(open_canary, person.folders()[name + " 2"]["folder"])

    person.imap.ask("DELETE", quoted(wire + " 2"))
    assert name + " 2" not in person.folders()
    assert person.sees(open_canary)


def test_what_lies_below_goes_along_whoever_renames(person):
    for name in ("A", "A/B", "A/B/C"):
        person.api.post("/folders", {"name": name})
    person.imap.ask("RENAME", "A", "Z")
    assert set(person.folders()) == {"Z", "Z/B", "Z/B/C"}
    person.api.patch("/folders/.Z", {"name": "Ä"})
    assert {"&AMQ-", "&AMQ-.B", "&AMQ-.B.C"} <= person.imap.folders()
    assert not {"Z", "Z.B", "Z.B.C"} & person.imap.folders()


def test_a_folder_made_again_under_the_old_name_is_another_one_for_imap(person, open_canary):
    person.gets(open_canary)
    person.api.post("/folders", {"name": "Again"})
    person.change(open_canary, move=".Again")
    first = person.imap.enter("Again")
    person.imap.enter()
    person.api.delete("/folders/.Again")
    person.api.post("/folders", {"name": "Again"})
    assert person.imap.enter("Again") != first
    assert person.imap.uids() == []


def test_a_mail_program_is_told_which_folders_are_which(person):
    """RFC 6154: so that both put the same things into the same folders."""
    person.api.get("/folders")
    listed = b"\n".join(person.imap.ask("LIST", '""', "*", "RETURN", "(SPECIAL-USE)"))
    for use in ("Drafts", "Sent", "Archive", "Junk", "Trash"):
        assert f"\\{use}".encode() in listed, listed
    kinds = {f["kind"] for f in person.api.get("/folders")["folders"]}
    assert kinds == {"inbox", "drafts", "sent", "archive", "junk", "trash"}


# --- what is written here

def test_a_draft_of_the_page_is_a_draft_in_imap(person, open_canary):
    draft = new_draft()
    for revision in (1, 2):
        person.api.put(f"/drafts/{draft}", letter(person, open_canary, f"Größe {revision}", revision))
    person.imap.enter("Drafts")
    (uid,) = person.find(open_canary)
    assert person.imap.flags(uid) == {"\\Draft", "\\Seen"}
    person.imap.ask("UID", "STORE", str(uid), "+FLAGS", "(\\Flagged $Label1)")
    assert person.api.get(f"/drafts/{draft}")["body"] == "Größe 2"
    person.api.put(f"/drafts/{draft}", letter(person, open_canary, "Größe 3", 3))
    (uid,) = person.find(open_canary)
    assert "=C3=B6=C3=9Fe 3".encode() in person.imap.text(uid)
    person.imap.ask("UID", "STORE", str(uid), "+FLAGS.SILENT", "(\\Deleted)")
    person.imap.expunge()
    with pytest.raises(Refused, match="not-found"):
        person.api.get(f"/drafts/{draft}")


def test_a_draft_of_a_mail_program_is_listed_among_the_drafts(person, open_canary):
    person.imap.append("Drafts", "(\\Draft \\Seen)", None,
                       message(person.address, "a@example.test", open_canary).encode())
    seen = person.sees(open_canary, ".Drafts")
    assert sorted(seen["flags"]) == ["draft", "seen"]


def test_what_the_page_sent_is_in_sent_for_imap(person, open_canary):
    sent = person.api.send("bernd@example.test", open_canary)
    person.imap.enter("Sent")
    (uid,) = person.find(open_canary)
    assert person.imap.flags(uid) == {"\\Seen"}
    person.imap.ask("UID", "STORE", str(uid), "+FLAGS", "(\\Answered Mine)")
    seen = person.sees(open_canary, ".Sent")
    assert seen["sent"] == sent and sorted(seen["flags"]) == ["answered", "seen"]
    assert person.find(open_canary) == [uid]
    person.imap.enter("Drafts")
    assert person.find(open_canary) == []


def test_what_is_taken_back_is_a_draft_again_for_imap(person, open_canary):
    draft = person.api.send("bernd@example.test", open_canary, hold=30)
    person.imap.enter("Sent")
    assert len(person.find(open_canary)) == 1
    person.api.request("POST", f"/sent/{draft}/undo")
    assert person.find(open_canary) == []
    person.imap.enter("Drafts")
    assert len(person.find(open_canary)) == 1


def test_a_large_message_that_a_mail_program_puts_there_is_the_same_in_the_page(person, open_canary):
    body = base64.encodebytes(random.Random(4).randbytes(14 << 20)).decode()
    text = message(person.address, person.address, open_canary) + body.replace("\n", "\r\n")
    reader = threading.Thread(target=lambda: [person.sees(open_canary) for _ in range(20)])
    reader.start()
    person.imap.append("INBOX", None, None, text.encode())
    reader.join()
    seen = person.sees(open_canary)
    assert digest(person.api.get(f"/messages/{seen['id']}/source")) == digest(text.encode())
    assert person.change_id(seen["id"], add=["flagged"], move=".Archive") == "ok"
    person.imap.enter("Archive")
    (uid,) = person.find(open_canary)
    assert digest(person.imap.text(uid)) == digest(text.encode())


# --- both at once

def test_expunged_there_while_it_is_thrown_away_here(person, open_canary):
    """Each of many is gone or in the trash; those that neither touched are where they were."""
    put(person, 60)
    ids = {m["id"] for m in person.listed() if int(m["subject"].split()[1]) % 3}
    person.imap.ask("UID", "STORE", "1:20", "+FLAGS.SILENT", "(\\Deleted)")
    outcomes = []
    page = threading.Thread(target=lambda: outcomes.extend(
        c["outcome"] for c in person.api.post(
            "/messages/change", {"ids": sorted(ids), "move": ".Trash"})["changed"]))
    page.start()
    person.imap.expunge()
    page.join()
    assert set(outcomes) <= {"ok", "not-found"}
    left = {m["subject"] for m in person.listed()}
    thrown = {m["subject"] for m in person.listed(".Trash")}
    assert left == {f"number {n}" for n in range(60) if n % 3 == 0 and n >= 20}
    assert {f"number {n}" for n in range(20, 60) if n % 3} <= thrown
    assert len(person.imap.uids()) == len(left)


SECONDS, WORK = 5, ("page", "list", "flag", "move")


def test_both_at_once_for_some_seconds_lose_nothing(person):
    put(person, 80)
    for name in ("One", "Two"):
        person.api.post("/folders", {"name": name})
    before = contents(person)
    names = ["INBOX", "One", "Two", "Archive", "Trash"]
    done, end = collections.Counter(), time.monotonic() + SECONDS

    def going():
        """For some seconds, and until each has done some of it."""
        now = time.monotonic()
        return now < end or (now < end + 30 and min(done[what] for what in WORK) < 5)
    threads = [threading.Thread(target=act, args=(person, names, going, done), name=act.__name__)
               for act in (the_page_changes, the_page_lists, the_page_renames)]
    for thread in threads:
        thread.start()
    imap_changes(person, names, going, done)
    for thread in threads:
        thread.join()
    assert min(done[what] for what in WORK) >= 5 and done["rename"], done

    person.begin_imap()
    after = contents(person)
    assert set(after) == set(before)
    assert person.imap.enter() == person.validity
    here, there = what_the_page_has(person), what_imap_has(person)
    assert here == there
    assert sum(here.values()) >= 80


def imap_changes(person, names, going, done):
    """The same as a mail program does it; what moved meanwhile may be refused."""
    dice = random.Random(1)
    while going():
        folder, to = dice.sample(names, 2)
        try:
            person.imap.enter(folder)
            uids = dice.sample(person.imap.uids(), 3)
            person.imap.ask("UID", "STORE", ",".join(map(str, uids)), dice.choice(["+FLAGS", "-FLAGS"]),
                            dice.choice(["(\\Seen)", "(\\Flagged)", "(\\Answered $Label1)"]))
            done["flag"] += 1
            person.imap.ask("UID", "MOVE", str(uids[0]), to)
            done["move"] += 1
        except Imap.abort:  # the folder it was in has another name now
            done["imap begins again"] += 1
            person.begin_imap()
        except (Imap.error, ValueError):
            done["imap refused"] += 1


def the_page_changes(person, names, going, done):
    dice = random.Random(2)
    api = Api(person.siegel, person.address)
    while going():
        messages = api.get("/messages", everywhere=1, folder=".Trash", limit=200)["messages"]
        ask = {"ids": [m["id"] for m in dice.sample(messages, 4)]}
        ask[dice.choice(["add", "remove"])] = [dice.choice(["seen", "flagged"])]
        if dice.random() < 0.6:
            ask["move"] = maildir(dice.choice(names))
        try:
            for changed in api.post("/messages/change", ask)["changed"]:
                assert changed["outcome"] in ("ok", "not-found", "exists"), changed
                done["page " + changed["outcome"]] += 1
            done["page"] += 1
        except Refused as refused:  # the folder has another name just now
            assert refused.status == 404, refused
            done["page refused"] += 1


def the_page_lists(person, names, going, done):
    api = Api(person.siegel, person.address)
    for name in itertools.cycle(names):
        if not going():
            return
        try:
            api.get("/messages", folder=maildir(name), limit=50)
            done["list"] += 1
        except Refused as refused:
            assert name == "Two" and refused.status == 404, refused


def the_page_renames(person, _, going, done):
    api = Api(person.siegel, person.address)
    for old, new in itertools.cycle([("Two", "Drei"), ("Drei", "Two")]):
        try:
            api.patch("/folders/" + maildir(old), {"name": new})
        except Refused as refused:  # a mail program has made it again meanwhile
            assert refused.status == 409, refused
            return
        done["rename"] += 1
        if new == "Two" and not going():
            return
        time.sleep(0.1)


# --- passwords

def test_an_application_password_is_good_for_imap_and_submission_and_the_other_one_no_more(
        person, siegel, client, dovecot):
    made = person.api.post("/app-passwords", {"name": "telephone", "password": siegel.password})
    app = made["password"]
    for password in (siegel.password, app):
        eventually(lambda: may_read(client, dovecot, person.address, password), 3, "IMAP takes it")
        assert may_send(siegel, person.address, password)

    secret = person.api.request("POST", "/second-factor")["secret"]
    person.api.put("/second-factor", {"code": code(secret), "password": siegel.password})
    assert not may_send(siegel, person.address, siegel.password)
    eventually(lambda: not may_read(client, dovecot, person.address, siegel.password), 3,
               "IMAP refuses the password of the pages")
    assert may_read(client, dovecot, person.address, app) and may_send(siegel, person.address, app)

    person.api.delete(f"/app-passwords/{made['passwords'][0]['entry']}")
    assert not may_send(siegel, person.address, app)
    # Dovecot looks at the file once in a second.
    eventually(lambda: not may_read(client, dovecot, person.address, app), 3, "IMAP refuses it")

    person.api.request("DELETE", "/second-factor", {"password": siegel.password})
    eventually(lambda: may_read(client, dovecot, person.address, siegel.password), 3, "as before")


def may_read(client, dovecot, address, password):
    imap = Imap(client, dovecot)
    try:
        imap.login(address, password)
        return True
    except Imap.error:
        return False
    finally:
        imap.shutdown()


def may_send(siegel, address, password):
    with siegel.client.smtp(siegel.address, 465, siegel.hostname) as smtp:
        try:
            smtp.login(address, password)
            return True
        except smtplib.SMTPAuthenticationError:
            return False


def code(secret):
    """RFC 6238, from scratch: that of the step before counts too."""
    mac = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30),
                   hashlib.sha1).digest()
    at = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


# --- what more than one of them needs

def percent(folder):
    return "".join(c if c.isalnum() or c in ".-" else f"%{ord(c):02X}" for c in folder)


def maildir(name):
    return name if name == "INBOX" else "." + name


def letter(person, subject, body, revision):
    return {"from": person.address, "to": [{"name": "", "address": "bernd@example.test"}], "cc": [],
            "bcc": [], "subject": subject, "body": body, "revision": revision}


def put(person, n):
    for i in range(n):
        person.imap.append("INBOX", None, None, message(
            person.address, person.address, f"number {i}", X_Salt=str(i * i)).encode())
    eventually(lambda: len(person.listed()) == n, 10, "all are listed")


def digest(text):
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()


def contents(person):
    """How often each content is there, whichever the folder, as the files have it."""
    found = collections.Counter()
    for part in ("cur", "new"):
        for file in person.siegel.maildir(person.address).glob(f"**/{part}/*"):
            found[digest(file.read_bytes())] += 1
    return found


FLAG_WORDS = {flag: word for word, flag in FLAGS}


def what_imap_has(person):
    found = collections.Counter()
    for folder in person.imap.folders():
        person.imap.enter(folder)
        for uid in person.imap.uids():
            flags = sorted(FLAG_WORDS[f] for f in person.imap.flags(uid) if f in FLAG_WORDS)
            found[maildir(folder), *flags, digest(person.imap.text(uid))] += 1
    return found


def what_the_page_has(person):
    found = collections.Counter()
    for folder in [f["folder"] for f in person.api.get("/folders")["folders"]]:
        for m in person.listed(folder):
            source = person.api.get(f"/messages/{m['id']}/source")
            found[folder, *sorted(m["flags"]), digest(source)] += 1
    return found
