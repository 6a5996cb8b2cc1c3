# SPDX-License-Identifier: ISC
"""What the tests stand on. One small internet for the whole session; a server is started when
the first test asks for it and serves until the end.
"""
import os
import uuid

import pytest

import internet
import peers as scripts
from certificates import Authority
from client import Client
from faces import Faces, ManyFaced
from nameserver import Nameserver
from neighbours import Exim, OpenSmtpd, Postfix
from policyhost import PolicyHost
from siegel import Siegel, copy_programs
from witness import Witness

ALONE = os.environ.get("LAB_ALONE") == "1"


def pytest_collection_modifyitems(items):
    if ALONE:
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError("the lab needs root and namespaces of its own: test/lab/run")
    for item in items:
        item.add_marker(pytest.mark.skip(reason="needs root and its own namespaces: test/lab/run"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With CI=true nothing may be skipped: a skip is a failure."""
    report = (yield).get_result()
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be skipped: {report.longrepr}"


class World:
    """The wire, the witness, the authority and every machine made so far."""

    def __init__(self):
        internet.build_wire()
        copy_programs()
        self.witness = Witness()
        self.authority = Authority()
        self.faces = Faces(self.authority)
        self.machines = {}

    def machine(self, name, **more):
        """A machine whose link is watched before anything on it runs."""
        made = internet.Machine(name, internet.HOSTS[name], **more)
        self.machines[name] = made
        self.witness.watch(name)
        return made

    def peers(self):
        """The machine of the scripted peers, with an address for each of their domains."""
        if "peers" not in self.machines:
            numbers = [*internet.PEERS.values(), *internet.PEER_EXTRA]
            self.machine("peers", extra=numbers)
        return self.machines["peers"]

    def close(self):
        for machine in self.machines.values():
            machine.shut_down()
        self.witness.stop()


@pytest.fixture(scope="session")
def world():
    world = World()
    world.nameserver = Nameserver(world)
    yield world
    world.close()


@pytest.fixture(scope="session")
def witness(world):
    return world.witness


@pytest.fixture(scope="session")
def postfix_tls(world):
    return Postfix(world, "postfix-tls", tls=True)


@pytest.fixture(scope="session")
def postfix_plain(world):
    return Postfix(world, "postfix-plain", tls=False)


@pytest.fixture(scope="session")
def exim_tls(world):
    return Exim(world, "exim-tls", tls=True)


@pytest.fixture(scope="session")
def exim_plain(world):
    return Exim(world, "exim-plain", tls=False)


@pytest.fixture(scope="session")
def opensmtpd(world):
    return OpenSmtpd(world, "opensmtpd")


@pytest.fixture(scope="session")
def many_faced(world):
    return ManyFaced(world)


@pytest.fixture(scope="session")
def policy_host(world):
    return PolicyHost(world)


@pytest.fixture(scope="session")
def client(world):
    return Client(world)


@pytest.fixture(scope="session")
def siegel(world, client):
    """The installation of example.test: ada (English) and bernd (German) have switched their
    aliases on, carl has not.
    """
    server = Siegel(world, client, "siegel", "example.test")
    server.start()
    server.add_user("ada", language="en")
    server.add_user("bernd", language="de")
    server.add_user("carl", active=False)
    return server


@pytest.fixture(scope="session")
def partner(world, client):
    """A second installation, of partner.test: signed, DANE for its host. The machine "client" is its
    neighbour, and its operator wants DANE of one domain. Eve has switched her alias on.
    """
    server = Siegel(world, client, "partner", "partner.test",
                    neighbours=f'{{"{client.machine.v4}/32"}}')
    server.sections = 'destination "exim-tls.test" { level = dane-only }\n'
    server.configure()
    server.start()
    server.add_user("eve", language="en")
    return server


@pytest.fixture
def peer(world):
    """peer(domain, script): a scripted peer that ends with the test."""
    made = []

    def make(domain, script):
        made.append(scripts.Peer(world, domain, script))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def sealed_canary():
    """A word that must never cross the wire in clear."""
    return "SEALED" + uuid.uuid4().hex


@pytest.fixture
def open_canary():
    """A word that may."""
    return "OPEN" + uuid.uuid4().hex
