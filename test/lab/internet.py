# SPDX-License-Identifier: ISC
"""The small internet: machines on one wire, each with a network, processes and files of its own.

A machine is a network namespace with a leg on the bridge of the namespace "router", a process
namespace (what ran there dies with it) and a mount namespace in which /etc, /usr and /var are
overlays: a server's unpacked package tree over this machine's folders, and a tmpfs on top.
Everything lives below /mnt, a tmpfs of the lab's own mount namespace.
"""
import contextlib
import ctypes
import os
import pathlib
import shutil
import socket
import subprocess
import threading
import time

REPO = pathlib.Path(__file__).resolve().parents[2]
BUILD = REPO / "build" / "lab"
LAB = pathlib.Path("/mnt")
OUT = pathlib.Path(os.environ.get("LAB_OUT", BUILD))
LOGS = OUT / "log"

NET4, NET6 = "203.0.113.", "2001:db8::"
NAMESERVER = NET4 + "2"
LAME_SERVER = NET4 + "3"

# Who lives where: the last number of the address, IPv4 and IPv6 alike.
HOSTS = {
    "dns": 2,
    "siegel": 10,
    "small": 11,
    "crash": 12,
    "dovecot": 13,
    "table": 14,
    "years": 18,
    "asker": 17,
    "resolver": 15,
    "partner": 16,
    "client": 20,
    "postfix-tls": 31,
    "postfix-plain": 32,
    "exim-tls": 33,
    "exim-plain": 34,
    "opensmtpd": 35,
    "peers": 40,
    "policy-host": 45,
    "many-faced": 50,
}

# The addresses of the machine "many-faced": one Postfix, another certificate on each.
MANY_FACED = {name: 51 + n for n, name in enumerate([
    "good", "self-signed", "expired", "wrong-name", "other-authority"])}

# Domains whose mail server is one of the machines above.
DOMAINS = {
    "example.test": "siegel",
    "secure.example.test": "siegel",
    "small.test": "small",
    "secure.small.test": "small",
    "crash.test": "crash",
    "secure.crash.test": "crash",
    "table.test": "table",
    "secure.table.test": "table",
    "asker.test": "asker",
    "secure.asker.test": "asker",
    "years.test": "years",
    "secure.years.test": "years",
    "resolver.test": "resolver",
    "secure.resolver.test": "resolver",
    "partner.test": "partner",
    "secure.partner.test": "partner",
    "postfix-tls.test": "postfix-tls",
    "postfix-plain.test": "postfix-plain",
    "exim-tls.test": "exim-tls",
    "exim-plain.test": "exim-plain",
    "opensmtpd.test": "opensmtpd",
}

# Of these, what is signed; its host has a TLSA record for the key of that name (faces.py).
SIGNED_DOMAINS = {"partner.test": "partner", "secure.partner.test": None}

# Domains of scripted peers: each has an address of its own on the machine "peers". Those that
# answer over IPv6 too are in DUAL_STACK. In MORE_MX stands who else is in the MX set, and where.
PEERS = {name + ".test": 100 + n for n, name in enumerate([
    "no-starttls", "starttls-454", "starttls-5xx", "garbage-after-220", "stripped",
    "tls10-only", "handshake-cut", "ehlo-refused", "injected-220", "dead-first-mx",
    "dual-stack", "greylisting", "slow", "refusing", "positive-control", "black-hole-first",
    "sink", "load", "down", "sealed-peer", "plain-second-mx", "rejecting", "flaky", "two-faced",
    "alert", "tls-greylisting", "half-refusing", "cut-early", "greeting-450", "greeting-554",
    "ehlo-450", "starttls-odd", "weak-key", "alert-40", "sealed-ehlo-refused",
    "untouched", "turncoat",
])}
DUAL_STACK = {"dual-stack.test"}
NOBODY = NET4 + "250"
SILENT = NET4 + "249"  # what is sent there is lost: see Machine.loses_what_goes_to
MORE_MX = {
    # (preference, host, address): a host without a listener, an address nobody owns, a real one
    "dead-first-mx.test": [(5, "dead.dead-first-mx.test", NET4 + "41")],
    "black-hole-first.test": [(5, "gone.black-hole-first.test", NOBODY)],
    "plain-second-mx.test": [(20, "second.plain-second-mx.test", NET4 + "32")],
    "two-faced.test": [(20, "second.two-faced.test", NET4 + "31")],
}
PEER_EXTRA = [41]

_setns = ctypes.CDLL(None, use_errno=True).setns


def eventually(condition, within=10.0, what="the condition"):
    """Wait until condition() is true and answer its value; the only way this lab waits."""
    end = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            said = what() if callable(what) else what
            raise AssertionError(f"not within {within:g} s: {said}")
        time.sleep(0.02)


def sh(*argv, **more):
    return subprocess.run([str(a) for a in argv], check=True, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more).stdout


class Machine:
    """One host. `tree` names the package tree that lies over /usr, /etc and /var."""

    def __init__(self, name, number, tree=None, users=(), extra=()):
        self.name, self.number = name, number
        self.v4, self.v6 = f"{NET4}{number}", f"{NET6}{number}"
        self.running = []
        sh("ip", "netns", "add", name)
        sh("ip", "-n", "router", "link", "add", name, "type", "veth", "peer", "name", "eth0",
           "netns", name)
        sh("ip", "-n", "router", "link", "set", name, "master", "wire", "up")
        sh("ip", "-n", name, "link", "set", "lo", "up")
        sh("ip", "-n", name, "link", "set", "eth0", "up")
        for n in [number, *extra]:
            self.add_address(n)
        self._boot(tree, users)

    def add_address(self, number, ipv6=True):
        sh("ip", "-n", self.name, "addr", "add", f"{NET4}{number}/24", "dev", "eth0")
        if ipv6:
            sh("ip", "-n", self.name, "addr", "add", f"{NET6}{number}/64", "dev", "eth0", "nodad")

    def loses_what_goes_to(self, address):
        """Unlike an address that nobody owns, not even ARP says that there is nobody."""
        sh("ip", "-n", self.name, "neigh", "add", address, "lladdr", "02:00:00:00:00:02", "dev",
           "eth0")

    def _boot(self, tree, users):
        home = LAB / "machine" / self.name
        mounts = ["set -e"]
        for folder in ("etc", "usr", "var"):
            upper, work = home / folder, home / (folder + ".work")
            upper.mkdir(parents=True)
            work.mkdir()
            lower = f"/{folder}" if tree is None else f"{tree_at(tree)}/{folder}:/{folder}"
            mounts.append(f"mount -t overlay lab -o lowerdir={lower},upperdir={upper},"
                          f"workdir={work} /{folder}")
        mounts += ["mount -t tmpfs lab /run", "hostname " + self.name,
                   "mkdir -p /run/lock", "echo up", "exec sleep infinity"]
        self.holder = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.name}", "unshare", "--mount", "--pid", "--uts",
             "--fork", "--kill-child", "--mount-proc", "sh", "-c", "\n".join(mounts)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "up\n", f"machine {self.name} does not come up"
        children = f"/proc/{self.holder.pid}/task/{self.holder.pid}/children"
        self.pid = int(pathlib.Path(children).read_text().split()[0])
        self.write("/etc/resolv.conf", f"nameserver {NAMESERVER}\n")
        self.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
        for number, user in enumerate(users, start=30001):
            self.add_user(user, number)

    def add_user(self, user, number):
        for file, line in (("/etc/passwd", f"{user}:x:{number}:{number}::/nonexistent:/bin/false"),
                           ("/etc/group", f"{user}:x:{number}:")):
            lines = [entry for entry in self.path(file).read_text().splitlines()
                     if not entry.startswith(user + ":")]
            self.write(file, "\n".join([*lines, line]) + "\n")

    def path(self, name):
        """A file of this machine, seen from here."""
        return pathlib.Path(f"/proc/{self.pid}/root{name}")

    def write(self, name, text, mode=0o644):
        file = self.path(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_symlink():
            file.unlink()
        file.write_text(text)
        file.chmod(mode)

    def argv(self, *command):
        return ["nsenter", "-t", str(self.pid), "--mount", "--net", "--pid", "--uts",
                *[str(word) for word in command]]

    def run(self, *command, stdin="", check=True, timeout=60, env=None):
        """Run to the end. Answers stdout and stderr together with the exit status."""
        done = subprocess.run(self.argv(*command), input=stdin, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                              env=env)
        if check and done.returncode:
            raise AssertionError(f"{self.name}# {' '.join(map(str, command))}\n{done.stdout}")
        return done

    def start(self, *command, log=None, env=None):
        """Run in the background, output to LOGS/<machine>.log (or `log`)."""
        out = open(LOGS / f"{log or self.name}.log", "a")
        process = subprocess.Popen(self.argv(*command), stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, env=env)
        out.close()
        self.running.append(process)
        return process

    def log_text(self, log=None):
        file = LOGS / f"{log or self.name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def processes(self, name=None):
        """Process ids (as seen from here) of what runs on this machine, by command name."""
        here = os.readlink(f"/proc/{self.pid}/ns/pid")
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if os.readlink(entry / "ns/pid") != here or not (entry / "cmdline").read_bytes():
                    continue
                if name is None or (entry / "comm").read_text().strip() == name[:15]:
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    @contextlib.contextmanager
    def network(self):
        """Sockets made inside belong to this machine; only the calling thread is moved."""
        with _in_network(self.name):
            yield

    def connect(self, host, port, timeout=20):
        with self.network():
            return socket.create_connection((host, port), timeout=timeout)

    def listen(self, address, port=25):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.network():
            sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(128)
        return sock

    def answers_on(self, port, address=None, within=20):
        """Wait until something accepts connections there."""
        def connected():
            try:
                self.connect(address or self.v4, port, timeout=2).close()
                return True
            except OSError:
                return False
        eventually(connected, within, lambda: f"{self.name} listens on port {port}\n"
                   + self.log_text()[-2000:])

    def shut_down(self):
        self.holder.kill()
        self.holder.wait()
        for process in self.running:
            process.wait()


@contextlib.contextmanager
def _in_network(name):
    """Move the calling thread into a network namespace and back again."""
    here = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if _setns(there, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns", name)
        yield
    finally:
        if _setns(here, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns back from", name)
        os.close(here)
        os.close(there)


router_network = lambda: _in_network("router")


def tree_at(name):
    """A package tree; a copy of it where the build folder lies under an overlay's own floor."""
    tree = BUILD / "root" / name
    if REPO.parts[1] not in ("etc", "usr", "var"):
        return tree
    copy = LAB / "root" / name
    if not copy.exists():
        shutil.copytree(tree, copy, symlinks=True)
    return copy


def build_wire():
    """The lab's own mounts and the bridge everything hangs on."""
    sh("mount", "-t", "tmpfs", "-o", "mode=755", "lab", LAB)
    sh("mount", "-t", "tmpfs", "lab", "/run")
    pathlib.Path("/run/netns").mkdir()
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    sh("ip", "link", "set", "lo", "up")
    sh("ip", "netns", "add", "router")
    sh("ip", "-n", "router", "link", "set", "lo", "up")
    sh("ip", "-n", "router", "link", "add", "wire", "type", "bridge", "stp_state", "0",
       "forward_delay", "0")
    sh("ip", "-n", "router", "link", "set", "wire", "up")
