# SPDX-License-Identifier: ISC
"""Before it judges anyone: the neighbours talk to each other, and the witness sees what it must."""
import pytest


def letter(sender, recipient, canary):
    return f"From: <{sender}>\nTo: <{recipient}>\nSubject: {canary}\n\nThe word is {canary}.\n"


@pytest.mark.parametrize("one, other", [
    ("postfix_tls", "exim_tls"), ("exim_tls", "postfix_tls"), ("opensmtpd", "exim_tls")])
def test_neighbours_with_tls_talk_sealed(one, other, request, witness, sealed_canary):
    one, other = request.getfixturevalue(one), request.getfixturevalue(other)
    sender, recipient = f"carol@{one.domain}", f"dave@{other.domain}"
    one.send(sender, recipient, letter(sender, recipient, sealed_canary))
    other.receives(sealed_canary)
    assert witness.saw(sealed_canary) == []


@pytest.mark.parametrize("one, other", [
    ("postfix_plain", "exim_tls"), ("exim_tls", "postfix_plain"), ("exim_plain", "postfix_tls"),
    ("postfix_tls", "exim_plain")])
def test_where_one_has_no_tls_the_witness_reads_along(one, other, request, witness, open_canary):
    one, other = request.getfixturevalue(one), request.getfixturevalue(other)
    sender, recipient = f"carol@{one.domain}", f"dave@{other.domain}"
    one.send(sender, recipient, letter(sender, recipient, open_canary))
    other.receives(open_canary)
    seen_on = {line.split(":")[0] for line in witness.saw(open_canary)}
    assert seen_on == {one.machine.name, other.machine.name}
