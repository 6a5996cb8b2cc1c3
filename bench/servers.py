# SPDX-License-Identifier: ISC
"""The servers the bench compares, and the sinks they relay to. All of them listen on loopback
addresses of the bench's own network namespace, with one ECDSA P-256 key and one session ticket.

Where mail may go:
    bench@bench.test        local: a Maildir
    ...@reuse.test          a sink with TLS, connections kept
    ...@new.test            a sink with TLS, which ends a connection after one message
    ...@plain.test          a sink without TLS
    ...@down.test           an address where nobody listens
    ...@dane.test           the sink of new.test under a name in a signed zone, with a TLSA record
"""
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import measure

PORT = 20025  # of all that relayed mail goes to
SINK, PLAIN, DOWN, ONCE = "127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4"
SIGNED = "dane.test"


def eventually(condition, within, what, every=0.005):
    end = time.monotonic() + within
    while not (value := condition()):
        if time.monotonic() > end:
            raise RuntimeError(f"not within {within} s: {what}")
        time.sleep(every)
    return value


def greeting(address, timeout=5):
    """True once somebody says 220 there."""
    try:
        with socket.create_connection(address, timeout=timeout) as peer:
            return peer.recv(512).startswith(b"220")
    except OSError:
        return False


def file_names(folder):
    return set(os.listdir(folder)) if folder.exists() else set()


def empty(folder):
    for name in file_names(folder):
        (folder / name).unlink()


class Sink:
    """bench/sink.c at work; `arrived` is how many messages it has taken."""

    def __init__(self, binaries, home, address, certificate=None, *more):
        home.mkdir(parents=True, exist_ok=True)
        self.stats, self.times = home / "stats.json", home / "times"
        self.stats.unlink(missing_ok=True)
        argv = [binaries / "siegel-sink", "--listen", f"{address}:{PORT}", "--stats", self.stats,
                "--times", self.times, "--name", "mx.sink.test", *more]
        if certificate:
            argv += ["--cert", certificate / "cert.pem", "--key", certificate / "key.pem"]
        self.process = subprocess.Popen(argv)
        eventually(lambda: greeting((address, PORT)), 5, "the sink answers")

    def read(self):
        self.stats.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR1)
        eventually(self.stats.exists, 5, "the sink writes its counts")
        return json.loads(self.stats.read_text())

    def arrived(self):
        return self.read()["messages"]

    def arrivals(self):
        """Moment of arrival (ns) by message number, the last arrival of a number counting."""
        self.read()
        return read_times(self.times)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def read_times(file):
    return {int(number): int(ns) for number, ns in
            (line.split() for line in file.read_text().splitlines() if " " in line)}


class Nameserver:
    """NSD with one signed zone, in which the sink of new.test has a TLSA record. `anchor` is the
    zone's own key: nothing above it is asked."""

    address, port = "127.0.4.53", 20053

    def __init__(self, package_tree, home, certificate):
        self.tree, self.home = package_tree, home
        home.mkdir()
        self.anchor = home / "anchor"
        (home / "zone").write_text(f"""\
$ORIGIN {SIGNED}.
$TTL 3600
@ SOA ns hostmaster 1 3600 600 86400 3600
@ NS ns
@ MX 10 mx
ns A {self.address}
mx A {ONCE}
_{PORT}._tcp.mx TLSA 3 1 1 {self._key_digest(certificate)}
""")
        key = self._run("ldns-keygen", "-k", "-a", "ECDSAP256SHA256", "-r", "/dev/urandom", SIGNED)
        self.anchor.write_text((home / f"{key}.key").read_text())
        self._run("ldns-signzone", "-f", "signed", "zone", key)
        (home / "conf").write_text(f"""\
server:
  ip-address: {self.address}@{self.port}
  zonesdir: {home}
  database: ""
  username: ""
  pidfile: {home}/pid
  xfrdfile: {home}/xfrd
  zonelistfile: {home}/zones
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: {SIGNED}
  zonefile: signed
""")
        log = open(home / "log", "a")
        self.process = subprocess.Popen([self.tree / "usr/sbin/nsd", "-d", "-c", home / "conf"],
                                        env=self._environment(), stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log)
        log.close()
        eventually(self._listens, 10, f"NSD listens, see {home}/log")

    def _environment(self):
        return {**os.environ, "LD_LIBRARY_PATH": f"{self.tree}/usr/lib/x86_64-linux-gnu"}

    def _run(self, program, *arguments):
        return subprocess.run([self.tree / "usr/bin" / program, *arguments], cwd=self.home,
                              env=self._environment(), check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()

    @staticmethod
    def _key_digest(certificate):
        key = subprocess.run(["openssl", "x509", "-in", certificate / "cert.pem", "-noout",
                              "-pubkey"], check=True, stdout=subprocess.PIPE).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key,
                             check=True, stdout=subprocess.PIPE).stdout
        return hashlib.sha256(der).hexdigest()

    def _listens(self):
        try:
            socket.create_connection((self.address, self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Server:
    """What the scenarios need to know of a server."""

    pid = None

    def start(self):
        self.launch()
        self.greets()

    def greets(self):
        eventually(lambda: greeting(self.receive), 20, f"{self.name} answers, see {self.home}/log")

    def cpu(self):
        return measure.cpu_seconds(self.pid)

    def settle(self):
        """Wait until the server has nothing left to do, and answer its CPU time then."""
        before = self.cpu()
        for _ in range(100):
            time.sleep(0.25)
            now = self.cpu()
            if now - before < 0.003:
                return now
            before = now
        return before


POSTFIX_MAIN = """\
compatibility_level = 3.6
myhostname = mx.bench.test
mydomain = bench.test
mydestination =
alias_maps =
local_recipient_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.2.1
inet_protocols = ipv4
maillog_file = /dev/stdout
message_size_limit = 0
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = bench.test
virtual_mailbox_base = /var/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:30001
virtual_gid_maps = static:30001
smtpd_peername_lookup = no
smtpd_tls_security_level = may
smtpd_tls_eccert_file = /etc/postfix/cert.pem
smtpd_tls_eckey_file = /etc/postfix/key.pem
smtpd_tls_received_header = yes
smtp_tls_security_level = encrypt
smtp_host_lookup = native
default_process_limit = 500
transport_maps = inline:{{ {{new.test = smtp:[{once}]:{port}}},
    {{reuse.test = reuse:[{sink}]:{port}}}, {{down.test = smtp:[{down}]:{port}}} }}
"""
# 25: takes and delivers. 26: takes and holds. What stands behind them is the lab's.
POSTFIX_MASTER = """\
25        inet  n - n - - smtpd
26        inet  n - n - - smtpd
  -o { smtpd_client_restrictions = check_client_access static:HOLD }
reuse     unix  - - n - - smtp -o smtp_tls_connection_reuse=yes
tlsproxy  unix  - - n - 0 tlsproxy
"""
LAB_MASTER = pathlib.Path(__file__).parents[1] / "test/lab/master.cf"


class Postfix(Server):
    """Debian's Postfix from an unpacked package, /usr, /etc and /var laid over this machine's in a
    mount namespace of its own; queue and mailbox are plain folders of the build's file system."""

    name = "postfix"
    users = {"vmail": 30001, "postfix": 30002, "postdrop": 30003}

    def __init__(self, package_tree, home, certificate):
        self.tree, self.home, self.certificate = package_tree, home, certificate
        self.receive, self.hold, self.relay = (("127.0.2.1", port) for port in (25, 26, 25))
        self.sender, self.auth = "bench@bench.test", None
        shutil.rmtree(home, ignore_errors=True)
        for folder in ("spool", "mail/inbox/new", "mail/inbox/cur", "mail/inbox/tmp"):
            (home / folder).mkdir(parents=True)
        for folder in (home / "mail").rglob("*"):
            os.chown(folder, 30001, 30001)
        os.chown(home / "mail", 30001, 30001)

    def _etc(self, upper):
        (upper / "postfix").mkdir(parents=True)
        for file, more in (("passwd", "{0}::/nonexistent:/bin/false"), ("group", "")):
            lines = [line for line in pathlib.Path("/etc", file).read_text().splitlines()
                     if line.split(":")[0] not in self.users]
            lines += [f"{user}:x:{number}:" + more.format(number)
                      for user, number in self.users.items()]
            (upper / file).write_text("\n".join(lines) + "\n")
        (upper / "postfix/main.cf").write_text(POSTFIX_MAIN.format(
            sink=SINK, once=ONCE, down=DOWN, port=PORT))
        (upper / "postfix/master.cf").write_text(POSTFIX_MASTER + LAB_MASTER.read_text())
        for file in ("cert.pem", "key.pem"):
            shutil.copy(self.certificate / file, upper / "postfix" / file)

    def launch(self):
        top = pathlib.Path("/mnt/postfix")
        shutil.rmtree(top, ignore_errors=True)
        self._etc(top / "etc")
        script = ["set -e"]
        for folder in ("etc", "usr", "var"):
            (top / folder).mkdir(exist_ok=True)
            (top / f"{folder}.work").mkdir()
            script.append(f"mount -t overlay bench -o lowerdir={self.tree}/{folder}:/{folder},"
                          f"upperdir={top}/{folder},workdir={top}/{folder}.work /{folder}")
        script += [
            "mount -t tmpfs bench /run",
            "mkdir -p /var/spool/postfix /var/mail",
            f"mount --bind {self.home}/spool /var/spool/postfix",
            f"mount --bind {self.home}/mail /var/mail",
            "install -d -o postfix /var/lib/postfix",
            "chgrp postdrop /usr/sbin/postqueue /usr/sbin/postdrop",
            "chmod 2755 /usr/sbin/postqueue /usr/sbin/postdrop",
            "exec /usr/sbin/postfix start-fg",
        ]
        log = open(self.home / "log", "a")
        self.process = subprocess.Popen(["unshare", "--mount", "sh", "-c", "\n".join(script)],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self.pid = self.process.pid

    def prepare(self):
        pass  # no accounts here

    def stop(self):
        """The master is not the process that was started, and its daemons outlive it for a moment,
        answering in its place."""
        everyone = measure.tree(self.pid)
        for pid in everyone:
            if measure.name_of(pid) == "master":
                os.kill(pid, signal.SIGTERM)
        self.process.wait()
        eventually(lambda: not any(measure.runs(pid) for pid in everyone), 20,
                   "all of Postfix ends")

    def version(self):
        debs = sorted((self.tree.parents[1] / "debs").glob("postfix_*.deb"))
        return debs[-1].name.split("_")[1] if debs else "of unknown version"

    def maildir(self):
        return self.home / "mail/inbox/new"

    def pause_delivery(self):
        pass  # what comes to the port of `hold` is held

    def resume_delivery(self):
        for file in (self.home / "spool/hold").rglob("*"):
            if file.is_file():
                file.unlink()
        empty(self.maildir())

    def queue_folders(self):
        return [self.home / "spool"]


SIEGEL = """\
host_name = "mx.bench.test"
state_directory = "{home}/state"
certificate = {{"{certificate}/cert.pem"}}
key = {{"{certificate}/key.pem"}}
ca_file = "{certificate}/cert.pem"
trust_anchor_file = "{anchor}"
stub_zones = {{{stub}}}
local_zones = {{"test. static"{transparent}}}
local_records = {{"mx.sink.test. 3600 IN A {sink}",
	"mx.once.test. 3600 IN A {once}",
	"mx.plain.test. 3600 IN A {plain}",
	"mx.down.test. 3600 IN A {down}",
	"new.test. 3600 IN MX 10 mx.once.test.",
	"reuse.test. 3600 IN MX 10 mx.sink.test.",
	"plain.test. 3600 IN MX 10 mx.plain.test.",
	"down.test. 3600 IN MX 10 mx.down.test."}}
delivery_port = {port}
allow_networks = {{"127.0.0.0/8"}}
sessions = 20000
sessions_per_address = 20000
{uid_base}
domain "bench.test" {{ secure = "secure.bench.test" }}
listener "mx" {{
	kind = "mx"
	address = "{address}"
	port = {mx_port}
}}
listener "submission" {{
	kind = "submission"
	address = "{address}"
	port = {submission_port}
}}
"""


class Siegel(Server):
    """The server of this tree, with the binaries of one build variant. Mail is held in its queue by
    stopping the one process that would deliver it."""

    name = "siegel"
    user, strict, password = "bench@bench.test", "strict@bench.test", "bench"

    def __init__(self, binaries, home, certificate, nameserver=None):
        self.binaries, self.home, self.certificate = binaries, home, certificate
        self.nameserver = nameserver  # without one, nothing is signed
        address = "127.0.3.1"
        self.receive = self.hold = (address, 20125)
        self.relay = (address, 20587)
        self.sender, self.auth = "bench@secure.bench.test", f"{self.user}:{self.password}"
        self.config = home / "siegel.conf"
        self._fresh()

    def _fresh(self):
        shutil.rmtree(self.home / "state", ignore_errors=True)
        (self.home / "state").mkdir(parents=True)
        ns = self.nameserver
        self.config.write_text(SIEGEL.format(
            anchor=ns.anchor if ns else "",
            stub=f'"{SIGNED}. {ns.address}@{ns.port}"' if ns else "",
            transparent=f', "{SIGNED}. transparent"' if ns else "",
            home=self.home, certificate=self.certificate, sink=SINK, once=ONCE, plain=PLAIN, down=DOWN,
            port=PORT, address=self.receive[0], mx_port=self.receive[1],
            submission_port=self.relay[1],
            uid_base="uid_base = 64000" if os.geteuid() == 0 else ""))

    def ctl(self, *words, stdin=""):
        return subprocess.run([self.binaries / "siegel", "-f", self.config, *words],
                              input=stdin, text=True, check=True, stdout=subprocess.PIPE).stdout

    def launch(self):
        log = open(self.home / "log", "a")
        self.process = subprocess.Popen([self.binaries / "siegeld", "-f", self.config],
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        self.pid = self.process.pid

    def _status(self):
        asked = subprocess.run([self.binaries / "siegel", "-f", self.config, "status", "--json"],
                               text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return json.loads(asked.stdout) if asked.returncode == 0 else None

    def status(self):
        return eventually(self._status, 20, "siegel status answers")

    def prepare(self):
        self.status()
        for user in (self.user, self.strict):
            self.ctl("user", "add", user, stdin=self.password + "\n")
            self.ctl("alias", "on", user)
        self.ctl("alias", "level", self.strict, "dane-only")

    def fresh(self):
        """Begin again with an empty state."""
        self.stop()
        self._fresh()
        self.start()
        self.prepare()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def version(self):
        return subprocess.run(["git", "-C", self.binaries, "describe", "--always", "--dirty"],
                              text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout.strip()

    def maildir(self):
        local, domain = self.user.split("@")
        return self.home / "state/mail" / domain / local / "new"

    def _mailbox(self, number):
        for pid in measure.tree(self.pid):
            if measure.name_of(pid) == "siegel-mailbox":
                os.kill(pid, number)

    def pause_delivery(self):
        self._mailbox(signal.SIGSTOP)

    def resume_delivery(self):
        self._mailbox(signal.SIGCONT)
        eventually(lambda: not self.held(), 120, "all that was held is delivered", every=0.2)
        empty(self.maildir())

    def held(self):
        """How many recipients wait in the queue."""
        return self.status()["figures"]["queued"]

    def queue_folders(self):
        return [self.home / "state/store"]
