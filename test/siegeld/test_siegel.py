# SPDX-License-Identifier: ISC
"""The command line against a running server: what it says, what it asks for and when, and the
exit statuses that scripts go by. Runs the programs in $SIEGEL_BIN, as test_siegeld does; with
those of the asan variant a leak is a wrong exit status."""

import json
import os
import re
import smtplib
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest
from test_siegeld import BIN, IS_ROOT, NOBODY, certificate, free_port, server, wait_for  # noqa: F401 (fixtures)


def siegel(server, *words, stdin=""):
    return subprocess.run(
        [BIN / "siegel", "-f", server.folder / "siegel.conf", *words],
        input=stdin, capture_output=True, text=True, timeout=30)


@pytest.fixture
def running(server):
    server.start()
    return server


def test_what_is_wrong_with_an_account_is_said_before_a_password_is_read(running):
    for words, status, says in [
            (["user", "add", "x"], 64, 'siegel: "x" is no mail address; '),
            (["user", "passwd", "x"], 64, 'siegel: "x" is no mail address; '),
            (["user", "add", "x@elsewhere.test"], 1, "none of the configured ones"),
            (["user", "add", "x@secure.example.test"], 1, "is a secure one"),
            (["user", "passwd", "x@example.test"], 1, "there is no such account")]:
        answer = siegel(running, *words)  # an empty input is no password
        assert answer.returncode == status and says in answer.stderr, words
        assert "password" not in answer.stderr


def test_a_line_that_is_no_password_is_a_wrong_use(running):
    for command in ["add", "passwd"]:
        answer = siegel(running, "user", command, "ada@example.test", stdin="\n")
        assert (answer.returncode, answer.stderr) == \
            (64, "siegel: an empty line is no password\n")
        assert siegel(running, "user", "add", "ada@example.test", stdin="secret\n").returncode \
            == (0 if command == "add" else 1)


def test_an_accounts_life(running):
    assert siegel(running, "user", "add", "ada@example.test", "--language", "de",
                  stdin="secret\n").returncode == 0
    assert siegel(running, "user", "passwd", "ada@example.test", stdin="more\n").returncode == 0
    assert siegel(running, "alias", "on", "ada@example.test").returncode == 0
    assert siegel(running, "alias", "show", "ada@example.test").stdout.endswith(
        "Letters begin in German.\n")
    assert siegel(running, "user", "language", "ada@example.test", "en").returncode == 0
    assert "begin in English." in siegel(running, "alias", "show", "ada@example.test").stdout
    users = json.loads(siegel(running, "user", "list", "--json").stdout)["users"]
    assert [u["language"] for u in users] == ["en"]
    assert siegel(running, "notices", "ada@example.test").returncode == 0
    assert siegel(running, "queue", "list").stdout == "Nothing waits.\n"
    assert siegel(running, "queue", "show", "0000000000000001").returncode == 1
    assert siegel(running, "user", "remove", "ada@example.test").returncode == 0


def test_an_administrator_is_made_and_unmade(running):
    assert siegel(running, "user", "add", "ada@example.test", "--password-stdin",
        stdin="secret\n").returncode == 0
    assert siegel(running, "user", "admin", "ada@example.test", "on").stdout == \
        "Changed ada@example.test.\n"
    user = json.loads(siegel(running, "user", "list", "--json").stdout)["users"][0]
    assert user["admin"] is True and user["second_factor"] is False
    assert re.search(r"ADMIN +FACTOR\n.* yes +-\n", siegel(running, "user", "list").stdout)
    assert siegel(running, "user", "admin", "ada@example.test", "off").returncode == 0
    user = json.loads(siegel(running, "user", "list", "--json").stdout)["users"][0]
    assert user["admin"] is False
    assert siegel(running, "user", "admin", "ada@example.test", "maybe").returncode == 64
    assert siegel(running, "user", "admin", "eve@example.test", "on").returncode == 1


def test_a_second_factor_is_only_ever_switched_off_by_the_operator(running):
    assert siegel(running, "user", "add", "ada@example.test", "--password-stdin",
        stdin="secret\n").returncode == 0
    assert siegel(running, "user", "factor", "ada@example.test", "off").returncode == 0
    answer = siegel(running, "user", "factor", "ada@example.test", "on")
    assert answer.returncode == 64 and "its owner" in answer.stderr
    assert siegel(running, "user", "factor", "eve@example.test", "off").returncode == 1


def test_status_speaks_to_people_and_to_programs(running):
    answer = siegel(running, "status")
    assert answer.returncode == 0
    figures = dict(re.findall(r"^(\w+) +(.*)$", answer.stdout, re.M))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", figures["started"])
    assert figures["disk_reserve"] == "64 MiB"
    assert figures["accounts"] == "0"
    assert "\nDNS resolver: untested\n" in answer.stdout  # no trust anchor here
    status = json.loads(siegel(running, "status", "--json").stdout)
    assert status["resolver"] == "untested"
    figures = status["figures"]
    assert figures["disk_reserve"] == 67108864 and figures["started"] > 1_000_000_000_000


def test_a_resolver_that_validates_nothing_shows_in_the_status(server):
    server.options["trust_anchor_file"] = '"/usr/share/dns/root.key"'
    # The root's own record from the settings: there is no signature to it.
    server.options["local_zones"] = '{". static"}'
    server.options["local_records"] = '{". 60 IN SOA a.test. b.test. 1 2 3 4 5"}'
    server.start()
    wait_for(lambda: "event=resolver-unhealthy" in server.log(), "the alarm")
    answer = siegel(server, "status")
    assert answer.returncode == 1
    assert "\nDNS resolver: unhealthy\nDNSSEC validation does not work" in answer.stdout
    assert json.loads(siegel(server, "status", "--json").stdout)["resolver"] == "unhealthy"


def test_a_configuration_that_is_not_there_is_a_wrong_use(server):
    for words in [("config", "check"), ("config", "show"), ("user", "list"), ("status",)]:
        answer = siegel(server, *words)
        assert answer.returncode == 64 and answer.stdout == ""
        assert answer.stderr.startswith(f"siegel: {server.folder}/siegel.conf: No such file")


def test_a_wrong_configuration_is_an_answer(server):
    server.options["sessions"] = "many"
    server.write()
    answer = siegel(server, "config", "check")
    assert answer.returncode == 1 and answer.stderr == "" and ": sessions" in answer.stdout


def test_without_a_server_it_says_so(server):
    server.write()
    for words in [("user", "list"), ("status",)]:
        assert siegel(server, *words).returncode == 3


def send(server, sender, recipient):
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", server.port) as session:
        session.starttls(context=trust)
        session.login("ada@example.test", "secret")
        session.sendmail(sender, [recipient], f"From: {sender}\r\nSubject: Hello\r\n\r\nHello\r\n")


def test_the_queue_shows_every_attempt_and_no_address_where_none_was_asked(server):
    server.kind = "submission"
    server.options["local_zones"] = '{"test. static"}'
    server.options["local_records"] = '{"hotel.test. 60 IN MX 0 ."}'
    server.options["second_look"] = "100ms"
    server.start()
    siegel(server, "user", "add", "ada@example.test", stdin="secret\n")
    siegel(server, "alias", "on", "ada@example.test")
    send(server, "ada@secure.example.test", "desk@hotel.test")
    found = re.search(r"event=accepted .*mail=(\w+)", server.log())
    wait_for(lambda: "failed" in siegel(server, "queue", "show", found[1]).stdout, "the end")
    lines = siegel(server, "queue", "show", found[1]).stdout.splitlines()
    head, item = next((a, b) for a, b in zip(lines, lines[1:]) if a.startswith("ID "))
    assert dict(zip(re.split("  +", head), re.split("  +", item)))["TRIES"] == "2"
    attempts = [re.split("  +", line) for line in lines[lines.index("Attempts:") + 1:]]
    assert attempts[0][:3] == ["WHEN", "HOST", "ADDRESS"]
    assert [one[1:3] for one in attempts[1:]] == [["hotel.test", "-"]] * 2


class Peer:
    """Another mail server, on one address of loopback: it seals, or says nothing at all."""

    def __init__(self, address, port, certificate, silent=False):
        self.heard = []
        self.silent = silent
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
        self.listener = socket.create_server((address, port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        if self.silent:
            connection.recv(1)
            return
        connection.sendall(b"220 peer.test ESMTP\r\n")
        lines = connection.makefile("rb")
        for line in lines:
            word = line.split()[0].upper()
            self.heard.append(word.decode())
            if word == b"EHLO":
                connection.sendall(b"250-peer.test\r\n250 STARTTLS\r\n")
            elif word == b"STARTTLS":
                connection.sendall(b"220 go on\r\n")
                connection = self.context.wrap_socket(connection, server_side=True)
                break
        for line in connection.makefile("rb"):
            word = line.split()[0].upper()
            self.heard.append(word.decode())
            connection.sendall(b"250 peer.test\r\n")


@pytest.fixture
def neighbour(server, certificate):
    """two.test has a silent host in front of one that seals."""
    port = free_port()
    server.options["delivery_port"] = str(port)
    server.options["allow_networks"] = '{"127.0.0.0/8"}'
    server.options["local_zones"] = '{"test. static"}'
    server.options["local_records"] = (
        '{"peer.test. 60 IN A 127.0.0.1", "null.test. 60 IN MX 0 .", '
        '"silent.test. 60 IN A 127.0.0.2", '
        '"two.test. 60 IN MX 1 silent.test.", "two.test. 60 IN MX 2 peer.test.", "one.test. 60 IN MX 1 peer.test."}')
    Peer("127.0.0.2", port, certificate, silent=True)
    return Peer("127.0.0.1", port, certificate)


@pytest.mark.parametrize("server_runs", [True, False])
def test_check_says_what_would_happen(server, neighbour, server_runs):
    server.start() if server_runs else server.write()
    answer = siegel(server, "check", "bob@peer.test")
    assert (answer.returncode, answer.stderr) == (0, "")
    lines = answer.stdout.splitlines()
    assert re.search(r"^MX +peer.test +peer.test \(not signed\)$", answer.stdout, re.M)
    assert re.search(r"^TLS +peer.test +TLSv1.3, ", answer.stdout, re.M)
    assert "Mail to bob@peer.test at level encrypt: accepted" in lines
    assert ("No server was asked: siegel looked by itself." in lines) == (not server_runs)
    answer = siegel(server, "check", "bob@null.test", "--json")
    assert answer.returncode == 1 and json.loads(answer.stdout)["reason"] == "null-mx"
    answer = siegel(server, "check", "bob@example.test")
    assert answer.returncode == 0 and "stays on this server" in answer.stdout
    answer = siegel(server, "check", "bob@peer.test", "--level", "dane-only")
    assert answer.returncode == 1 and "(dane-required)" in answer.stdout
    answer = siegel(server, "check", "silent.test")
    assert answer.returncode == 2 and "wait and be tried again" in answer.stdout
    wait_for(lambda: neighbour.heard[-1] == "QUIT", "goodbye")
    assert set(neighbour.heard) == {"EHLO", "STARTTLS", "QUIT"}
    for wrong in [["check"], ["check", "@"], ["check", "peer.test", "--level", "x"]]:
        assert siegel(server, *wrong).returncode == 64


@pytest.mark.parametrize("server_runs", [True, False])
def test_check_answers_within_three_seconds_where_the_first_host_is_dead(
        server, neighbour, server_runs):
    server.start() if server_runs else server.write()
    begun = time.monotonic()
    answer = siegel(server, "check", "two.test", "--json")
    assert time.monotonic() - begun < 3
    told = json.loads(answer.stdout)
    assert told["verdict"] == "accepted" and told["host"] == "peer.test"
    assert [h["verdict"] for h in told["hosts"]] == ["unknown", "accepted"]


def test_check_remembers_for_a_while_and_says_how_long_ago_it_was(server, neighbour):
    server.start()
    assert siegel(server, "check", "one.test").returncode == 0
    heard = len(neighbour.heard)
    wait_for(lambda: re.search(r"^Seen \d s ago", siegel(server, "check", "one.test").stdout, re.M),
             "some age")
    assert len(neighbour.heard) == heard
    assert "Seen" not in siegel(server, "check", "one.test", "--fresh").stdout
    assert len(neighbour.heard) > heard


def test_check_asks_a_delivery_that_came_back(server, neighbour):
    server.start()
    os.kill(server.role("delivery")["pid"], 9)
    answer = siegel(server, "check", "peer.test", "--json")  # the socket outlives it
    assert answer.returncode in (0, 3)
    wait_for(lambda: server.role("delivery")["ready"], "delivery to be back")
    answer = siegel(server, "check", "peer.test", "--json")
    assert answer.returncode == 0 and json.loads(answer.stdout)["server_asked"]


def children(pid):
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_delivery_that_answers_once_is_confined_and_ends(server, neighbour):
    server.write()
    asking = subprocess.Popen(
        [BIN / "siegel", "-f", server.folder / "siegel.conf", "check", "silent.test"],
        stdout=subprocess.PIPE, text=True)
    wait_for(lambda: children(asking.pid), "siegel-delivery")
    pid = children(asking.pid)[0]
    proc = wait_for(lambda: "Seccomp:\t2" in (now := Path(f"/proc/{pid}/status").read_text())
                    and now, "confinement")
    assert "NoNewPrivs:\t1" in proc and "CapEff:\t0000000000000000" in proc
    uid = int(re.search(r"Uid:\t\d+\t(\d+)", proc).group(1))
    assert uid == (NOBODY if IS_ROOT else os.getuid())
    listening = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    assert not any("siegel.conf" in f for f in listening)
    asking.communicate(timeout=10)
    assert asking.returncode == 2 and not Path(f"/proc/{pid}").exists()


def test_check_says_what_is_wrong_with_a_configuration(server):
    server.options["local_records"] = '{"a.test. 60 IN NONSENSE x"}'
    server.write()
    answer = siegel(server, "check", "peer.test")
    assert answer.returncode == 3 and "local_records" in answer.stderr
