# SPDX-License-Identifier: ISC
"""What a receipt says of a mail between us and a real Postfix is what happened, and the file of it
verifies where no server is."""
import json
import subprocess

from client import message
from internet import eventually
from siegel import BIN

ADA, ADA_ALIAS = "ada@example.test", "ada@secure.example.test"


def newest(siegel, recipient):
    """The queue id of the last message to somebody."""
    lines = siegel.ctl("receipt", "export", "--since", "1h").stdout.splitlines()
    taken = [line for line in map(json.loads, lines) if line.get("kind") == "taken"]
    return next(r["message"] for r in reversed(taken) if r["recipients"][0]["address"] == recipient)


def records(siegel, mail, kind):
    found = siegel.asks("receipt", "show", mail)["records"]
    return [record for record in found if record["kind"] == kind]


def test_a_receipt_says_how_a_mail_went_out(siegel, postfix_tls, sealed_canary, tmp_path):
    there = f"dave@{postfix_tls.domain}"
    siegel.submit(ADA, ADA_ALIAS, there, message(ADA_ALIAS, there, sealed_canary))
    postfix_tls.receives(sealed_canary)
    mail = newest(siegel, there)
    record, = eventually(lambda: records(siegel, mail, "attempt"), 20, lambda: "the attempt")
    recipient, = record["recipients"]
    assert recipient["state"] in ("delivered", "relayed") and recipient["demands"] == ["tls"]
    assert recipient["transport"] == "mandatory"  # nothing proves who an unsigned domain's server is
    attempt = record["attempts"][-1]
    assert attempt["host"] == recipient["host"] and attempt["port"] == 25
    assert attempt["tls_version"] == "TLSv1.3" and attempt["cipher"].startswith("TLS_")
    assert attempt["group"] and "proven_by" not in attempt
    assert len(attempt["certificate"]) == len(attempt["key"]) == 64
    assert recipient["said"].startswith("250 2.0.0 Ok: queued as ")
    file = tmp_path / "receipt.jsonl"
    file.write_text(siegel.ctl("receipt", "export", mail).stdout)
    public = siegel.machine.path(siegel.state / "store/receipt.pub")
    assert subprocess.run([BIN / "siegel", "-f", "/nonexistent", "receipt", "verify", file,
                           "--key", public], capture_output=True).returncode == 0


def test_a_receipt_says_how_a_mail_came_in(siegel, postfix_tls, sealed_canary):
    postfix_tls.send(f"dave@{postfix_tls.domain}", ADA_ALIAS,
                     f"From: <dave@{postfix_tls.domain}>\nTo: <{ADA_ALIAS}>\n"
                     f"Subject: {sealed_canary}\n\nThe word is {sealed_canary}.\n")
    siegel.receives(ADA, sealed_canary)
    mail = newest(siegel, ADA_ALIAS)
    taken, = records(siegel, mail, "taken")
    assert taken["origin"] == "outside" and taken["transport"] == "mandatory"
    assert taken["tls_version"] == "TLSv1.3" and taken["peer"] and taken["helo"]
    mailbox, = eventually(lambda: records(siegel, mail, "mailbox"), 20, lambda: "the mailbox")
    assert mailbox["recipients"][0]["state"] == "delivered"
