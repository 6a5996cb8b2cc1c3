# SPDX-License-Identifier: ISC
"""`siegel check` against every domain of the policy table, at every level: it says what a delivery
comes to (test_a_policy_cells.py sends to the same domains), within three seconds, and no server
hears of a message.

The first look at a domain is cold: what it can't learn in its time it calls unknown and cut short,
and that is all it may be wrong about. The second one has what the first went on to find.
"""
import concurrent.futures
import json
import time

import pytest

import peers as scripts
from cells import CELLS, CONVERSATIONS, LEVELS
from siegel import BIN

AT_ONCE = 4
LONGEST = 3.0
VERDICTS = {"sealed": "accepted", "clear": "accepted", "refused": "refused", "waits": "unknown"}
# What it costs to start a process on a machine that is busy with the whole lab.
PATIENCE = 3.0


class Looks:
    """All cells, looked at by the server with a level each; and everybody they are looked for at."""

    def __init__(self, world, siegel):
        self.world, self.siegel, self.found = world, siegel, {}
        self.peers = [scripts.Peer(world, f"{name}.test", script)
                      for name, (script, *_) in CONVERSATIONS.items() if script]
        self.peers.append(scripts.Peer(world, "sealed-peer.test", scripts.sealed_server))
        siegel.machine.run("sh", stdin="\n".join(
            self.store_certificate(cell) for cell in CELLS.values() if cell.stored), check=False)

    def store_certificate(self, cell):
        right = self.world.faces.digests.get(f"{cell.server}.key", "11" * 32)
        key = "00" * 32 if cell.stored == "other" else right
        return f"{BIN}/siegel -f {self.siegel.conf} certificate add {cell.domain} --key {key}"

    def level(self, level):
        """domain -> (the cold answer, the warm one, how long the longer one took)."""
        if level not in self.found:
            with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
                domains = staged(level)
                self.found[level] = dict(zip(domains, pool.map(
                    lambda domain: self.look(domain, level), domains)))
        return self.found[level]

    def look(self, domain, level):
        answers, longest = [], 0
        for more in (["--fresh"], []):
            began = time.monotonic()
            text = self.siegel.ctl("check", domain, "--level", level, "--json", *more,
                                   check=False).stdout
            longest = max(longest, time.monotonic() - began)
            answers.append(json.loads(text))
        return *answers, longest

    def close(self):
        for peer in self.peers:
            peer.close()


def staged(level):
    # loop.test names the machine of another test, and nobody can store what has expired already.
    return [domain for domain, cell in CELLS.items()
            if cell.expected[level] != "-" and domain != "loop.test"
            and not (level == "verify" and cell.stored == "expired")]


@pytest.fixture(scope="module")
def looks(world, siegel, many_faced, exim_tls, policy_host):
    made = Looks(world, siegel)
    yield made
    made.close()


def agrees(answer, expected):
    word, _, reason = expected.partition(" ")
    if answer["verdict"] != VERDICTS[word]:
        return False
    if word in ("sealed", "clear"):
        return (answer["tls_version"] != "") == (word == "sealed")
    return answer["reason"] == reason


def was_cut_short(answer):
    return answer["verdict"] == "unknown" and not answer["complete"]


@pytest.mark.parametrize("level, domain", [
    (level, domain) for level in LEVELS for domain in staged(level)])
def test_a_look_says_what_a_delivery_comes_to(level, domain, looks):
    cold, warm, longest = looks.level(level)[domain]
    expected = CELLS[domain].expected[level]
    assert [host["mx_signed"] for host in warm["hosts"]] in ([], [warm["route_signed"]] * len(
        warm["hosts"]))
    assert agrees(cold, expected) or was_cut_short(cold), json.dumps(cold, indent=1)
    assert agrees(warm, expected) or was_cut_short(warm) and expected.startswith("waits"), \
        json.dumps(warm, indent=1)
    assert longest < LONGEST + PATIENCE


def test_where_the_first_server_is_dead_it_takes_less_than_three_seconds(siegel, peer):
    peer("black-hole-first.test", scripts.sealed_server)
    for more in (["--fresh"], []):
        began = time.monotonic()
        answer = siegel.ctl("check", "black-hole-first.test", "--json", *more)
        assert time.monotonic() - began < LONGEST
        told = json.loads(answer.stdout)
        assert [host["verdict"] for host in told["hosts"]] == ["unknown", "accepted"]


def test_nobody_heard_of_a_message(looks):
    heard = [line for one in looks.peers for connection in one.connections
             for verb in ("MAIL", "RCPT", "DATA") for line in connection.heard(verb)]
    assert looks.found and heard == []


def test_without_a_server_a_look_comes_to_the_same(looks, siegel):
    """Each from a process of its own, which knows nothing but what it looks up, and no stored
    certificate."""
    nobody = siegel.home / "without.conf"
    empty = siegel.home / "without"
    empty.mkdir(exist_ok=True)
    nobody.write_text(siegel.configuration(state_directory=f'"{empty}"'))
    for domain in ("dane-ee.test", "dane-wrong.test", "unsigned-no-tlsa.test", "null-mx.test",
                   "no-starttls.test", "expired.test", "bogus.test"):
        for level in ("encrypt", "dane-only"):
            answer = siegel.machine.run(BIN / "siegel", "-f", nobody, "check", domain, "--level",
                                        level, "--json", check=False)
            told = json.loads(answer.stdout)
            assert not told["server_asked"]
            assert agrees(told, CELLS[domain].expected[level]) or was_cut_short(told), \
                json.dumps(told, indent=1)
            assert answer.returncode == ["accepted", "refused", "unknown"].index(told["verdict"])
    answer = siegel.machine.run(BIN / "siegel", "-f", nobody, "check", "dane-ee.test", "--level",
                                "verify", check=False)
    assert answer.returncode == 2
    assert "Stored certificates can't be read while the server is down." in answer.stdout
