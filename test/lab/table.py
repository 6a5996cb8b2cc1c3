# SPDX-License-Identifier: ISC
"""The table of policy.md, section 3, in motion: an installation with an account for each level,
everybody it writes to, and what became of one message from each account to each domain of cells.py.
"""
import collections
import contextlib
import json
import re
import sqlite3
import time
import uuid

import peers as scripts
from cells import CELLS, CONVERSATIONS, LEVELS
from client import message
from internet import LOGS, SILENT
from neighbours import Maildir
from siegel import BIN, Letter, Siegel

Outcome = collections.namedtuple("Outcome", "word seconds letter attempts", defaults=(None, ()))
NOTHING = Outcome("nothing yet", 0)
TIME_FOR_A_LEVEL = 40  # for one level, on a slow machine


class Table:
    """An installation with an account for each level, and everybody it will write to."""

    def __init__(self, world, client, many_faced, exim, policy_host):
        self.world, self.many_faced, self.policy_host = world, many_faced, policy_host
        self.server = Siegel(world, client, "table", "table.test", retries='{"10m"}',
                             delay_notice='"1h"', deadline='"2h"', deadline_opportunistic='"2h"',
                             session_deadline='"1h"')
        self.peers = {name: scripts.Peer(world, f"{name}.test", script)
                      for name, (script, *_) in CONVERSATIONS.items() if script}
        self.peers["sealed-peer"] = scripts.Peer(world, "sealed-peer.test", scripts.sealed_server)
        self.inboxes = [Maildir(server.machine.path("/var/mail/inbox"))
                        for server in (many_faced, exim)]
        self.server.machine.loses_what_goes_to(SILENT)
        self.server.start()
        self.outcomes = {}
        for level in LEVELS:
            self.server.add_user(level, active=level != "opportunistic")
            if level not in ("opportunistic", "encrypt"):
                self.server.ctl("alias", "level", f"{level}@table.test", level)
        store_certificates(self.server, world.faces.digests)

    def level(self, level):
        if level not in self.outcomes:
            self.outcomes[level] = self.send(level)
        return self.outcomes[level]

    def send(self, level):
        """One message to every domain. Answers domain -> Outcome."""
        address = f"{level}@table.test"
        sender = address if level == "opportunistic" else f"{level}@{self.server.secure}"
        sent, found = {}, {}
        since = self.world.witness.now()
        with self.server.client.smtp(self.server.address, 465, self.server.hostname) as smtp:
            smtp.login(address, self.server.password)
            for domain in staged(level):
                may_be_open = CELLS[domain].expected[level] == "clear"
                canary = ("OPEN" if may_be_open else "SEALED") + uuid.uuid4().hex
                sent[canary] = (domain, time.time())
                to = f"dave@{domain}"
                smtp.sendmail(sender, to, message(sender, to, canary))
        letters = Maildir(self.server.maildir(address))
        end = time.monotonic() + TIME_FOR_A_LEVEL
        while len(found) < len(sent) and time.monotonic() < end:
            self.look(sent, letters, found)
            time.sleep(0.1)
        self.server.ctl("queue", "drop", "all")
        self.write_down(level, found)
        leaked = self.world.witness.saw("SEALED", since)
        for canary, (domain, _) in sent.items():
            if leaked and canary.startswith("SEALED") and self.world.witness.saw(canary, since):
                found[domain] = Outcome("crossed in clear", 0)
        return found

    def write_down(self, level, found):
        with open(LOGS / "table.txt", "a") as file:
            for domain in staged(level):
                outcome = found.get(domain, NOTHING)
                file.write(f"{level:14}{domain:32}{outcome.seconds:6.1f} s  {outcome.word}\n")

    def look(self, sent, letters, found):
        """Note what has become of each message that came to something since the last look."""
        for letter in letters.fresh():
            self.note(found, sent, letter.as_string(), lambda text: refusal(letter))
        for inbox in self.inboxes:
            for mail in inbox.fresh():
                self.note(found, sent, mail.get("Subject", ""), lambda text: Outcome("sealed", 0))
        for peer in self.peers.values():
            while peer.messages:
                taken = peer.messages.pop()
                self.note(found, sent, taken.text, lambda text: Outcome(
                    "sealed" if taken.connection.sealed else "clear", 0))
        for item in self.server.queue():
            if item["state"] == "waiting" and item["attempts"] and item["reason"] != "none":
                self.note(found, sent, item["subject"],
                          lambda text: Outcome(f"waits {item['reason']}", 0, None, item))

    def note(self, found, sent, text, outcome):
        for canary in re.findall(r"(?:SEALED|OPEN)[0-9a-f]{32}", text)[:1]:
            if canary in sent:
                domain, at = sent[canary]
                what = outcome(text)
                when = what.letter.mail.arrived if what.letter else time.time()
                found.setdefault(domain, what._replace(seconds=when - at))


def refusal(mail):
    letter = Letter(mail)
    return Outcome(f"refused {letter.field('X-Siegel-Reason')}", 0, letter)


def store_certificates(server, digests):
    """What the operator has stored for each domain: its server's key, another one, or nothing."""
    commands = []
    for cell in CELLS.values():
        key = "00" * 32 if cell.stored == "other" else digests.get(f"{cell.server}.key", "11" * 32)
        if cell.stored:
            commands.append(f"{BIN}/siegel -f {server.conf} certificate add {cell.domain}"
                            f" --key {key} --expires 2099-01-01")
    server.machine.run("sh", "-e", stdin="\n".join(commands), timeout=120)
    let_expire(server, [cell.domain for cell in CELLS.values() if cell.stored == "expired"])


def let_expire(server, domains):
    """Nobody can store what has expired already, so time is moved on behind the store's back."""
    server.stop()
    with contextlib.closing(sqlite3.connect(server.state / "store/store.db")) as database, database:
        for domain in domains:
            assert database.execute("UPDATE stored_certificate SET expires = 1000"
                                    " WHERE domain = ?", (domain,)).rowcount == 1
    server.start()


class Asker:
    """Another installation, which sends nothing: `siegel check` says what would happen. It goes by
    the name of the one that sends, so that both take the same host for themselves.
    """

    def __init__(self, world, client):
        self.server = Siegel(world, client, "asker", "asker.test", host_name='"mx.table.test"')
        self.server.machine.loses_what_goes_to(SILENT)
        self.server.start()
        store_certificates(self.server, world.faces.digests)

    def ask(self, level):
        """Answers domain -> what `siegel check --json` said, with the seconds it took."""
        folder = self.server.home / level
        folder.mkdir()
        command = (f"begun=$(date +%s%3N); {BIN}/siegel -f {self.server.conf} check \"dave@$1\""
                   f" --level {level} --json >\"$1\" 2>&1;"
                   " echo $(($(date +%s%3N) - begun)) >\"$1.ms\"")
        self.server.machine.run("sh", "-c", f"cd {folder}; xargs -P 4 -n 1 sh -c '{command}' ask",
                                stdin="\n".join(staged(level)), timeout=300, check=False)
        answers = {}
        for domain in staged(level):
            text = (folder / domain).read_text()
            assert text.startswith("{"), f"{domain}: {text}"
            answers[domain] = {**json.loads(text),
                               "seconds": int((folder / f"{domain}.ms").read_text()) / 1000}
        return answers


def said(answer):
    """An answer in the words of an outcome; no reason where time was too short to find it."""
    if not answer["complete"]:
        return "waits"
    if answer["verdict"] == "accepted":
        return "sealed" if answer["tls_version"] else "clear"
    return f"{'refused' if answer['verdict'] == 'refused' else 'waits'} {answer['reason']}"


def staged(level):
    return [domain for domain, cell in CELLS.items() if cell.expected[level] != "-"]
