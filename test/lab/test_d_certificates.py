# SPDX-License-Identifier: ISC
"""`siegel certificate learn` and `check` against real servers and signed zones: whose key is vouched
for, and whose is not stored however much somebody says yes.
"""
import json

import pytest


@pytest.fixture
def certificates(siegel, many_faced):
    """siegel certificate ..., with nothing stored before and after."""
    def ask(*words):
        answer = siegel.ctl("certificate", *words, check=False)
        return answer.returncode, answer.stdout

    def forget():
        for domain in {e["domain"] for e in siegel.asks("certificate", "list")["certificates"]}:
            ask("remove", domain, "all")

    forget()
    yield ask
    forget()


@pytest.mark.parametrize("domain, signed, dane, store", [
    ("dane-ee.test", True, "match", "certificate-not-trusted"),
    ("dane-ta-key.test", True, "match", "certificate-not-trusted"),
    ("tlsa-cname.test", True, "match", "certificate-not-trusted"),
    ("no-mx.test", True, "match", "certificate-not-trusted"),
    ("half.test", False, "match", "none"),
    ("unsigned-no-tlsa.test", False, "not-checked", "none"),
    ("signed-no-tlsa.test", True, "not-checked", "none")])
def test_what_dane_or_the_ca_store_says_of_a_key_is_shown(
        domain, signed, dane, store, certificates):
    status, text = certificates("learn", domain, "--yes")
    assert status == 0, text
    assert ("is vouched for, as said above" in text) == signed, text
    assert ("is not signed here (DNSSEC)" in text) == (not signed), text
    assert ("goes there is signed by nobody" in text) == (not signed), text
    status, text = certificates("check", domain, "--json")
    server, = json.loads(text)["domains"][0]["servers"]
    assert (status, server["result"], server["stored"]) == (0, "match", "match")
    assert (server["dane"], server["certificate_fault"]) == (dane, store)


def test_a_key_nothing_vouches_for_is_said_to_be_one(certificates):
    status, text = certificates("learn", "self-signed.test", "--yes")
    assert status == 0 and "is vouched for by nothing but this connection" in text, text


@pytest.mark.parametrize("domain", ["dane-wrong.test", "half-wrong.test", "dane-ta-absent.test"])
def test_a_key_that_dane_disowns_is_stored_by_force_alone(domain, certificates, siegel):
    status, text = certificates("learn", domain, "--yes")
    assert status == 1 and "DOES NOT AGREE" in text and "Nothing was stored." in text, text
    assert siegel.asks("certificate", "list")["certificates"] == []
    status, text = certificates("learn", domain, "--yes", "--force")
    assert status == 0 and len(siegel.asks("certificate", "list")["certificates"]) == 1, text


def test_a_server_that_shows_another_key_is_a_mismatch(certificates):
    certificates("add", "dane-ee.test", "--key", "00" * 32)
    certificates("learn", "signed-no-tlsa.test", "--yes")
    status, text = certificates("check")
    assert status == 1
    results = {line.split()[0]: line.split()[3] for line in text.splitlines()[1:]}
    assert results == {"dane-ee.test": "mismatch", "signed-no-tlsa.test": "match"}, text
