# SPDX-License-Identifier: ISC
"""Dovecot on the Maildirs of a Siegel installation, with the very lines that the documentation shows."""
import imaplib
import re
import socket

from internet import REPO
from siegel import UID_BASE

MAILBOX_UID = UID_BASE + 4
DOCUMENT = REPO / "doc" / "dovecot.md"

# What a machine of the lab needs beside that.
CONF = """\
protocols = imap
listen = *
base_dir = /run/dovecot
log_path = /dev/stderr
ssl = required
ssl_cert = </etc/lab/cert.pem
ssl_key = </etc/lab/key.pem
service imap-login {
  chroot =
}
auth_failure_delay = 0 secs
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""


def documented(state):
    """The block of doc/dovecot.md that goes into dovecot.conf, for an installation in `state`."""
    blocks = re.findall(r"^```\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S)
    (block,) = [text for text in blocks if "mail_location" in text]
    return block.replace("/var/lib/siegel", str(state))


class Dovecot:
    def __init__(self, world, siegel):
        self.hostname = "imap.example.test"
        self.machine = world.machine("dovecot", tree="dovecot", users=["dovecot", "dovenull"])
        chain, key = world.authority.issue(self.hostname)
        self.machine.write("/etc/lab/cert.pem", chain.read_text())
        self.machine.write("/etc/lab/key.pem", key.read_text(), mode=0o600)
        self.machine.add_user("siegel-mailbox", MAILBOX_UID)
        self.machine.write("/etc/dovecot/dovecot.conf", CONF + documented(siegel.state))
        self.machine.start("/usr/sbin/dovecot", "-F")
        self.machine.answers_on(143)


class Imap(imaplib.IMAP4):
    """A mail program on the machine "client", inside TLS. What is answered NO or BAD raises."""

    def __init__(self, client, dovecot):
        self.machine, self.address = client.machine, dovecot.machine.v4
        super().__init__(dovecot.hostname, 143)
        self.starttls(client.context(dovecot.hostname))

    def _create_socket(self, timeout=None):
        with self.machine.network():
            return socket.create_connection((self.address, self.port), timeout=20)

    def ask(self, command, *words):
        """The untagged answers to a command (of UID X: to X)."""
        self.untagged_responses.clear()
        kind, said = self._simple_command(command, *words)
        if kind != "OK":
            raise self.error(f"{command} {words}: {said}")
        name = words[0] if command == "UID" else command
        return self._untagged_response(kind, said, "FETCH" if name == "STORE" else name)[1]

    def enter(self, folder="INBOX"):
        """Select a folder. Answers its UIDVALIDITY."""
        kind, said = self.select(quoted(folder))
        if kind != "OK":
            raise self.error(f"SELECT {folder}: {said}")
        return int(self.response("UIDVALIDITY")[1][0])

    def uids(self, *words):
        self.noop()
        (found,) = self.ask("UID", "SEARCH", *(words or ["ALL"]))
        return [int(uid) for uid in (found or b"").split()]

    def flags(self, uid):
        """Flags and keywords of a message, as words."""
        self.noop()
        said = self.ask("UID", "FETCH", str(uid), "(FLAGS)")
        return {flag.decode() for flag in imaplib.ParseFlags(said[-1])} - {"\\Recent"}

    def text(self, uid):
        return self.ask("UID", "FETCH", str(uid), "(BODY.PEEK[])")[0][1]

    def folders(self, command="LIST"):
        """The names as they stand on the wire: modified UTF-7."""
        return {re.search(rb' "?([^"]+)"?$', line)[1].decode()
                for line in self.ask(command, '""', "*") if line}


def quoted(folder):
    return f'"{folder}"'
