# SPDX-License-Identifier: ISC
"""What the tests stand on. One small internet for the whole session; a server is started when
the first test asks for it and serves until the end.
"""
import uuid

import pytest

import peers as scripts
from client import Client
from dovecot import Dovecot
from faces import ManyFaced
from neighbours import Exim, OpenSmtpd, Postfix
from policyhost import PolicyHost
from siegel import Siegel
from world import World

pytest_plugins = ["alone"]


@pytest.fixture(scope="session")
def world():
    world = World()
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
    """The installation of example.test, with pages: ada (English) and bernd (German) have switched
    their aliases on, carl has not.
    """
    server = Siegel(world, client, "siegel", "example.test")
    server.listeners["web"] = ("web", 443)
    server.configure()
    server.start()
    server.add_user("ada", language="en")
    server.add_user("bernd", language="de")
    server.add_user("carl", active=False)
    return server


@pytest.fixture(scope="session")
def dovecot(world, siegel):
    """Serves the Maildirs of example.test."""
    return Dovecot(world, siegel)


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
