# SPDX-License-Identifier: ISC
"""The pages as somebody uses them: where a thing stands, and what one waits for after a step. The
tests speak of mail and marks; only this file knows ids and classes.
"""
import collections

from selenium.webdriver.common.keys import Keys

Mark = collections.namedtuple("Mark", "tone text")
NO_SESSION = r"/api/v1/session\b.* 401"


TO = "form.compose .to-row [role=combobox]"
SUBJECT = "form.compose .field > input[type=text]"
BODY = "form.compose textarea"


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

    def fill_code(self, code):
        self.browser.type("#login-code", code, clear=True)
        self.browser.keys(Keys.ENTER)

    def log_in(self, user, password=None):
        self.entrance()
        self.fill_login(user, password or self.siegel.password)
        self.browser.find("#shell")
        self.settled()
        self.browser.forget_shift()  # one page went and another came

    def settled(self, within=10):
        """The page stands: nothing is being fetched for it."""
        self.browser.until(lambda: self.browser.script(
            "const page = document.getElementById('page');"
            "return page && !page.hasAttribute('aria-busy') && page.childElementCount > 0"),
            "the page stands", within)

    def go(self, hash):
        """As a link inside the pages does."""
        self.browser.script("location.hash = arguments[0]", hash)
        self.browser.until(lambda: self.browser.script("return location.hash").startswith(hash), hash)
        self.settled()

    # --- lists and mails

    def open_folder(self, folder):
        self.go(f"#/mail/{folder}")
        self.browser.find(".listing .lines li, .listing .empty > *", within=20)

    def row(self, words, within=20):
        """The row of the list that has these words in it."""
        def found():
            return [row for row in self.browser.shown(".listing .lines li") if words in row.text]
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
        self.browser.find(".mail-card.opened .actions", within)

    def open_letter(self, within=20):
        """The newest letter of this server."""
        def opened():
            for row in self.browser.shown(".listing .lines li"):
                self.browser.all("a.open", row)[0].click()
                return True
        self.browser.until(opened, "a letter is in the list", within)
        self.browser.find(".mail-card.opened .letter", within)

    def show_formatted(self):
        self.browser.click(".mail-card.opened .formatted > button")
        return self.browser.find(".mail-card.opened .formatted iframe")

    def word(self, key, **values):
        """A phrase in the language of the pages, once the page that uses it is shown."""
        return self.browser.driver.execute_async_script(
            "const [key, values, done] = arguments;"
            "import('/app/words.mjs').then(words => done(words.t(key, values)))", key, values)

    def toast(self, words):
        self.browser.says(words, "#toasts")

    def press(self, key):
        """The button with this phrase on it."""
        words = self.word(key)

        def pressed():
            for found in self.browser.shown("#page button, dialog button"):
                if found.text.strip() == words:
                    self.browser.press(found)
                    return True
            return False
        self.browser.until(pressed, f"the button '{words}'")

    def labelled(self, key):
        """The control with this label; None while there is none."""
        words = self.word(key)
        for label in self.browser.shown("#page label, dialog label"):
            if label.text.strip() == words:
                return self.browser.all("#" + label.get_attribute("for"))[0]
        return None

    # --- writing

    def write(self, sender=None, to=(), subject="", body=""):
        """A new draft. Answers its id."""
        if not self.browser.shown("form.compose"):
            self.go("#/write")
        self.browser.find("form.compose")
        if sender:
            self.choose_sender(sender)
        for address in to:
            self.add_recipient(address)
        if subject:
            self.browser.type(SUBJECT, subject)
        if body:
            self.browser.type(BODY, body)
        return self.draft()

    def draft(self):
        return self.browser.until(lambda: self.browser.script(
            "return (location.hash.match(/^#\\/write\\/([a-z0-9]+)$/) || [])[1]"), "a draft's id")

    def choose_sender(self, address):
        def chosen():
            choice, = self.browser.all(f"form.compose [name=from][value='{address}']")
            self.browser.press(choice)
            return choice.is_selected()
        self.browser.until(chosen, f"{address} is chosen as sender")

    def sender(self):
        return self.browser.find("form.compose [name=from]:checked").get_attribute("value")

    def add_recipient(self, address):
        self.browser.type(TO, address + ",")
        self.browser.until(lambda: address in self.browser.text("form.compose .chips"), address)

    def mark(self, address, within=30):
        """What is said of a recipient, once it is known."""
        def known():
            for slot in self.browser.shown(".marks .mark-slot"):
                if slot.text.strip().startswith(address) and looking not in slot.text:
                    signs = self.browser.all(".mark", slot)[0].get_attribute("class").split()
                    return Mark(" ".join(signs[1:]), slot.text)
            return None
        looking = self.word("mark-looking")
        return self.browser.until(known, f"a mark for {address}", within)

    def saved(self, within=20):
        """Wait until the server has all that was typed."""
        saved = self.word("saved-at", time="").strip()
        self.browser.until(lambda: saved in self.browser.text(".save-state"), "the draft is saved",
                           within)

    def send(self, anyway=False):
        """Press Send; `anyway`: and answer the question about those who can't be reached."""
        self.browser.click("form.compose [type=submit]")
        if anyway:
            self.browser.find("dialog .sure")
            self.browser.click("dialog footer .main")
        self.browser.gone("form.compose", within=30)

    def undo_send(self):
        self.browser.click(".outbar button")
        self.browser.find("form.compose")

    # --- what became of it

    def outcomes(self, draft, within=20):
        """The page of one sent mail."""
        self.go(f"#/sent/{draft}")
        self.browser.find(".sent-panel li", within)

    def outcome(self, address):
        """What is said of one recipient on the page that is open now: its state and why."""
        for line in self.browser.shown(".sent-panel li"):
            if address in line.text:
                signs = self.browser.all(".mark", line)[0].get_attribute("class").split()
                return Mark(" ".join(signs[1:]), line.text)
        return Mark("", "")

    def comes_to(self, address, tone, within=30):
        """Wait until the page says so, by itself."""
        self.browser.until(lambda: self.outcome(address).tone == tone,
                           f"{address} comes to {tone}", within)
        return self.outcome(address)

    # --- settings

    def settings(self, part="alias"):
        self.go(f"#/settings/{part}")
        self.browser.find("#page h1")

    def switch_alias(self):
        self.settings()
        self.browser.click("#page .card .switch-row label")

    def expert_mode(self):
        """Behind a warning that has to be accepted."""
        self.browser.click("#rule-title ~ div button")
        self.browser.find("dialog .choice")
        self.browser.click("dialog .choice")
        self.browser.click("dialog footer .main")
        self.browser.find(".levels input")

    def choose_level(self, level):
        self.browser.click(f".levels input[value={level}]")
        self.browser.until(lambda: self.siegel.asks("alias", "show", self.address())["level"] == level,
                           f"the level is {level}")

    def address(self):
        return self.browser.text("#account .address") or self.browser.script(
            "return document.querySelector('#account .address').title")
