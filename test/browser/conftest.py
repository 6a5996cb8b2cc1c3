# SPDX-License-Identifier: ISC
"""What the tests of the pages stand on: an installation that serves them, and three neighbours - one
Postfix for all domains that are sealed, one without TLS, and a person at the machine "client".

Ada reads English, Bernd German; both have alias and password. Olga is the operator.
"""
import itertools
import uuid

import pytest

from api import Api
from browser import Browser
from client import Client
from faces import ManyFaced
from neighbours import Postfix
from pages import Pages
from siegel import Siegel
from world import World

pytest_plugins = ["alone"]

# sealed, but nothing proves the server; proven by DANE; no TLS at all
SEALED, DANE, PLAIN = "unsigned-no-tlsa.test", "dane-ee.test", "postfix-plain.test"


NAMES, NUMBERS = itertools.cycle(["mara", "jonas", "lea", "emil", "nora", "felix"]), itertools.count(1)


@pytest.fixture(scope="session")
def world():
    world = World()
    yield world
    world.close()


@pytest.fixture(scope="session")
def client(world):
    return Client(world)


@pytest.fixture(scope="session")
def neighbour(world):
    """Receives for every sealed domain."""
    return ManyFaced(world)


@pytest.fixture(scope="session")
def plain_neighbour(world):
    return Postfix(world, "postfix-plain", tls=False)


@pytest.fixture(scope="session")
def siegel(world, client):
    server = Siegel(world, client, "siegel", "example.test")
    server.listeners["web"] = ("web", 443)
    server.configure()
    server.start()
    server.add_user("ada", language="en")
    server.add_user("bernd", language="de")
    server.add_user("olga", language="en")
    return server


@pytest.fixture(scope="session")
def chromium(world, client, siegel):
    certificates = [world.authority.issue(name)[0] for name in (siegel.hostname, "mx.small.test")]
    browser = Browser(client, siegel, certificates)
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium):
    """Chromium as on its first day. What went wrong in it while nobody looked fails the test."""
    chromium.fresh()
    yield chromium
    problems = chromium.problems()
    assert not problems, "\n".join(problems)


@pytest.fixture
def account(siegel):
    """account(language=..., active=...): a new account. Answers (address, alias)."""
    def make(**options):
        return siegel.add_user(f"{next(NAMES)}.{next(NUMBERS)}", **options)
    return make


@pytest.fixture
def api(siegel):
    return lambda user, **more: Api(siegel, user, **more)


@pytest.fixture
def canary():
    return "canary" + uuid.uuid4().hex[:20]


@pytest.fixture
def pages(browser):
    return Pages(browser)
