# SPDX-License-Identifier: ISC
"""Our own server in the lab: configuration, life and death, accounts, mailboxes."""
import json
import os
import shutil
import signal

from internet import LAB, NAMESERVER, REPO, eventually
from nameserver import TRUST_ANCHOR
from neighbours import read_maildir, wait_for_message

BUILT = REPO / "build" / os.environ.get("LAB_VARIANT", "release") / "bin"
BIN = LAB / "bin"  # a copy, so that a build beside the lab does not change what is tested
ROLES = ("store", "smtpd", "delivery", "mailbox", "web")
UID_BASE = 41000
DOVECOT_GID = 30001
HELP = "https://example.test/why"

# Short waits, so that what takes minutes outside takes seconds here. Everything a test promises
# about time is promised with the real second look of three seconds.
SETTINGS = {
    "help_url": f'"{HELP}"',
    "trust_anchor_file": f'"{TRUST_ANCHOR}"',
    "root_servers": f'{{"{NAMESERVER}"}}',
    "local_zones": '{"test. transparent"}',
    "retries": '{"1s", "2s", "3s", "5s"}',
    "delay_notice": '"6s"',
    "deadline": '"60s"',
    "deadline_opportunistic": '"60s"',
    "connect_deadline": '"3s"',
    "sessions_per_address": "200",
    "auth_group": f'"{DOVECOT_GID}"',
    "disk_reserve": '"4M"',
    "log_level": '"debug"',
}


def copy_programs():
    shutil.copytree(BUILT, BIN)


class Siegel:
    """One installation on a machine of its own. Not started until start()."""

    password = "correct horse battery staple"

    def __init__(self, world, client, name, domain, **settings):
        self.client, self.domain, self.secure = client, domain, f"secure.{domain}"
        self.hostname = f"mx.{domain}"
        self.machine = world.machine(name)
        self.address = self.machine.v4
        self.home = LAB / "siegel" / name
        self.state = self.home / "state"
        self.state.mkdir(parents=True)
        self.conf = self.home / "siegel.conf"
        self.authority = world.authority
        self.chain, self.key = self.home / "cert.pem", self.home / "key.pem"
        self.use_certificate()
        self.settings = {**SETTINGS, **settings}
        self.listeners = {"mx": ("mx", 25), "submission": ("submission", 587),
                          "submissions": ("submissions", 465), "secure": ("secure-mx", 2525)}
        self.sections = ""  # more of them
        self.daemon = None
        self.configure()

    def use_certificate(self, serial="", rsa=False):
        chain, key = self.authority.issue(self.hostname, serial=serial, rsa=rsa)
        self.chain.write_text(chain.read_text())
        self.key.write_text(key.read_text())
        self.key.chmod(0o600)

    def mount_small_disk(self):
        """48 MB of ext4 for its state; of tmpfs, where there are no loop devices."""
        disk = self.home / "disk.img"
        with open(disk, "wb") as image:
            image.truncate(48 << 20)
        made = self.machine.run("mkfs.ext4", "-q", "-O", "^has_journal", disk, check=False)
        if made.returncode or self.machine.run("mount", "-o", "loop", disk, self.state,
                                               check=False).returncode:
            self.machine.run("mount", "-t", "tmpfs", "-o", "size=48m,mode=755", "lab", self.state)

    def configuration(self, **changes):
        """The text of a configuration; a change of None leaves the option out."""
        options = {"host_name": f'"{self.hostname}"', "state_directory": f'"{self.state}"',
                   "certificate": f'{{"{self.chain}"}}', "key": f'{{"{self.key}"}}',
                   "ca_file": f'"{self.authority.file}"', "uid_base": str(UID_BASE),
                   **self.settings, **changes}
        lines = [f"{name} = {value}" for name, value in options.items() if value is not None]
        lines.append(f'domain "{self.domain}" {{ secure = "{self.secure}" }}')
        for name, (kind, port) in self.listeners.items():
            for family, address in (("4", self.machine.v4), ("6", self.machine.v6)):
                lines.append(f'listener "{name}{family}" {{\n\tkind = {kind}\n'
                             f'\taddress = "{address}"\n\tport = {port}\n}}')
        return "\n".join(lines) + "\n" + self.sections

    def configure(self, **changes):
        self.conf.write_text(self.configuration(**changes))

    def start(self, within=20):
        self.daemon = self.machine.start(BIN / "siegeld", "-f", self.conf)
        self.is_up(within)

    def is_up(self, within=20):
        for kind, port in self.listeners.values():
            self.machine.answers_on(port, within=within)
        eventually(self.is_ready, within, lambda: "siegel status answers\n" + self.log()[-3000:])

    def is_ready(self):
        """Every role is; whether the resolver is healthy is another question."""
        said = self.ctl("status", "--json", check=False).stdout
        return said.startswith("{") and json.loads(said)["ready"]

    def stop(self, within=20):
        """An orderly stop. Answers the exit status of siegeld."""
        self.signal("siegeld", signal.SIGTERM)
        eventually(lambda: not self.pids("siegeld"), within,
                   lambda: "siegeld stops on SIGTERM\n" + self.log()[-3000:])
        return self.daemon.wait()

    def restart(self):
        self.stop()
        self.start()

    def pids(self, name):
        return self.machine.processes(name)

    def role(self, name):
        """The process of a role (the one process, or an error)."""
        found = eventually(lambda: self.pids(f"siegel-{name}"), 20, f"siegel-{name} runs")
        return found[0]

    def signal(self, name, number):
        for pid in self.pids(name):
            os.kill(pid, number)

    def kill(self, role):
        """kill -9 a role. Answers the process id that died."""
        pid = self.role(role)
        os.kill(pid, signal.SIGKILL)
        return pid

    def log(self):
        return self.machine.log_text()

    def ctl(self, *words, stdin="", check=True):
        return self.machine.run(BIN / "siegel", "-f", self.conf, *words, stdin=stdin, check=check)

    def asks(self, *words):
        """What `siegel ... --json` answers."""
        return json.loads(self.ctl(*words, "--json").stdout)

    def add_user(self, local, active=True, **options):
        """An account with its alias switched on. Answers (address, alias)."""
        address = f"{local}@{self.domain}"
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self.ctl("user", "add", address, *words, stdin=self.password + "\n")
        if active:
            self.ctl("alias", "on", address)
        return address, f"{local}@{self.secure}"

    def maildir(self, address):
        local, domain = address.rsplit("@", 1)
        return self.machine.path(self.state / "mail" / domain / local)

    def inbox(self, address):
        return read_maildir(self.maildir(address))

    def receives(self, address, canary, within=20):
        return wait_for_message(lambda: self.inbox(address), canary, within,
                                lambda: self.log()[-3000:])

    def letters(self, address):
        """The delivery reports in a mailbox."""
        return [Letter(mail) for mail in self.inbox(address)
                if mail.get_content_type() == "multipart/report"]

    def letter(self, address, canary, within=10, action="failed"):
        """Wait for the one report about the message with the canary that says `action`."""
        def found():
            return [letter for letter in self.letters(address) if canary in letter.text
                    and action in [part["Action"] for part in letter.recipients]]
        letters = eventually(found, within, lambda: f"a letter '{action}' about {canary}\n"
                             + self.log()[-4000:])
        assert len(letters) == 1, f"{len(letters)} letters '{action}' about {canary}"
        return letters[0]

    def submit(self, account, sender, recipients, text, port=465, mail_options=(),
               rcpt_options=()):
        """Log in and hand over a message. Raises smtplib's exceptions when refused."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        with self.client.smtp(self.address, port, self.hostname) as smtp:
            smtp.login(account, self.password)
            smtp.sendmail(sender, recipients, text, mail_options, rcpt_options)

    def talk(self, port=25, timeout=30):
        """A raw conversation, after the greeting."""
        talk = self.client.talk(self.address, port, timeout)
        if port != 465:
            greeting = talk.hear()
            assert greeting.startswith("220 "), greeting
        return talk

    def talk_sealed(self, port=25, context=None):
        """The same inside TLS, EHLO said."""
        context = context or self.client.context(self.hostname)
        talk = self.talk(port)
        if port == 465:
            talk.handshake(context)
            assert talk.hear().startswith("220 ")
        else:
            talk.say("EHLO client.test")
            talk.seal(context)
        assert talk.say("EHLO client.test").startswith("250")
        return talk

    def queue(self):
        return self.asks("queue", "list")["items"]

    def is_done_with(self, canary, within=20):
        """Wait until nothing with the canary in its subject is in the queue."""
        eventually(lambda: not [item for item in self.queue() if canary in item["subject"]], within,
                   lambda: f"{canary} leaves the queue: {self.queue()[:3]}")

    def queue_is_empty(self, within=60):
        eventually(lambda: not self.queue(), within,
                   lambda: f"the queue is empty: {self.queue()[:3]}\n{self.log()[-2000:]}")


class Letter:
    """A delivery report: its human part, its machine part, and what came back of the original."""

    def __init__(self, mail):
        self.mail, self.text = mail, mail.as_string()
        parts = list(mail.iter_parts())
        self.human = parts[0].get_content()
        self.machine = parts[1]
        self.original = parts[2].as_string() if len(parts) > 2 else ""
        groups = parts[1].get_payload()
        self.message_fields = groups[0]
        self.recipients = groups[1:]

    def field(self, name, recipient=0):
        return self.recipients[recipient][name]


