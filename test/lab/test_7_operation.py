# SPDX-License-Identifier: ISC
"""Running it: reload, roles that die, an orderly stop, and everything an operator can get wrong."""
import os
import signal
import ssl

import pytest

from client import message
from internet import eventually
from peers import sealed_server, slow
from siegel import BIN, ROLES, UID_BASE, Siegel

EVE = "eve@small.test"


@pytest.fixture(scope="module")
def small(world, client):
    """An installation that may be stopped, broken and started again. Its disk is small."""
    server = Siegel(world, client, "small", "small.test", disk_reserve='"2M"')
    server.mount_small_disk()
    server.start()
    server.add_user("eve")
    yield server
    server.machine.shut_down()


def certificate_serial(server):
    """The serial number of the certificate the server shows now."""
    with server.talk_sealed() as talk:
        return ssl.DER_cert_to_PEM_cert(talk.sock.getpeercert(binary_form=True))


def test_reload_shows_the_new_certificate_and_drops_no_session(siegel, sealed_canary):
    with siegel.talk_sealed() as old_session:
        assert old_session.say("MAIL FROM:<stranger@client.test>").startswith("250")
        before = certificate_serial(siegel)
        siegel.use_certificate(serial="-renewed", rsa=True)
        siegel.signal("siegeld", signal.SIGHUP)
        eventually(lambda: certificate_serial(siegel) != before, 10, "the new certificate shows")
        assert old_session.say("RCPT TO:<ada@secure.example.test>").startswith("250")
        assert old_session.say("DATA").startswith("354")
        text = message("stranger@client.test", "ada@secure.example.test", sealed_canary)
        assert old_session.say(text + ".").startswith("250")
    siegel.receives("ada@example.test", sealed_canary)


def test_reload_with_a_broken_configuration_changes_nothing(siegel):
    good = siegel.conf.read_text()
    siegel.conf.write_text(good + "\nno_such_option = 1\n")
    before = len(siegel.log())
    siegel.signal("siegeld", signal.SIGHUP)
    eventually(lambda: "no_such_option" in siegel.log()[before:], 10,
               lambda: siegel.log()[before:])
    siegel.conf.write_text(good)
    with siegel.talk_sealed() as talk:
        assert talk.say("NOOP").startswith("250")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_died_is_started_again_and_the_others_stay(role, siegel, sealed_canary):
    others = {name: siegel.role(name) for name in ROLES if name != role}
    died = siegel.kill(role)
    eventually(lambda: siegel.pids(f"siegel-{role}") not in ([], [died]), 10,
               lambda: f"a new siegel-{role}\n{siegel.log()[-2000:]}")
    siegel.is_up()
    ada = "ada@example.test"
    siegel.submit(ada, "ada@secure.example.test", ada,
                  message("ada@secure.example.test", ada, sealed_canary))
    siegel.receives(ada, sealed_canary)
    assert {name: siegel.role(name) for name in others} == others


def test_what_a_killed_delivery_had_claimed_is_taken_up_again(siegel, peer, sealed_canary):
    """The peer has the connection and is silent when delivery dies."""
    gate = _Gate()
    neighbour = peer("slow.test", slow(gate))
    there = "dave@slow.test"
    siegel.submit("ada@example.test", "ada@secure.example.test", there,
                  message("ada@secure.example.test", there, sealed_canary))
    eventually(lambda: neighbour.connections, 10, "delivery has claimed the message")
    others = {name: siegel.role(name) for name in ("store", "smtpd", "mailbox")}
    siegel.kill("delivery")
    gate.open = True
    neighbour.receives(sealed_canary)
    siegel.is_done_with(sealed_canary)
    assert len(neighbour.messages) == 1
    assert {name: siegel.role(name) for name in others} == others


class _Gate:
    """Lets the conversations through that begin after it was opened, and no earlier one."""
    open = False

    def wait(self, _seconds):
        if not self.open:
            raise OSError("this connection stays silent")


def test_a_killed_mailbox_delivers_what_waits_when_it_is_back(siegel, sealed_canary):
    ada = "ada@example.test"
    others = {name: siegel.role(name) for name in ("store", "smtpd", "delivery")}
    os.kill(siegel.role("mailbox"), signal.SIGSTOP)
    with siegel.client.smtp(siegel.address, 25, siegel.hostname) as smtp:
        for n in range(20):
            smtp.sendmail("stranger@client.test", [ada],
                          message("stranger@client.test", ada, f"{sealed_canary}-{n}."))
    siegel.kill("mailbox")
    for n in range(20):
        siegel.receives(ada, f"{sealed_canary}-{n}.")
    assert {name: siegel.role(name) for name in others} == others


def test_each_role_runs_as_its_own_user_without_new_privileges(siegel):
    users = set()
    for role in ROLES:
        status = dict(line.split(":", 1) for line in
                      open(f"/proc/{siegel.role(role)}/status").read().splitlines() if ":" in line)
        uids = set(status["Uid"].split())
        assert len(uids) == 1 and UID_BASE < int(min(uids)) <= UID_BASE + len(ROLES), status["Uid"]
        users |= uids
        assert status["NoNewPrivs"].strip() == "1"
        assert status["Seccomp"].strip() == "2"
        assert int(status["CapEff"], 16) == 0
    assert len(users) == len(ROLES)


def test_sigterm_ends_it_in_order_and_a_start_finds_everything_again(small, peer, sealed_canary):
    there = "dave@down.test"
    small.submit(EVE, "eve@secure.small.test", there,
                 message("eve@secure.small.test", there, sealed_canary))
    eventually(lambda: small.queue(), 10, "the message waits")
    assert small.stop() == 0
    for role in ROLES:
        assert small.pids(f"siegel-{role}") == []
    small.start()
    neighbour = peer("down.test", sealed_server)
    neighbour.receives(sealed_canary)
    small.queue_is_empty()
    assert small.stop(within=5) == 0, "with a connection to the neighbour still open"
    small.start()


def try_to_start(server, conf=None):
    """Run siegeld until it gives up. Answers what it said; more than 15 s is a failure."""
    done = server.machine.run(BIN / "siegeld", "-f", conf or server.conf, check=False, timeout=15)
    assert done.returncode not in (0, -6, -11, 134, 139), done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


@pytest.fixture
def stopped(small):
    """`small`, stopped, and put in order again afterwards."""
    if small.pids("siegeld"):
        small.stop()
    yield small
    if small.pids("siegeld"):
        small.stop()
    small.configure()
    small.start()


def test_an_unreadable_key_is_named(stopped):
    missing = stopped.home / "no-such-key.pem"
    stopped.configure(key=f'{{"{missing}"}}')
    assert str(missing) in try_to_start(stopped)


def test_a_key_that_does_not_belong_to_the_certificate_is_named(stopped):
    _, other = stopped.authority.issue("another.test")
    stopped.configure(key=f'{{"{other}"}}')
    said = try_to_start(stopped)
    assert str(other) in said and "key mismatch" in said


def test_a_missing_state_directory_is_named(stopped):
    missing = stopped.home / "nowhere"
    stopped.configure(state_directory=f'"{missing}"')
    assert str(missing) in try_to_start(stopped)


def test_a_missing_configuration_is_named(stopped):
    missing = stopped.home / "missing.conf"
    assert str(missing) in try_to_start(stopped, missing)


@pytest.mark.parametrize("mistake, word", [
    ("sesions = 10", "sesions"), ("sessions = many", "sessions"), ('sessions = "', "siegel.conf"),
    ("domain \"a.test\" {", "siegel.conf"), ("sessions = 99999999999", "sessions"),
    ('listener "x" { kind = mx address = "not an address" port = 25 }', "address")])
def test_a_mistake_in_the_configuration_is_reported_with_file_and_line(mistake, word, stopped):
    text = stopped.configuration()
    stopped.conf.write_text(text + mistake + "\n")
    line = text.count("\n") + 1
    checked = stopped.ctl("config", "check", check=False)
    for said in (try_to_start(stopped), checked.stdout):
        assert word in said
        assert f"siegel.conf:{line}" in said or f"siegel.conf:{line + 1}" in said, said
    assert checked.returncode != 0


def test_a_configuration_of_random_bytes_is_refused_without_a_crash(stopped):
    stopped.conf.write_bytes(os.urandom(4096))
    assert "siegel.conf" in try_to_start(stopped)


def test_a_port_in_use_is_named(stopped):
    with stopped.machine.listen(stopped.machine.v4, 587):
        said = try_to_start(stopped)
    assert "587" in said
    for role in ROLES:
        assert stopped.pids(f"siegel-{role}") == []


def test_a_full_disk_answers_452_and_loses_nothing(small):
    """Large messages until the disk is full; then room is made, and all that got 250 is there."""
    assert small.pids("siegeld"), "the server runs"
    roles = {name: small.role(name) for name in ROLES}
    ballast = small.state / "ballast"
    small.machine.run("fallocate", "-l", "16M", ballast)
    taken, refusal, n = [], "", 0
    body = ("y" * 70 + "\r\n") * 14000  # about a megabyte
    while not refusal and n < 80:
        n += 1
        canary = f"BALLAST{n:04}."
        with small.talk_sealed() as talk:
            for line in ("MAIL FROM:<stranger@client.test>", f"RCPT TO:<{EVE}>", "DATA"):
                reply = talk.say(line)
                if reply[:1] not in "23":
                    break
            else:
                talk.send((message("stranger@client.test", EVE, canary) + body).encode()
                          + b"\r\n.\r\n")
                reply = talk.hear()
        if reply.startswith("250"):
            taken.append(canary)
        else:
            refusal = reply
    assert refusal.startswith("452"), refusal
    assert taken
    small.machine.run("rm", ballast)
    for canary in taken:
        small.receives(EVE, canary, within=40)
    assert {name: small.role(name) for name in ROLES} == roles, "no role has died"
    small.queue_is_empty()
