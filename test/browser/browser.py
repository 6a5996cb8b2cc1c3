# SPDX-License-Identifier: ISC
"""Chromium on the machine "client", driven by chromedriver there.

Whatever goes wrong without anybody looking is kept and ends the test that caused it: a violation of
the content security policy, an error in the console, a request that failed or that left our origin.
A test that means to cause one says so beforehand (Browser.expects). Nothing here sleeps: what is
waited for is a condition.
"""
import base64
import json
import os
import re
import urllib.parse

from selenium.common.exceptions import (ElementClickInterceptedException,
                                        ElementNotInteractableException,
                                        JavascriptException,
                                        NoSuchElementException,
                                        StaleElementReferenceException)
from selenium.webdriver import ActionChains, ChromeOptions, Remote
from selenium.webdriver.chromium.remote_connection import ChromiumRemoteConnection
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from certificates import key_digest
from internet import LAB, OUT, REPO, eventually

SHOTS = OUT / "shots"
AXE = REPO / "build/browser/npm/node_modules/axe-core/axe.min.js"
PORT = 9515
PHONE, DESK = (360, 740), (1280, 800)
WITHIN = 20.0
NOT_YET = (StaleElementReferenceException, ElementNotInteractableException,
           ElementClickInterceptedException, NoSuchElementException, JavascriptException)

# In every document, before any script of its own.
WATCH = """
addEventListener("securitypolicyviolation", event => console.error("policy violated: "
	+ event.effectiveDirective + " " + event.blockedURI + " in " + event.documentURI));
window.watched = { shift: 0, shifted: [] };
new PerformanceObserver(list => {
	for (const entry of list.getEntries())
		if (!entry.hadRecentInput) {
			watched.shift += entry.value;
			watched.shifted.push(`${entry.value.toFixed(4)} at ${Math.round(entry.startTime)} ms: `
				+ entry.sources.map(source => (source.node ? source.node.id || source.node.className
				|| source.node.nodeName : "?") + " " + [source.previousRect, source.currentRect].map(r =>
				`${r.x},${r.y},${r.width},${r.height}`).join(" > ")).join("; "));
		}
}).observe({ type: "layout-shift", buffered: true });
"""

RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ["violations"] }).then(
	found => done(found.violations), error => done([{ id: "axe failed: " + error, impact: "critical",
	nodes: [] }]));
"""


class Wire(ChromiumRemoteConnection):
    """Selenium's connection to chromedriver, made on the machine it runs on."""

    def __init__(self, machine):
        self.machine = machine
        super().__init__(f"http://127.0.0.1:{PORT}", "goog", "chrome")

    def _request(self, *arguments, **named):
        with self.machine.network():
            return super()._request(*arguments, **named)


class Browser:
    """One Chromium for the whole run; fresh() makes it a new one for the next test."""

    def __init__(self, client, siegel, certificates):
        """`certificates`: of the servers that are trusted."""
        self.machine, self.home_of = client.machine, siegel
        self.visits(siegel)
        self.home = LAB / "chromium"
        (self.home / "downloads").mkdir(parents=True)
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.machine.start("chromedriver", f"--port={PORT}", log="chromedriver", env={
            **os.environ, "HOME": str(self.home), "TMPDIR": str(self.home),
            "XDG_CONFIG_HOME": str(self.home)})
        self.machine.answers_on(PORT, "127.0.0.1")
        self.driver = Remote(Wire(self.machine), options=self._options(certificates))
        self.fresh()

    def _options(self, certificates):
        trusted = ",".join(base64.b64encode(bytes.fromhex(key_digest(chain))).decode()
                           for chain in certificates)
        options = ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                         f"--user-data-dir={self.home / 'profile'}", "--disable-dev-shm-usage",
                         "--disable-background-networking", "--disable-component-update",
                         "--disable-sync", "--force-device-scale-factor=1",
                         "--hide-scrollbars", "--font-render-hinting=none",
                         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.test",
                         f"--ignore-certificate-errors-spki-list={trusted}"):
            options.add_argument(argument)
        options.add_experimental_option("prefs", {
            "download.default_directory": str(self.home / "downloads"),
            "credentials_enable_service": False, "safebrowsing.enabled": False})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.set_capability("unhandledPromptBehavior", "ignore")
        return options

    def visits(self, siegel):
        """Whose pages are ours from now on."""
        self.siegel, self.origin = siegel, f"https://{siegel.hostname}"

    def close(self):
        self.driver.quit()

    # --- a state that a test can rely on

    def fresh(self, size=DESK, language="en", dark=False):
        """A new tab without cookies, storage or log."""
        self.visits(self.home_of)
        old = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        tab = self.driver.current_window_handle
        for handle in [handle for handle in self.driver.window_handles if handle != tab]:
            self.driver.switch_to.window(handle)
            self.driver.close()
        self.driver.switch_to.window(tab)
        assert old != tab
        self.cdp("Network.clearBrowserCookies")
        self.cdp("Storage.clearDataForOrigin", origin=self.origin, storageTypes="all")
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        for file in (self.home / "downloads").iterdir():
            file.unlink()
        self.resize(size)
        self.look(language, dark)
        self.scripts_on(True)
        self.drain()
        self.expected, self.kept = [], []

    def resize(self, size):
        self.size = size
        self.cdp("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1],
                 deviceScaleFactor=1, mobile=False)

    def look(self, language, dark):
        """What the reader has set in the browser itself."""
        version = self.cdp("Browser.getVersion")["userAgent"]
        self.cdp("Emulation.setUserAgentOverride", userAgent=version,
                 acceptLanguage={"en": "en-GB,en", "de": "de-DE,de"}[language])
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"}])

    def scripts_on(self, on):
        self.cdp("Emulation.setScriptExecutionDisabled", value=not on)

    def offline(self, off):
        self.cdp("Network.enable")
        self.cdp("Network.emulateNetworkConditions", offline=off, latency=0,
                 downloadThroughput=-1, uploadThroughput=-1)

    def cdp(self, command, **parameters):
        return self.driver.execute("executeCdpCommand",
                                   {"cmd": command, "params": parameters})["value"]

    # --- what one does

    def open(self, path="/"):
        self.driver.get(self.origin + path)

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def all(self, css, root=None):
        return (root or self.driver).find_elements(By.CSS_SELECTOR, css)

    def shown(self, css, root=None):
        """The elements that can be seen now."""
        try:
            return [found for found in self.all(css, root) if found.is_displayed()]
        except NOT_YET:
            return []

    def find(self, css, within=WITHIN, root=None):
        """Wait for the first element that can be seen."""
        return eventually(lambda: self.shown(css, root), within,
                          lambda: f"{css} is shown\n{self.story()}")[0]

    def gone(self, css, within=WITHIN):
        eventually(lambda: not self.shown(css), within, lambda: f"{css} is gone\n{self.story()}")

    def until(self, condition, what, within=WITHIN):
        """Wait until condition() holds while the page changes under it. Answers its value."""
        def holds():
            try:
                return condition()
            except NOT_YET:
                return None
        return eventually(holds, within, lambda: f"{what}\n{self.story()}")

    def click(self, css, within=WITHIN, root=None):
        def clicked():
            found = self.shown(css, root)
            if not found:
                return False
            self.press(found[0])
            return True
        self.until(clicked, f"a click on {css}", within)

    def press(self, element):
        """A click, where nothing that floats at the window's edge lies over it."""
        self.script("arguments[0].scrollIntoView({ block: 'center' })", element)
        element.click()

    def type(self, css, text, clear=False):
        field = self.find(css)
        if clear:
            field.clear()
        field.send_keys(text)
        return field

    def keys(self, *keys):
        """Press keys wherever the focus is."""
        chain = ActionChains(self.driver)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def chord(self, *keys):
        chain = ActionChains(self.driver)
        for key in keys[:-1]:
            chain.key_down(key)
        chain.send_keys(keys[-1])
        for key in reversed(keys[:-1]):
            chain.key_up(key)
        chain.perform()

    def focus(self):
        """What has the focus, in words a failure can be read by."""
        return self.script("const at = document.activeElement; return at ? at.tagName.toLowerCase()"
                           " + (at.id ? '#' + at.id : '') + (at.className ? '.' + at.className : '')"
                           " : ''")

    def tab_to(self, css, most=80, back=False):
        """Press Tab until the focus is on it, as somebody without a mouse does."""
        for _ in range(most):
            if self.script("return document.activeElement.matches(arguments[0])", css):
                return
            if back:
                self.chord(Keys.SHIFT, Keys.TAB)
            else:
                self.keys(Keys.TAB)
        raise AssertionError(f"Tab never comes to {css}; it is on {self.focus()}\n{self.story()}")

    def text(self, css="body"):
        """All that can be read in the first such element; "" while there is none."""
        try:
            found = self.shown(css)
            return found[0].text if found else ""
        except NOT_YET:
            return ""

    def says(self, words, css="body", within=WITHIN):
        """Wait until a text stands there."""
        eventually(lambda: words in self.text(css), within,
                   lambda: f"'{words}' in {css}: {self.text(css)[:1500]}\n{self.story()}")

    def frame(self, css, within=WITHIN):
        """Go into a frame; top() comes back."""
        frame = self.find(css, within)
        self.driver.switch_to.frame(frame)

    def top(self):
        self.driver.switch_to.default_content()

    def download(self, within=WITHIN):
        """Wait for the one file that was downloaded. Its name is taken by an empty one first."""
        def files():
            there = list((self.home / "downloads").iterdir())
            return there if there and all(
                not file.name.endswith(".crdownload") and file.stat().st_size
                for file in there) else None
        return eventually(files, within, "a file is downloaded")[0]

    # --- what one looks at

    def shot(self, name):
        """A picture of what can be seen, kept for people to look at."""
        self.driver.get_screenshot_as_file(str(SHOTS / f"{name}.png"))

    def story(self):
        """For failure reports: a picture, where it was, what stood there."""
        try:
            self.driver.get_screenshot_as_file(str(SHOTS / "failed.png"))
            return (f"at {self.driver.current_url}, picture {SHOTS}/failed.png\n"
                    f"{self.text()[:1500]}\n{self.peek()}")
        except Exception as error:  # the report of a failure must not hide it
            return f"(no story: {error})"

    def axe(self, allowed=()):
        """Serious or critical violations of accessibility, one line each."""
        if not self.script("return 'axe' in window"):
            self.cdp("Runtime.evaluate", expression=AXE.read_text())
        found = self.driver.execute_async_script(RUN_AXE)
        return [f"{one['id']} ({one['impact']}): "
                + "; ".join(node["html"][:160] + " | " + " ".join(
                    check.get("message", "") for check in node["any"][:1])
                    for node in one["nodes"][:4])
                for one in found if one["impact"] in ("serious", "critical")
                and one["id"] not in allowed]

    def layout_shift(self):
        """The sum of what moved by itself since the document began, and what it was."""
        return self.script("return [watched.shift, watched.shifted]")

    def forget_shift(self):
        self.script("watched.shift = 0; watched.shifted = []")

    def overflows(self):
        """Does one have to scroll sideways?"""
        return self.script("return document.documentElement.scrollWidth > innerWidth")

    # --- what nobody looked at

    def expects(self, *patterns):
        """From here to the end of the test these are no problems."""
        self.expected += patterns

    def drain(self):
        """Problems in both logs since the last look, as lines."""
        found = []
        for entry in self.driver.get_log("browser"):
            if entry["level"] == "SEVERE" or "policy" in entry["message"].lower():
                found.append(f"console: {entry['message']}")
        asked = {}
        for entry in self.driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            what = event["params"]
            if event["method"] == "Network.requestWillBeSent":
                asked[what["requestId"]] = url = what["request"]["url"]
                if self.is_elsewhere(url):
                    found.append(f"request elsewhere: {url[:300]}")
            elif event["method"] == "Network.loadingFailed" and not what.get("canceled"):
                url = asked.get(what["requestId"], "an earlier request")
                found.append(f"failed: {url[:300]} {what['errorText']} "
                             f"{what.get('blockedReason', '')}")
        return found

    def is_elsewhere(self, url):
        scheme = urllib.parse.urlsplit(url).scheme
        return scheme not in ("data", "about", "blob", "chrome") and not url.startswith(
            self.origin + "/")

    def peek(self):
        self.kept = self.kept + self.drain()
        return "\n".join(self.kept)

    def problems(self):
        """All problems since fresh() that no test expects."""
        found, self.kept = self.kept + self.drain(), []
        return [line for line in found
                if not any(re.search(pattern, line) for pattern in self.expected)]
