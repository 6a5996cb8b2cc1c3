# SPDX-License-Identifier: ISC
"""The real mail servers next door: Postfix, Exim, OpenSMTPD. Each takes mail for its own domain
into one Maildir, whatever the local part, and sends what its sendmail is given.
"""
import email
import email.policy
import os
import pathlib

from internet import NET4, eventually

INBOX = "/var/mail/inbox"


class Neighbour:
    """What all of them have in common. `domain` is where they receive mail."""

    def __init__(self, world, name, tree, users, extra=()):
        self.domain = f"{name}.test"
        self.hostname = f"mx.{name}.test"
        self.machine = world.machine(name, tree=tree, users=users, extra=extra)
        chain, key = world.authority.issue(self.hostname)
        self.machine.write("/etc/lab/cert.pem", chain.read_text())
        self.machine.write("/etc/lab/key.pem", key.read_text(), mode=0o600)
        self.machine.write("/etc/lab/ca.pem", world.authority.file.read_text())
        self.machine.write("/etc/mailname", self.domain + "\n")

    def inbox(self):
        """All messages that have arrived, oldest first."""
        return read_maildir(self.machine.path(INBOX))

    def receives(self, canary, within=20):
        """Wait for the message with the canary and answer it."""
        return wait_for_message(self.inbox, canary, within,
                                lambda: f"{self.machine.name}\n{self.machine.log_text()[-3000:]}")

    def send(self, sender, recipient, text):
        """Hand a message to this server's own sendmail."""
        self.machine.run("/usr/sbin/sendmail", "-i", "-f", sender, recipient, stdin=text)


def read_maildir(folder):
    files = []
    for part in ("new", "cur"):
        if (folder / part).is_dir():
            files += (folder / part).iterdir()
    return [read_message(file)
            for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)]


class Maildir:
    """A Maildir that is looked at again and again: fresh() answers what has come since."""

    def __init__(self, folder):
        self.folder, self.seen = folder, set()

    def fresh(self):
        new = self.folder / "new"
        messages = []
        for name in os.listdir(new) if new.is_dir() else []:
            if name not in self.seen:
                self.seen.add(name)
                messages.append(read_message(new / name))
        return messages


def read_message(file):
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    message.arrived = file.stat().st_mtime
    return message


def wait_for_message(inbox, canary, within, story=lambda: ""):
    """Wait until exactly one message of inbox() has the canary in its subject."""
    def found():
        return [message for message in inbox()
                if canary in message.get("Subject", "") and message.get_content_type()
                != "multipart/report"]
    matching = eventually(found, within, lambda: f"a message with {canary} arrives\n{story()}")
    assert len(matching) == 1, f"{len(matching)} messages with {canary}"
    return matching[0]


POSTFIX = """\
compatibility_level = 3.6
myhostname = {host}
mydomain = {domain}
myorigin = {domain}
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = all
maillog_file = /dev/stdout
smtputf8_enable = yes
virtual_mailbox_domains = {domain} {others}
virtual_mailbox_base = /var/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:30001
virtual_gid_maps = static:30001
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_peername_lookup = no
smtp_host_lookup = dns
alias_maps =
alias_database =
smtp_connect_timeout = 5s
minimal_backoff_time = 2s
maximal_backoff_time = 5s
queue_run_delay = 2s
bounce_queue_lifetime = 1d
"""
POSTFIX_TLS = """\
smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/lab/cert.pem
smtpd_tls_key_file = /etc/lab/key.pem
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
smtp_tls_security_level = may
smtp_tls_protocols = >=TLSv1.2
smtp_tls_CAfile = /etc/lab/ca.pem
smtp_tls_loglevel = 1
"""
POSTFIX_PLAIN = """\
smtpd_tls_security_level = none
smtp_tls_security_level = none
"""
MASTER = pathlib.Path(__file__).with_name("master.cf")


class Postfix(Neighbour):
    """`services` are the smtpd lines of master.cf, for addresses of their own."""

    def __init__(self, world, name, tls, others="stripped.test two-faced.test plain-second-mx.test",
                 services="smtp inet n - n - - smtpd\n", extra=()):
        super().__init__(world, name, "postfix", ["vmail", "postfix", "postdrop"], extra)
        main = POSTFIX.format(host=self.hostname, domain=self.domain, others=others)
        self.machine.write("/etc/postfix/main.cf", main + (POSTFIX_TLS if tls else POSTFIX_PLAIN))
        self.machine.write("/etc/postfix/master.cf", services + MASTER.read_text())
        self.before_start()
        self.machine.run("install", "-d", "-o", "vmail", "-g", "vmail", "/var/mail", INBOX)
        self.machine.run("install", "-d", "-o", "postfix", "/var/lib/postfix")
        self.machine.run("chgrp", "postdrop", "/usr/sbin/postqueue", "/usr/sbin/postdrop")
        self.machine.run("chmod", "2755", "/usr/sbin/postqueue", "/usr/sbin/postdrop")
        self.machine.start("/usr/sbin/postfix", "start-fg")
        for number in extra or [self.machine.number]:
            self.machine.answers_on(25, f"{NET4}{number}")

    def before_start(self):
        """For what another kind of Postfix needs beside this."""

    def queue_is_empty(self):
        return "queue is empty" in self.machine.run("/usr/sbin/postqueue", "-p").stdout


EXIM = """\
primary_hostname = {host}
domainlist local_domains = {domain}
daemon_smtp_ports = 25
log_file_path = /var/log/exim4/%slog
acl_smtp_rcpt = rcpt
host_lookup =
rfc1413_query_timeout = 0s
never_users = root
exim_user = Debian-exim
exim_group = Debian-exim
tls_certificate = /etc/lab/cert.pem
tls_privatekey = /etc/lab/exim.key
tls_advertise_hosts = {advertise}
begin acl
rcpt:
  accept domains = +local_domains
  accept hosts = :
  deny message = relay not permitted
begin routers
outside:
  driver = dnslookup
  domains = ! +local_domains
  transport = remote
  no_more
inside:
  driver = accept
  transport = inbox
begin transports
remote:
  driver = smtp
  hosts_avoid_tls = {avoid}
  connect_timeout = 5s
inbox:
  driver = appendfile
  directory = {inbox}
  maildir_format
  user = vmail
  group = vmail
begin retry
* * F,1h,5s
"""


class Exim(Neighbour):
    def __init__(self, world, name, tls, others="dane-exim.test"):
        super().__init__(world, name, "exim", ["vmail", "Debian-exim"])
        self.machine.write("/etc/exim4/exim4.conf", EXIM.format(
            host=self.hostname, domain=f"{self.domain} : {others}", inbox=INBOX,
            advertise="*" if tls else "", avoid="" if tls else "*"))
        self.machine.run("install", "-m", "400", "-o", "Debian-exim", "/etc/lab/key.pem",
                         "/etc/lab/exim.key")
        self.machine.run("install", "-d", "-o", "vmail", "-g", "vmail", "/var/mail", INBOX)
        self.machine.run("install", "-d", "-o", "Debian-exim", "-g", "Debian-exim",
                         "/var/spool/exim4", "/var/log/exim4", "/run/exim4")
        self.machine.start("/usr/sbin/exim4", "-bdf", "-q5s")
        self.machine.answers_on(25)

    def send(self, sender, recipient, text):
        self.machine.run("/usr/sbin/exim4", "-i", "-f", sender, recipient, stdin=text)


OPENSMTPD = """\
pki lab cert "/etc/lab/cert.pem"
pki lab key "/etc/lab/key.pem"
table everyone {{ "@" = "vmail" }}
listen on 0.0.0.0 port 25 tls pki lab hostname {host}
listen on socket
action "inbox" maildir "{inbox}" virtual <everyone>
action "outside" relay helo {host}
match from any for domain "{domain}" action "inbox"
match from local for any action "outside"
"""


class OpenSmtpd(Neighbour):
    """Debian 12's OpenSMTPD offers STARTTLS but fails every handshake as a server (its privileged
    key engine does not work with OpenSSL 3; the peer sees an internal_error alert). As a client
    its TLS is sound. A neighbour like any other on the real internet.
    """

    def __init__(self, world, name):
        super().__init__(world, name, "opensmtpd", ["vmail", "opensmtpd", "opensmtpq"])
        self.machine.write("/etc/smtpd.conf", OPENSMTPD.format(
            host=self.hostname, domain=self.domain, inbox=INBOX), mode=0o600)
        self.machine.run("install", "-d", "-o", "vmail", "-g", "vmail", "/var/mail", INBOX)
        self.machine.run("install", "-d", "-m", "711", "/var/spool/smtpd",
                         "/var/lib/opensmtpd/empty")
        self.machine.run("chgrp", "opensmtpq", "/usr/sbin/smtpctl")
        self.machine.run("chmod", "2755", "/usr/sbin/smtpctl")
        self.machine.start("/usr/sbin/smtpd", "-d")
        self.machine.answers_on(25)

    def send(self, sender, recipient, text):
        self.machine.run("/usr/sbin/sendmail", "-f", sender, recipient, stdin=text)
