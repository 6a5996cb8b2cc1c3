# SPDX-License-Identifier: ISC
"""The command line against a running server: what it says, what it asks for and when, and the
exit statuses that scripts go by. Runs the programs in $SIEGEL_BIN, as test_siegeld does; with
those of the asan variant a leak is a wrong exit status."""

import json
import re
import smtplib
import ssl
import subprocess

import pytest
from test_siegeld import BIN, certificate, server, wait_for  # noqa: F401 (fixtures)


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
            (["user", "add", "x"], 2, 'siegel: "x" is no mail address; '),
            (["user", "passwd", "x"], 2, 'siegel: "x" is no mail address; '),
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
            (2, "siegel: an empty line is no password\n")
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


def test_status_speaks_to_people_and_to_programs(running):
    answer = siegel(running, "status")
    assert answer.returncode == 0
    figures = dict(re.findall(r"^(\w+) +(.*)$", answer.stdout, re.M))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", figures["started"])
    assert figures["disk_reserve"] == "64 MiB"
    assert figures["accounts"] == "0"
    figures = json.loads(siegel(running, "status", "--json").stdout)["figures"]
    assert figures["disk_reserve"] == 67108864 and figures["started"] > 1_000_000_000_000


def test_a_configuration_that_is_not_there_is_a_wrong_use(server):
    for words in [("config", "check"), ("config", "show"), ("user", "list"), ("status",)]:
        answer = siegel(server, *words)
        assert answer.returncode == 2 and answer.stdout == ""
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
