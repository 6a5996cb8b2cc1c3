# SPDX-License-Identifier: ISC
"""Receipts from a running server: shown to people, exported, verified here, elsewhere, and with
openssl and sha256 alone, as doc/receipts.md says others can."""

import hashlib
import json
import re
import smtplib
import stat
import subprocess

import pytest
from test_siegel import siegel, ssl
from test_siegeld import BIN, certificate, server, wait_for  # noqa: F401 (fixtures)


def verify(file, *words, conf="/nonexistent"):
    return subprocess.run([BIN / "siegel", "-f", conf, "receipt", "verify", file, *words],
                          capture_output=True, text=True, timeout=30)


def receive(server):
    """A mail from outside to bob; returns its queue id."""
    before = len(re.findall(r"event=accepted .*mail=(\w+)", server.log()))
    trust = ssl.create_default_context()
    trust.check_hostname = False
    trust.verify_mode = ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", server.port, local_hostname="mail.outside.test") as session:
        session.starttls(context=trust)
        session.sendmail("x@outside.test", ["bob@example.test"], "Subject: Hello\r\n\r\nHello\r\n")
    found = re.findall(r"event=accepted .*mail=(\w+)", server.log())
    assert len(found) == before + 1
    wait_for(lambda: "delivered" in siegel(server, "receipt", "show", found[-1]).stdout, "delivery")
    return found[-1]


@pytest.fixture
def running(server):
    server.start()
    assert siegel(server, "user", "add", "bob@example.test", stdin="secret\n").returncode == 0
    return server


@pytest.fixture
def week(running):
    """An installation with three mails behind it, and all of its receipts in a file."""
    running.ids = [receive(running) for _ in range(3)]
    running.file = running.folder / "week.jsonl"
    running.file.write_text(siegel(running, "receipt", "export").stdout)
    return running


def test_a_receipt_says_in_words_how_a_mail_came(running):
    mail = receive(running)
    text = siegel(running, "receipt", "show", mail).stdout
    assert f"Receipt for message {mail}\n" in text
    assert "Taken from another server\n    Sender x@outside.test, " in text
    assert "    from mail.outside.test [127.0.0.1]\n    Sealed with TLSv1.3, TLS_AES_" in text
    assert "Transport: mandatory transport encryption (TLS 1.2 or newer)\n" in text
    assert "for bob@example.test: delivered; demanded: nothing\n" in text
    text = siegel(running, "receipt", "show", mail, "--language", "de").stdout
    assert f"Beleg für Nachricht {mail}\n" in text
    assert "obligatorische Transportverschlüsselung (TLS 1.2 oder neuer)" in text
    answer = json.loads(siegel(running, "receipt", "show", mail, "--json").stdout)
    assert answer["message"] == mail
    assert [r["kind"] for r in answer["records"]] == ["taken", "mailbox"]
    assert answer["records"][0]["transport"] == "mandatory"
    assert siegel(running, "receipt", "show", "0000000000000001").returncode == 1
    assert siegel(running, "receipt", "show", mail, "--language", "fr").returncode == 64


def test_the_key_is_the_stores_alone_and_stays(running):
    key, public = (running.folder / "state/store" / name for name in ["receipt.key", "receipt.pub"])
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(public.stat().st_mode) == 0o644
    assert "event=receipt-key-made" in running.log()
    before = public.read_text()
    running.stop()
    running.forget_log()
    running.start()
    assert public.read_text() == before and "receipt-key" not in running.log()


def test_an_export_is_whole_here_and_elsewhere(week):
    lines = week.file.read_text().splitlines()
    assert len(lines) == 2 + 6 + 2
    answer = verify(week.file, conf=week.folder / "siegel.conf")
    assert answer.returncode == 0 and "nothing was changed, removed or moved" in answer.stdout
    assert "the key of this installation" in answer.stdout
    public = week.folder / "state/store/receipt.pub"
    answer = verify(week.file, "--key", public)
    assert answer.returncode == 0 and "the key given by --key" in answer.stdout
    hexa = json.loads(lines[-2])["key"]
    assert verify(week.file, "--key", hexa).returncode == 0
    # Whole, but nobody knows whose: that is no yes.
    answer = verify(week.file)
    assert answer.returncode == 1 and "whose key that is nobody here knows" in answer.stdout
    assert verify(week.file, "--key", "0" * 64).returncode == 1
    answer = json.loads(verify(week.file, "--key", public, "--json").stdout)
    assert answer["good"] is True and answer["records"] == 6 and answer["last"] == 6
    since = siegel(week, "receipt", "export", "--since", "1h").stdout.splitlines()
    assert since[2:8] == lines[2:8]
    since = siegel(week, "receipt", "export", "--since", "2999-01-01").stdout
    assert len(since.splitlines()) == 4 and '"checkpoint":6' in since
    assert siegel(week, "receipt", "export", "--since", "soon").returncode == 64


def test_one_bit_or_one_record_is_missed_and_named(week):
    public = week.folder / "state/store/receipt.pub"
    whole = week.file.read_bytes()
    lines = whole.splitlines(keepends=True)
    at = whole.index(b"bob@example.test")
    changed = bytearray(whole)
    changed[at] ^= 1
    week.file.write_bytes(changed)
    answer = verify(week.file, "--key", public)
    assert answer.returncode == 1 and "record 1 (line 3) was changed" in answer.stdout
    week.file.write_bytes(b"".join(lines[:4] + lines[5:]))
    answer = verify(week.file, "--key", public)
    assert answer.returncode == 1 and "record 3 is missing" in answer.stdout
    week.file.write_bytes(b"".join(lines[:-2]))
    answer = verify(week.file, "--key", public)
    assert answer.returncode == 1 and "the end is missing" in answer.stdout
    week.file.write_bytes(b"")
    assert verify(week.file, "--key", public).returncode == 1
    assert verify(week.folder / "nothing", "--key", public).returncode == 64
    assert verify(week.file, "--key", week.folder / "nothing").returncode == 64


def openssl_holds(public, folder, statement, signature):
    (folder / "statement").write_bytes(statement)
    (folder / "signature").write_bytes(bytes.fromhex(signature))
    return subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin",
         "-in", folder / "statement", "-sigfile", folder / "signature"],
        capture_output=True).returncode == 0


def test_others_need_openssl_and_sha256_alone(week):
    public = week.folder / "state/store/receipt.pub"
    lines = week.file.read_bytes().splitlines()
    for statement, signature in [lines[:2], lines[-2:]]:
        assert openssl_holds(public, week.folder, statement, json.loads(signature)["signature"])
    hashes = [hashlib.sha256(line).hexdigest() for line in lines[2:-2]]
    records = [json.loads(line) for line in lines[2:-2]]
    assert [r["record"] for r in records] == list(range(1, 7))
    assert [r["previous"] for r in records] == ["0" * 64] + hashes[:-1]
    assert json.loads(lines[-2])["hash"] == hashes[-1]
    assert not openssl_holds(public, week.folder, lines[-2] + b" ",
                             json.loads(lines[-1])["signature"])


def test_one_messages_receipt_stands_alone(week):
    public = week.folder / "state/store/receipt.pub"
    file = week.folder / "receipt.jsonl"
    file.write_text(siegel(week, "receipt", "export", week.ids[1]).stdout)
    lines = file.read_bytes().splitlines()
    answer = verify(file, "--key", public)
    assert answer.returncode == 0 and f"of message {week.ids[1]}." in answer.stdout
    statement = json.loads(lines[-2])
    assert [r["hash"] for r in statement["records"]] == \
        [hashlib.sha256(line).hexdigest() for line in lines[:-2]]
    assert openssl_holds(public, week.folder, lines[-2], json.loads(lines[-1])["signature"])
    assert week.ids[0].encode() not in file.read_bytes()
    assert siegel(week, "receipt", "export", "0000000000000001").returncode == 1


def test_a_killed_store_leaves_no_gap(running):
    receive(running)
    for _ in range(3):
        pid = running.role("store")["pid"]
        subprocess.run(["kill", "-9", str(pid)], check=True)
        wait_for(lambda: running.role("store")["pid"] not in (0, pid) and
                 running.role("store")["ready"], "the next store")
        receive(running)
    file = running.folder / "all.jsonl"
    file.write_text(siegel(running, "receipt", "export").stdout)
    answer = verify(file, conf=running.folder / "siegel.conf")
    assert answer.returncode == 0 and "8 records, number 1 to 8" in answer.stdout
