# SPDX-License-Identifier: ISC
"""`siegel certificate learn` and `check`: what the servers of a domain show, what is stored of it,
and what becomes of that when a server shows something else. The servers are small ones on
loopback that speak SMTP up to TLS."""

import contextlib
import json
import socket
import ssl
import subprocess
import threading

import pytest
from test_certificate import day, stored
from test_siegel import siegel
from test_siegeld import certificate, free_port, server  # noqa: F401 (fixtures)


class Peer:
    """A server at an address of loopback; `certificate` None: it offers no TLS."""

    def __init__(self, address, port, pair):
        self.pair = pair
        self.socket = socket.create_server((address, port))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.talk, args=[self.socket.accept()[0]],
                                 daemon=True).start()

    def talk(self, s):
        with contextlib.suppress(OSError), s:
            s.sendall(b"220 peer\r\n")
            while line := s.recv(1000).upper():
                if line.startswith(b"STARTTLS") and self.pair:
                    s.sendall(b"220 go\r\n")
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(*self.pair)
                    s = context.wrap_socket(s, server_side=True)
                elif line.startswith(b"EHLO"):
                    s.sendall(b"250-peer\r\n250 STARTTLS\r\n" if self.pair else b"250 peer\r\n")
                else:
                    s.sendall(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 ok\r\n")

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def pair(folder, name):
    """A fresh key with a certificate, and the SHA-256 of the key."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name}.hotel.test", "-days", "30"],
        check=True, capture_output=True)
    digest = subprocess.run(
        f"openssl pkey -in {folder}/{name}.key -pubout -outform DER | sha256sum",
        shell=True, check=True, capture_output=True, text=True).stdout.split()[0]
    return (folder / f"{name}.crt", folder / f"{name}.key"), digest


class Hotel:
    """hotel.test, with two servers."""

    def __init__(self, server, folder):  # noqa: F811
        self.server = server
        port = free_port()
        self.one, self.key_one = pair(folder, "one")
        self.two, self.key_two = pair(folder, "two")
        self.peers = [Peer("127.0.0.21", port, self.one), Peer("127.0.0.22", port, self.two)]
        server.options |= {
            "delivery_port": str(port), "allow_networks": '{"127.0.0.0/8"}',
            "local_zones": '{"hotel.test. static", "null.test. static"}',
            "local_records": '{"hotel.test. 60 IN MX 1 one.hotel.test.",'
                             ' "hotel.test. 60 IN MX 2 two.hotel.test.",'
                             ' "one.hotel.test. 60 IN A 127.0.0.21",'
                             ' "two.hotel.test. 60 IN A 127.0.0.22",'
                             ' "null.test. 60 IN MX 0 ."}'}
        server.start()

    def ask(self, *words, stdin=""):
        return siegel(self.server, "certificate", *words, stdin=stdin)

    def results(self, status):
        answer = self.ask("check", "--json")
        assert answer.returncode == status, (answer.stdout, answer.stderr)
        return {s["host"]: s["result"] for d in json.loads(answer.stdout)["domains"]
                for s in d["servers"]}


@pytest.fixture
def hotel(server, tmp_path):  # noqa: F811
    made = Hotel(server, tmp_path)
    yield made
    for peer in made.peers:
        peer.close()


def test_keys_are_shown_and_stored_on_a_yes_alone(hotel):
    for no in ["", "\n", "n\n", "x\n"]:
        answer = hotel.ask("learn", "hotel.test", stdin=no)
        assert answer.returncode == 1 and "Nothing was stored." in answer.stdout
        assert stored(hotel.server) == []
    shown = answer.stdout
    assert shown.count(f"    key          {hotel.key_one}\n") == 1
    assert "one.hotel.test [127.0.0.21]\n" in shown and "for          CN=two\n" in shown
    assert "CA store     does not agree: certificate-not-trusted\n" in shown
    assert "DANE         n" in shown and "(29 d)" in shown
    assert "Which servers a domain has is not signed here" in shown
    assert shown.count("is vouched for by nothing but this connection") == 2
    answer = hotel.ask("learn", "hotel.test", "--note", "seen", "--expires", day(20), stdin="y\n")
    assert answer.returncode == 0, answer.stderr
    assert "Store 2 keys for hotel.test? [y/N] " in answer.stdout
    assert [(e["kind"], e["value"], e["note"], e["days_left"]) for e in stored(hotel.server)] == [
        ("key", hotel.key_one, "seen", 20), ("key", hotel.key_two, "seen", 20)]
    answer = hotel.ask("learn", "hotel.test")
    assert answer.returncode == 0 and "Nothing is left to store." in answer.stdout


def test_a_script_says_yes_beforehand(hotel):
    answer = hotel.ask("learn", "hotel.test", "--json")
    assert answer.returncode == 1 and json.loads(answer.stdout)["stored"] == []
    answer = hotel.ask("learn", "hotel.test", "--json", "--yes")
    assert answer.returncode == 0
    learnt = json.loads(answer.stdout)
    assert [e["value"] for e in learnt["stored"]] == [hotel.key_one, hotel.key_two]
    assert [(s["host"], s["key"], s["ca_proves"]) for s in learnt["servers"]] == [
        ("one.hotel.test", hotel.key_one, False), ("two.hotel.test", hotel.key_two, False)]
    assert len(stored(hotel.server)) == 2


def test_what_was_not_seen_is_said(hotel):
    hotel.peers[1].pair = None
    answer = hotel.ask("learn", "hotel.test", "--yes")
    assert answer.returncode == 0
    assert "no certificate seen: starttls-not-supported" in answer.stdout
    assert "Not all was seen (1 addresses showed nothing)" in answer.stdout
    assert [e["value"] for e in stored(hotel.server)] == [hotel.key_one]
    hotel.peers[0].pair = None
    answer = hotel.ask("learn", "hotel.test", "--yes")
    assert answer.returncode == 1 and "none of its servers showed a certificate" in answer.stderr


def test_a_domain_without_servers_has_nothing_to_learn(hotel):
    for domain, says in [("null.test", "it takes no mail"),
                         ("none.hotel.test", "no such domain")]:
        answer = hotel.ask("learn", domain, "--yes")
        assert answer.returncode == 1 and says in answer.stderr, domain
    assert hotel.ask("learn", "no domain").returncode == 64
    assert hotel.ask("learn", "hotel.test", "--expires", "soon", "--yes").returncode == 64
    assert stored(hotel.server) == []


def test_check_tells_a_server_that_shows_something_else(hotel):
    assert hotel.ask("check").stdout == "No certificate is stored.\n"
    assert hotel.ask("check", "hotel.test").returncode == 1
    hotel.ask("learn", "hotel.test", "--yes", "--expires", day(20))
    assert hotel.results(0) == {"one.hotel.test": "match", "two.hotel.test": "match"}
    answer = hotel.ask("check", "hotel.test")
    assert answer.returncode == 0 and answer.stdout.count(f"match   {day(20)} (20 d)") == 2

    hotel.peers[1].pair = None
    assert hotel.results(2) == {"one.hotel.test": "match", "two.hotel.test": "not-seen"}
    assert "not-seen" in hotel.ask("check").stdout
    hotel.peers[1].pair = hotel.one
    assert hotel.results(0) == {"one.hotel.test": "match", "two.hotel.test": "match"}
    entry = next(e for e in stored(hotel.server) if e["value"] == hotel.key_one)
    assert hotel.ask("remove", "hotel.test", str(entry["entry"])).returncode == 0
    assert hotel.results(1) == {"one.hotel.test": "mismatch", "two.hotel.test": "mismatch"}
    hotel.peers[1].pair = hotel.two
    assert hotel.results(1) == {"one.hotel.test": "mismatch", "two.hotel.test": "match"}


def test_check_knows_certificates_and_authorities_too(hotel, tmp_path):
    digest = subprocess.run(
        f"openssl x509 -in {hotel.one[0]} -outform DER | sha256sum", shell=True, check=True,
        capture_output=True, text=True).stdout.split()[0]
    assert hotel.ask("add", "hotel.test", "--certificate", digest).returncode == 0
    assert hotel.ask("add", "hotel.test", "--authority", hotel.two[0]).returncode == 0
    assert hotel.results(0) == {"one.hotel.test": "match", "two.hotel.test": "match"}
    hotel.ask("remove", "hotel.test", "all")
    hotel.ask("add", "hotel.test", "--authority", hotel.two[0], "--names", "other.test")
    hotel.ask("add", "null.test", "--key", digest)
    assert hotel.results(1) == {"one.hotel.test": "mismatch", "two.hotel.test": "mismatch"}
