# SPDX-License-Identifier: ISC
"""The tools of these tests notice what they are there to notice."""
import pytest


def test_the_page_comes_over_tls_from_the_server_itself(pages, browser):
    pages.entrance()
    assert browser.script("return isSecureContext")


@pytest.mark.parametrize("harm, sign", [
    ("const s = document.createElement('script'); s.textContent = 'window.harmed = 1';"
     " document.body.append(s); return window.harmed", "policy violated: script-src"),
    ("const i = new Image(); i.src = 'https://sink.test/x'; document.body.append(i);",
     "policy violated: img-src"),
    ("console.error('something')", "something"),
    ("fetch('/no-such-page')", "404"),
])
def test_what_goes_wrong_unseen_is_a_problem(harm, sign, browser):
    browser.open("/")
    assert browser.script(harm) is None
    browser.until(lambda: sign in browser.peek(), sign)
    assert browser.problems() != []
