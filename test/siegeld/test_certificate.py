# SPDX-License-Identifier: ISC
"""`siegel certificate` against a running server: what is stored for the level verify, how it is
shown, and what is turned down before it is stored."""

import datetime
import json
import subprocess

import pytest
from test_siegel import running, siegel  # noqa: F401 (fixtures)
from test_siegeld import certificate, server  # noqa: F401 (fixtures)

DIGEST = "0123456789abcdef" * 4
WRONG_USE = 64


def stored(server, *words):
    answer = siegel(server, "certificate", "list", *words, "--json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)["certificates"]


def day(distance):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=distance)) \
        .date().isoformat()


@pytest.fixture
def authority(certificate, tmp_path):  # noqa: F811
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", tmp_path / "key", "-out", tmp_path / "ca.pem", "-subj", "/O=Hotel/CN=Hotel CA",
         "-addext", "keyUsage=keyCertSign", "-days", "100"], check=True, capture_output=True)
    return tmp_path / "ca.pem"


def test_an_entrys_life(running, authority):
    assert siegel(running, "certificate", "list").stdout == "No certificate is stored.\n"
    colons = ":".join(DIGEST[i:i + 2] for i in range(0, 64, 2)).upper()
    answer = siegel(running, "certificate", "add", "Hotel.test", "--key", colons,
                    "--note", "read out by Frau Müller", "--expires", day(10))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == (f"Stored for hotel.test, entry 1: key {DIGEST}.\n"
                             f"It expires: {day(10)} (10 d).\n")
    answer = siegel(running, "certificate", "add", "bücher.test", "--authority", str(authority),
                    "--names", "MX1.bücher.test, mx2.example.org", "--json")
    assert answer.returncode == 0, answer.stderr
    entry = json.loads(answer.stdout)
    assert entry["domain"] == "xn--bcher-kva.test" and entry["kind"] == "authority"
    assert entry["names"] == ["mx1.xn--bcher-kva.test", "mx2.example.org"]
    assert entry["value"] == authority.read_text() and entry["subject"] == "CN=Hotel CA,O=Hotel"
    assert siegel(running, "certificate", "add", "hotel.test", "--certificate", DIGEST).returncode == 0

    entries = stored(running)
    assert [(e["domain"], e["entry"], e["kind"], e["days_left"], e["expired"]) for e in entries] == [
        ("hotel.test", 1, "key", 10, False), ("hotel.test", 3, "certificate", None, False),
        ("xn--bcher-kva.test", 2, "authority", None, False)]
    assert entries[0]["note"] == "read out by Frau Müller"
    assert [e["entry"] for e in stored(running, "HOTEL.test")] == [1, 3]
    table = siegel(running, "certificate", "list").stdout
    assert f"{day(10)} (10 d)  {DIGEST}" in table and "CN=Hotel CA,O=Hotel, valid until " in table

    assert siegel(running, "certificate", "remove", "hotel.test", "2").returncode == 1
    answer = siegel(running, "certificate", "remove", "hotel.test", "1")
    assert answer.stdout == "1 of the entries of hotel.test removed; from now on it is not used.\n"
    answer = siegel(running, "certificate", "remove", "hotel.test", "all")
    assert answer.returncode == 0 and "Nothing is stored for hotel.test now" in answer.stdout
    assert siegel(running, "certificate", "remove", "hotel.test", "all").returncode == 1
    assert [e["entry"] for e in stored(running)] == [2]


def test_what_is_stored_is_there_after_a_restart(running):
    siegel(running, "certificate", "add", "hotel.test", "--key", DIGEST)
    running.stop()
    running.forget_log()
    running.start()
    assert [e["value"] for e in stored(running)] == [DIGEST]


def test_a_date_that_has_passed_retires_an_entry(running):
    siegel(running, "certificate", "add", "hotel.test", "--key", DIGEST)
    answer = siegel(running, "certificate", "add", "hotel.test", "--key", DIGEST, "--expires", day(-1))
    assert answer.returncode == 0 and answer.stdout.endswith("\nIt has expired: no mail relies on it.\n")
    assert [(e["entry"], e["expired"]) for e in stored(running)] == [(1, True)]


def test_more_than_a_page_is_listed(running):
    for i in range(0, 30):
        siegel(running, "certificate", "add", f"d{i // 13}.test", "--key", f"{i:064x}")
    assert sorted(e["value"] for e in stored(running)) == [f"{i:064x}" for i in range(0, 30)]


def test_what_can_not_be_stored_is_named(running, certificate, authority, tmp_path):  # noqa: F811
    (tmp_path / "empty").write_text("")
    leaf = subprocess.run(
        ["openssl", "x509", "-req", "-CA", authority, "-CAkey", authority.parent / "key", "-days", "9",
         "-in", "/dev/stdin"], capture_output=True, text=True, check=True,
        input=subprocess.run(
            ["openssl", "req", "-new", "-key", certificate / "key.pem", "-subj", "/CN=leaf"],
            check=True, capture_output=True, text=True).stdout).stdout
    (tmp_path / "leaf").write_text(leaf)
    for words, says in [
            (["hotel.test"], "one of --key, --certificate and --authority would be right"),
            (["hotel.test", "--key", DIGEST, "--certificate", DIGEST], "one of --key"),
            (["hotel.test", "--key", DIGEST[1:]], "64 hex digits would be right"),
            (["hotel.test", "--key", DIGEST, "--names", "mx.test"], "belong to --authority"),
            (["hotel test", "--key", DIGEST], "is no domain"),
            (["hotel.test", "--key", DIGEST, "--expires", "soon"], "is no date"),
            (["hotel.test", "--authority", "/does/not/exist"], "No such file"),
            (["hotel.test", "--authority", tmp_path / "empty"], "there is no certificate in it"),
            (["hotel.test", "--authority", tmp_path / "leaf"], "certificate 1 of it is no authority's"),
            (["hotel.test", "--authority", authority, "--names", "a b"], "these are no host names")]:
        answer = siegel(running, "certificate", "add", *words)
        assert answer.returncode == WRONG_USE and says in answer.stderr, words
    answer = siegel(running, "certificate", "add", "hotel.test", "--key", DIGEST, "--note", "a\nb")
    assert answer.returncode == 1 and "the note is one line" in answer.stderr
    for words in [["hotel.test", "0"], ["hotel.test", "x"], ["hotel test", "1"]]:
        assert siegel(running, "certificate", "remove", *words).returncode == WRONG_USE
    assert stored(running) == []
