# SPDX-License-Identifier: ISC
"""siegeld and the life of its roles: start, death, reload, stop, and every mistake an operator
makes. Runs the programs in $SIEGEL_BIN (default build/release/bin) on loopback with high ports;
as root each test runs twice: with a user per role, and as an ordinary user."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

BIN = Path(os.environ.get("SIEGEL_BIN", "build/release/bin")).resolve()
ROLES = ["store", "smtpd", "delivery", "mailbox", "web"]
NOBODY = 65534
UID_BASE = 71000
IS_ROOT = os.geteuid() == 0


def wait_for(condition, what, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="session")
def certificate():
    # Outside pytest's own folder, which other users can't enter.
    folder = Path(tempfile.mkdtemp(prefix="siegeld-test-"))
    folder.chmod(0o755)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem",
         "-subj", "/CN=mx.example.test", "-days", "2"],
        check=True, capture_output=True)
    (folder / "key.pem").chmod(0o644)
    yield folder
    shutil.rmtree(folder)


class Server:
    """One installation: a folder, a configuration, perhaps a running siegeld."""

    def __init__(self, folder, certificate, as_root):
        self.folder = folder
        self.as_root = as_root
        self.port = free_port()
        self.options = {
            "host_name": '"mx.example.test"',
            "state_directory": f'"{folder}/state"',
            "certificate": f'{{"{certificate}/cert.pem"}}',
            "key": f'{{"{certificate}/key.pem"}}',
            "ca_file": '""',
            "trust_anchor_file": '""',
        }
        if as_root:
            self.options["uid_base"] = str(UID_BASE)
        self.sections = f'domain "example.test" {{ secure = "secure.example.test" }}\n'
        self.listeners = {"mx": self.port}
        self.kind = "mx"
        (folder / "state").mkdir()
        self.process = None
        if IS_ROOT and not as_root:
            os.chown(folder / "state", NOBODY, NOBODY)

    def write(self):
        text = "".join(f"{name} = {value}\n" for name, value in self.options.items())
        for name, port in self.listeners.items():
            text += f'listener "{name}" {{ kind = {self.kind}\n address = "127.0.0.1"\n port = {port} }}\n'
        (self.folder / "siegel.conf").write_text(text + self.sections)

    def command(self, *more):
        user = []
        if IS_ROOT and not self.as_root:
            user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        return [*user, str(BIN / "siegeld"), "-f", str(self.folder / "siegel.conf"), *more]

    def run(self, *more):
        self.write()
        return subprocess.run(self.command(*more), capture_output=True, text=True, timeout=30)

    def start(self, descriptors=None):
        few = []
        if descriptors:
            few = ["prlimit", f"--nofile={descriptors}:"]
        self.write()
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen(few + self.command(), stderr=log, stdout=log)
        wait_for(lambda: "event=ready" in self.log() or self.process.poll() is not None, "ready")
        assert self.process.poll() is None, self.log()

    def log(self):
        return (self.folder / "log").read_text()

    def forget_log(self):
        os.truncate(self.folder / "log", 0)

    def status(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.folder / "state/run/siegeld.sock"))
            text = b""
            while piece := s.recv(65536):
                text += piece
        return json.loads(text)

    def role(self, name):
        return next(r for r in self.status()["roles"] if r["name"] == name)

    def greeting(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
            s.settimeout(5)
            return s.recv(1000).decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=45)

    def clean_up(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def is_gone(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return state == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture(params=["root", "user"] if IS_ROOT else ["user"])
def server(request, certificate):
    folder = Path(tempfile.mkdtemp(prefix="siegeld-test-"))
    folder.chmod(0o755)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        made = Server(folder, certificate, request.param == "root")
        stack.callback(made.clean_up)
        yield made


def test_all_roles_start_confined(server):
    server.start()
    status = server.status()
    assert status["ready"] and status["pid"] == server.process.pid
    assert [r["name"] for r in status["roles"]] == ROLES
    for role in status["roles"]:
        assert role["ready"] and role["restarts"] == 0 and role["last_exit"] == ""
        assert re.search(r"no_new_privs landlock=\S+ seccomp=\S+", role["confinement"])
        proc = Path(f"/proc/{role['pid']}/status").read_text()
        assert "NoNewPrivs:\t1" in proc and "Seccomp:\t2" in proc
        assert "CapEff:\t0000000000000000" in proc and "CapPrm:\t0000000000000000" in proc
        uid = int(re.search(r"Uid:\t\d+\t(\d+)", proc).group(1))
        expected = UID_BASE + 1 + ROLES.index(role["name"])
        assert uid == (expected if server.as_root else NOBODY if IS_ROOT else os.getuid())
    if IS_ROOT and server.as_root:
        roots = {r["name"]: os.readlink(f"/proc/{r['pid']}/root") for r in status["roles"]}
        state = str(server.folder / "state")
        assert roots == {"store": state + "/store", "mailbox": state + "/mail",
                         "smtpd": state + "/empty", "delivery": state + "/empty",
                         "web": state + "/empty"}
    assert server.greeting().startswith("220 mx.example.test ")


def test_what_the_roles_keep_is_nobody_elses_to_read(server):
    server.start()
    assert server.stop() == 0
    files = [f for f in (server.folder / "state").rglob("*") if f.is_file()]
    assert any(f.name == "store.db" for f in files)
    for f in files:
        # The public key is there to be handed on.
        assert f.name in ("siegeld.lock", "receipt.pub") or f.stat().st_mode & 0o007 == 0, f


def test_those_who_are_asked_hear_root_and_our_own_user_alone(server):
    server.start()
    for name in ["store", "delivery"]:
        path = server.folder / f"state/run/{name}.sock"
        assert path.stat().st_mode & 0o777 == 0o600
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(path))
            s.sendall(b"EHLO x\r\nEHLO x\r\n")
            assert s.recv(100) == b""
        wait_for(lambda: f"role={name} level=alarm event=call-refused" in server.log(), name)
        if not IS_ROOT:
            continue
        path.chmod(0o666)
        stranger = subprocess.run(
            ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups", "/usr/bin/python3", "-c",
             "import socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(10); "
             "s.connect(sys.argv[1]); sys.exit(s.recv(1) != b'')", str(path)], timeout=30)
        assert stranger.returncode == 0
        assert f"role={name} level=warning event=ctl-refused uid=4711" in server.log()


def test_a_role_has_no_descriptor_that_is_not_its_business(server):
    server.start()
    for name in ["delivery", "mailbox"]:
        pid = server.role(name)["pid"]
        open_files = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        assert not any("key" in f or "siegeld.lock" in f for f in open_files)


def test_a_role_may_open_what_its_settings_ask_for(server):
    """However few a login shell or a service manager grants at first (often 1024)."""
    server.options["delivery_connections"] = "1000"
    server.start(descriptors=1024)
    for name in ["store", "smtpd", "delivery"]:
        limits = Path(f"/proc/{server.role(name)['pid']}/limits").read_text()
        assert int(re.search(r"Max open files +(\d+)", limits).group(1)) >= 4 * 1000, name


@pytest.mark.parametrize("name", ROLES)
def test_a_role_that_was_killed_is_started_again(server, name):
    server.start()
    before = server.role(name)
    os.kill(before["pid"], signal.SIGKILL)
    wait_for(lambda: server.role(name)["pid"] not in (0, before["pid"])
             and server.role(name)["ready"], f"{name} to be back")
    after = server.role(name)
    assert after["restarts"] == 1 and "signal 9" in after["last_exit"]
    # The others weren't touched.
    assert all(r["restarts"] == 0 for r in server.status()["roles"] if r["name"] != name)
    assert server.greeting().startswith("220 ")
    assert server.stop() == 0


def test_a_role_that_dies_again_and_again_has_to_wait(server):
    server.start()
    began = time.monotonic()
    for deaths in range(3):
        pid = wait_for(lambda: server.role("mailbox")["ready"] and server.role("mailbox")["pid"],
                       "mailbox to be back")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: server.role("mailbox")["restarts"] == deaths + 1 or
                 server.role("mailbox")["pid"] != pid, "its death to be noticed")
    wait_for(lambda: server.role("mailbox")["ready"], "mailbox to be back")
    # At once, after one second, after two.
    assert time.monotonic() - began >= 3


def test_stopping_leaves_nothing_behind(server):
    server.start()
    pids = [r["pid"] for r in server.status()["roles"]]
    assert server.stop() == 0
    assert all(is_gone(pid) for pid in pids)
    assert not (server.folder / "state/run/store.sock").exists()
    assert not (server.folder / "state/run/delivery.sock").exists()
    assert not (server.folder / "state/run/siegeld.sock").exists()
    order = re.findall(r"event=ended name=(\w+)", server.log())
    assert set(order[:2]) == {"smtpd", "web"} and order[-1] == "store"
    assert "killing" not in server.log()


def test_killed_itself_it_takes_the_roles_along_and_can_start_again(server):
    server.start()
    pids = [r["pid"] for r in server.status()["roles"]]
    server.process.kill()
    server.process.wait()
    wait_for(lambda: all(is_gone(pid) for pid in pids), "the roles to end")
    server.forget_log()
    server.start()
    assert server.greeting().startswith("220 ")
    assert server.stop() == 0


def test_a_reload_reaches_the_roles_without_a_restart(server):
    server.start()
    before = server.status()
    server.options["sessions"] = "100"
    server.write()
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reloaded path=" in server.log(), "the reload")
    assert server.greeting().startswith("220 ")
    assert [r["pid"] for r in server.status()["roles"]] == [r["pid"] for r in before["roles"]]
    assert server.stop() == 0


def test_a_failed_reload_keeps_the_old(server):
    server.start()
    server.options["sessions"] = "many"
    server.options["key"] = '{"/nonexistent/key.pem"}'
    server.write()
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reload-failed" in server.log(), "the failure")
    assert "event=reloaded" not in server.log()
    os.kill(server.role("smtpd")["pid"], signal.SIGKILL)
    wait_for(lambda: server.role("smtpd")["restarts"] == 1 and server.role("smtpd")["ready"],
             "smtpd to be back with the old settings")
    assert server.greeting().startswith("220 ")


def test_a_reload_says_what_has_to_wait_for_a_restart(server):
    server.start()
    server.listeners["another"] = free_port()
    server.write()
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=waits-for-restart option=listener" in server.log(), "the warning")
    wait_for(lambda: "event=reloaded path=" in server.log(), "the rest of the reload")
    # Nor does it confuse a role that starts afterwards.
    os.kill(server.role("smtpd")["pid"], signal.SIGKILL)
    wait_for(lambda: server.role("smtpd")["restarts"] == 1 and server.role("smtpd")["ready"],
             "smtpd to be back")
    assert server.greeting().startswith("220 ")


def test_a_foreign_mx_of_a_secure_domain_is_an_alarm(server):
    server.options["local_zones"] = '{"test. static"}'
    server.options["local_records"] = '{"secure.example.test. 60 IN MX 10 mx.elsewhere.test."}'
    server.start()
    wait_for(lambda: "event=foreign-mx" in server.log(), "the alarm")
    assert "level=alarm event=foreign-mx domain=secure.example.test host=mx.elsewhere.test\n" \
        in server.log()
    assert server.role("delivery")["restarts"] == 0


def test_a_resolver_that_validates_nothing_is_an_alarm_until_it_does(server):
    server.options["trust_anchor_file"] = '"/usr/share/dns/root.key"'
    # The root's own record from the settings: there is no signature to it.
    server.options["local_zones"] = '{". static"}'
    server.options["local_records"] = '{". 60 IN SOA a.test. b.test. 1 2 3 4 5"}'
    server.start()
    wait_for(lambda: "level=alarm event=resolver-unhealthy" in server.log(), "the alarm")
    server.options["trust_anchor_file"] = '""'
    server.write()
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=resolver-untested was=unhealthy" in server.log(), "the other setting")
    assert server.log().count("event=resolver-unhealthy") == 1
    assert server.role("delivery")["restarts"] == 0


def test_a_listeners_kind_and_the_mailbox_threads_wait_for_a_restart(server):
    server.start()
    server.kind = "submission"
    server.options["mailbox_threads"] = "2"
    server.write()
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reloaded path=" in server.log(), "the reload")
    assert re.findall("event=waits-for-restart option=(\\w+)", server.log()) == \
        ["listener", "mailbox_threads"]


def test_a_second_one_is_refused(server):
    server.start()
    second = server.run()
    assert second.returncode == 1
    assert f"already running here as pid {server.process.pid}" in second.stderr
    assert server.greeting().startswith("220 ")


def test_a_port_in_use_is_named(server):
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
        other.listen()
        result = server.run()
    assert result.returncode == 1
    assert f"can't listen at 127.0.0.1 port {server.port}: another program listens there" \
        in result.stderr


def test_every_mistake_is_said_before_anything_starts(server):
    server.options["state_directory"] = '"/nonexistent/state"'
    server.options["key"] = '{"/nonexistent/key.pem"}'
    server.options["ca_file"] = '"/nonexistent/ca.pem"'
    for more in [(), ("--check",)]:
        result = server.run(*more)
        assert result.returncode == 1
        for part in ["state_directory: /nonexistent/state: No such file or directory",
                     "key: can't open /nonexistent/key.pem: No such file or directory",
                     "ca: can't open /nonexistent/ca.pem"]:
            assert part in result.stderr
        assert "event=started" not in result.stderr


def test_a_file_of_the_wrong_kind_is_named(server):
    server.options["key"] = server.options["certificate"]
    result = server.run()
    assert result.returncode == 1 and "PRIVATE KEY" in result.stderr


def test_a_wrong_option_is_named_with_its_line(server):
    server.options["sesions"] = "5"
    result = server.run("--check")
    assert result.returncode == 1
    line = list(server.options).index("sesions") + 1
    assert f"siegel.conf:{line}:" in result.stderr and "sesions" in result.stderr


def test_a_missing_configuration_is_named(server):
    server.write()
    (server.folder / "siegel.conf").unlink()
    result = subprocess.run(server.command(), capture_output=True, text=True, timeout=30)
    assert result.returncode == 1 and "No such file or directory" in result.stderr


def test_a_certificate_that_is_none_ends_the_start(server):
    bad = server.folder / "bad.pem"
    bad.write_text("-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n")
    server.options["certificate"] = f'{{"{bad}"}}'
    result = server.run()
    assert result.returncode == 1 and "role=smtpd level=alarm" in result.stderr


def another_key(folder):
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-out", folder / "other.pem"],
                   check=True, capture_output=True)
    (folder / "other.pem").chmod(0o644)
    return folder / "other.pem"


def test_a_key_that_does_not_fit_is_named_with_its_certificate(server):
    key, certificate = another_key(server.folder), server.options["certificate"].strip('{"}')
    good = server.options["key"].strip('{"}')
    server.options["certificate"] = f'{{"{certificate}", "{certificate}"}}'
    server.options["key"] = f'{{"{good}", "{key}"}}'
    for more in [(), ("--check",)]:
        result = server.run(*more)
        assert result.returncode == 1
        named = [line for line in result.stderr.splitlines() if "event=no-certificate" in line]
        assert len(named) == 1 and "mismatch" in named[0]
        assert f"certificate={certificate} key={key}" in named[0]
    assert "siegel-smtpd can't start with this" in result.stderr


def test_check_asks_delivery_about_its_settings(server):
    server.options["local_records"] = '{"a.test. 60 IN NONSENSE x"}'
    result = server.run("--check")
    assert result.returncode == 1
    assert "role=delivery level=alarm" in result.stderr and "local_records" in result.stderr


def test_check_says_that_all_is_well(server):
    result = server.run("--check")
    assert result.returncode == 0 and "all is well" in result.stdout
    assert not (server.folder / "state/run").exists()


@pytest.mark.parametrize("name", ROLES)
def test_a_role_started_by_hand_says_so(name):
    result = subprocess.run([BIN / f"siegel-{name}"], capture_output=True, text=True, timeout=10)
    assert result.returncode == 1 and "started by siegeld" in result.stderr


@pytest.mark.skipif(not IS_ROOT, reason="needs root to run as somebody else first")
def test_a_folder_of_somebody_else_is_named(certificate, tmp_path):
    server = Server(tmp_path, certificate, True)
    (tmp_path / "state/mail").mkdir()
    os.chown(tmp_path / "state/mail", NOBODY, NOBODY)
    result = server.run()
    assert result.returncode == 1
    assert f"mail in the state directory belongs to user {NOBODY}" in result.stderr


@pytest.mark.skipif(not IS_ROOT, reason="an ordinary user's folder is that user's anyway")
def test_a_state_directory_that_others_can_write_is_refused(certificate, tmp_path):
    server = Server(tmp_path, certificate, True)
    (tmp_path / "state").chmod(0o777)
    result = server.run("--check")
    assert result.returncode == 1 and "it must be root's alone" in result.stderr
