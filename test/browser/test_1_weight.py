# SPDX-License-Identifier: ISC
"""What the pages weigh on the wire, when somebody has been everywhere."""
import pytest

from pages import Pages

PLACES = ("#/mail/INBOX", "#/write", "#/settings/alias", "#/settings/writing", "#/settings/security",
          "#/turned-away", "#/operator/health", "#/operator/queue", "#/operator/accounts",
          "#/operator/certificates")
MOST = {"mjs": 60_000, "css": 10_000}


@pytest.fixture(scope="module")
def resources(chromium, siegel):
    """Every file that a browser took, with its bytes as they came."""
    siegel.ctl("user", "admin", "olga@example.test", "on")
    chromium.fresh()
    pages = Pages(chromium)
    pages.log_in("olga@example.test")
    chromium.script("performance.setResourceTimingBufferSize(10000)")
    for place in PLACES:
        pages.go(place)
    found = chromium.script(
        "return performance.getEntriesByType('resource').map(one =>"
        " [one.name, one.encodedBodySize, one.decodedBodySize])")
    return {name: (encoded, decoded) for name, encoded, decoded in found}


@pytest.mark.parametrize("suffix", MOST)
def test_what_is_loaded_is_small(suffix, resources):
    sizes = {name.rsplit("/", 1)[1]: encoded for name, (encoded, _) in resources.items()
             if name.endswith("." + suffix)}
    assert sizes and sum(sizes.values()) <= MOST[suffix], (sum(sizes.values()), sizes)


def test_files_come_compressed(resources):
    large = [name for name, (encoded, decoded) in resources.items()
             if "/app/" in name and decoded > 2000 and encoded >= decoded]
    assert large == []


def test_nobody_else_is_asked_for_anything(resources, siegel):
    assert [name for name in resources if not name.startswith(f"https://{siegel.hostname}/")] == []
