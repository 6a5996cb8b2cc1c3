# SPDX-License-Identifier: ISC
"""The table of policy.md, section 3, cell by cell, as cells.py stages it.

For each level one message goes to every domain, all at once; each test then looks at what became
of one of them: the verdict and its reason, the time a refusal took, what its letter says, and that
no sealed canary crossed the wire.
"""
import re
import time

import pytest

import peers as scripts
from cells import CELLS, LEVELS
from client import message
from internet import REPO
from table import NOTHING, Asker, Table, said, staged

REASON = re.compile(r'row\(\w+, \d+, "([\w-]+)", "([\d.]+)",[^"]*(?:"[\w-]+",)?[\s\\]*"([^"]+)"')
REASONS = {found[1]: (found[2], found[3]) for found in
           REASON.finditer((REPO / "src/mail/reason.h").read_text())}


@pytest.fixture(scope="module")
def table(world, client, many_faced, exim_tls, policy_host):
    made = Table(world, client, many_faced, exim_tls, policy_host)
    yield made
    for peer in made.peers.values():
        peer.close()


@pytest.fixture(scope="module")
def asker(world, client):
    return Asker(world, client)


@pytest.fixture(scope="module")
def foretold():
    """level -> domain -> (what `siegel check` said, what delivery did)"""
    return {}


def agree(told, did):
    return told == did or told == "waits" and did.startswith("waits")


@pytest.mark.parametrize("level", LEVELS)
def test_what_check_says_is_what_delivery_then_does(level, table, asker, foretold):
    """Another installation is asked first; each has a cold cache of its own."""
    answers = asker.ask(level)
    outcomes = table.level(level)
    foretold[level] = {domain: (said(answer), outcomes.get(domain, NOTHING).word)
                       for domain, answer in answers.items()}
    assert {domain: words for domain, words in foretold[level].items()
            if not agree(*words)} == {}
    assert {domain: answer["seconds"] for domain, answer in answers.items()
            if answer["seconds"] > 4} == {}


def test_the_table_of_what_was_said_and_done_is_printed(foretold, capsys):
    """A column for each level. One word where both agree: s(ealed), c(lear), r(efused), w(aits)."""
    lines = []
    for domain in CELLS:
        columns = [foretold.get(level, {}).get(domain, ("-", "-")) for level in LEVELS]
        lines.append(f"{domain:28}" + "".join(
            f"{told[0] if agree(told, did) else told + ' / ' + did:>5}" for told, did in columns))
    rows = [words for level in foretold.values() for words in level.values()]
    wrong = sum(not agree(told, did) for told, did in rows)
    with capsys.disabled():
        print("\n" + f"{'check and delivery':28}" + "".join(f"{level[:4]:>5}" for level in LEVELS))
        print("\n".join(lines))
        print(f"{len(rows)} answers of siegel check, {wrong} of them contradicted")


def test_check_answers_within_three_seconds_where_the_first_host_is_dead(asker, world, peer):
    peer("black-hole-first.test", scripts.sealed_server)
    begun = time.monotonic()
    answer = asker.server.asks("check", "dave@black-hole-first.test")
    assert time.monotonic() - begun < 3
    assert answer["verdict"] == "accepted"
    assert answer["host"] == "mx.black-hole-first.test"


@pytest.mark.parametrize("level, domain", [
    (level, domain) for level in LEVELS for domain in staged(level)])
def test_the_cell_comes_to_its_verdict(level, domain, table):
    expected = CELLS[domain].expected[level]
    outcome = table.level(level).get(domain, NOTHING)
    assert outcome.word == expected, story(table, domain, outcome)
    if not expected.startswith("refused"):
        return
    code, text = REASONS[expected.split()[1]]
    letter = outcome.letter
    assert outcome.seconds < 10
    assert letter.field("Action") == "failed"
    assert letter.field("Status") == f"5.{code}"
    assert f"dave@{domain}" in letter.field("Final-Recipient")
    assert text in " ".join(letter.human.split())


def story(table, domain, outcome):
    """For the report of a failed test."""
    lines = [line for line in table.server.log().splitlines() if domain in line]
    return f"{outcome.word} after {outcome.seconds:.1f} s\n" + "\n".join(lines[-10:])


@pytest.fixture
def untouched(world):
    peer = scripts.Peer(world, "untouched.test", scripts.sealed_server)
    yield peer
    peer.close()


@pytest.mark.parametrize("level, domain, reason", [
    ("dane-only", "untouched.test", "dane-required"),
    ("verify", "untouched.test", "no-stored-certificate"),
    ("encrypt", "null-mx.test", "null-mx"),
    ("verify", "null-mx-signed.test", "null-mx")])
def test_a_refusal_that_needs_no_connection_makes_none(level, domain, reason, table, untouched,
                                                       witness, sealed_canary):
    """The letter is there within five seconds."""
    server, since = table.server, witness.now()
    to, start = f"dave@{domain}", time.time()
    sender = f"{level}@{server.secure}"
    server.submit(f"{level}@table.test", sender, to, message(sender, to, sealed_canary))
    letter = server.letter(f"{level}@table.test", sealed_canary)
    assert letter.mail.arrived - start < 5
    assert letter.field("X-Siegel-Reason") == reason
    assert witness.connections(untouched.address, since) == []
    assert untouched.connections == []


def test_the_witness_sees_a_connection_where_there_is_one(table, untouched, witness,
                                                          sealed_canary):
    server, since = table.server, witness.now()
    to, sender = "dave@untouched.test", f"encrypt@{server.secure}"
    server.submit("encrypt@table.test", sender, to, message(sender, to, sealed_canary))
    untouched.receives(sealed_canary)
    assert witness.connections(untouched.address, since) != []
