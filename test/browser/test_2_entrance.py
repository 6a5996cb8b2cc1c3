# SPDX-License-Identifier: ISC
"""Coming in: the login page, what it says when something is wrong, and that it ends again."""
import pytest

from browser import DESK, PHONE

ADA = "ada@example.test"
WIDTHS = {"phone": PHONE, "desk": DESK}


@pytest.mark.parametrize("width, language, dark", [
    ("phone", "en", True), ("phone", "de", False), ("desk", "en", False), ("desk", "de", True)])
def test_the_login_page_speaks_the_language_of_the_browser(width, language, dark, pages, browser):
    browser.resize(WIDTHS[width])
    browser.look(language, dark)
    pages.entrance()
    assert browser.script("return document.documentElement.lang") == language
    browser.says({"en": "Password", "de": "Passwort"}[language])
    browser.shot(f"login-{width}-{language}-{'dark' if dark else 'light'}")
    assert browser.axe() == []
    assert not browser.overflows()


def test_without_javascript_the_login_page_says_what_is_needed(browser):
    browser.expects(r"^failed: .*/app/\w+\.mjs  csp")  # what is asked for beforehand, too early
    browser.scripts_on(False)
    browser.open("/")
    for words in ("need JavaScript to log in", "brauchen JavaScript für die Anmeldung"):
        browser.says(words)
    browser.shot("login-without-javascript")
    assert browser.shown("input") == [], "nothing to type into that would lead nowhere"


def test_a_wrong_password_is_said_and_the_right_one_comes_after_it(pages, browser):
    browser.expects(r"/api/v1/session\b.* 401")
    pages.entrance()
    pages.fill_login(ADA, "wrong")
    browser.says("password", "#login-complaint")
    assert browser.script("return document.getElementById('login-user').value") == ADA
    browser.shot("login-wrong-password")
    assert browser.axe() == []
    pages.fill_login(ADA, pages.siegel.password)
    browser.find("#shell")


def test_the_cookie_is_out_of_reach_for_scripts(pages, browser):
    pages.log_in(ADA)
    cookie, = browser.cdp("Network.getCookies", urls=[browser.origin])["cookies"]
    assert cookie["name"] == "__Host-siegel"
    assert cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Strict"
    assert browser.script("return document.cookie") == ""


def test_after_log_out_no_address_shows_anything(pages, browser):
    pages.log_in(ADA)
    browser.click("#account button")
    browser.find("#login-user")
    browser.open("/#/settings")
    browser.find("#login-user")
    assert not browser.shown("#shell")


def test_the_login_works_without_a_mouse(pages, browser):
    pages.entrance()
    browser.tab_to("#login-user")
    browser.keys(ADA)
    browser.tab_to("#login-password")
    browser.keys(pages.siegel.password)
    browser.tab_to("#login [type=submit]")
    browser.keys(" ")
    browser.find("#shell")
