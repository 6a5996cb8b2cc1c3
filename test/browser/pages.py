# SPDX-License-Identifier: ISC
"""The pages as somebody uses them: where a thing stands, and what one waits for after a step. The
tests speak of mail and marks; only this file knows ids and classes.
"""
from selenium.webdriver.common.keys import Keys

NO_SESSION = r"/api/v1/session\b.* 401"


class Pages:
    def __init__(self, browser):
        self.browser = browser

    @property
    def siegel(self):
        return self.browser.siegel

    # --- in and out

    def entrance(self):
        """The login page of a browser nobody has logged in with."""
        self.browser.expects(NO_SESSION)  # it asks whether there is a session
        self.browser.open("/")
        self.browser.find("#login-user")

    def fill_login(self, user, password, code=None):
        self.browser.type("#login-user", user, clear=True)
        self.browser.type("#login-password", password, clear=True)
        if code is not None:
            self.browser.type("#login-code", code, clear=True)
        self.browser.keys(Keys.ENTER)

    def log_in(self, user, password=None):
        self.entrance()
        self.fill_login(user, password or self.siegel.password)
        self.browser.find("#shell")
        self.settled()

    def settled(self, within=10):
        """The page stands: nothing is being fetched for it."""
        self.browser.until(lambda: self.browser.script(
            "const page = document.getElementById('page');"
            "return page && !page.hasAttribute('aria-busy') && page.childElementCount > 0"),
            "the page stands", within)

    def go(self, hash):
        """As a link inside the pages does."""
        self.browser.script("location.hash = arguments[0]", hash)
        self.browser.until(lambda: self.browser.script("return location.hash") == hash, hash)
        self.settled()

    # --- lists and mails

    def open_folder(self, folder):
        self.go(f"#/mail/{folder}")
        self.browser.find(".listing .rows li, .listing .empty > *", within=20)

    def row(self, words, within=20):
        """The row of the list that has these words in it."""
        def found():
            return [row for row in self.browser.shown(".listing .rows li") if words in row.text]
        return self.browser.until(found, f"a row with '{words}'", within)[0]

    def open_mail(self, words, folder="INBOX", within=20):
        if not self.browser.script("return location.hash").startswith(f"#/mail/{folder}"):
            self.open_folder(folder)
        self.row(words, within)

        def opened():
            link, = self.browser.all("a.open", self.row(words))
            link.click()
            return True
        self.browser.until(opened, f"'{words}' is opened")
        self.browser.find(".mail-card.opened .mail-text", within)

    def show_formatted(self):
        self.browser.click(".mail-card.opened .formatted > button")
        return self.browser.find(".mail-card.opened .formatted iframe")
