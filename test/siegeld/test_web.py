# SPDX-License-Identifier: ISC
"""The pages' role with the real other ones: what it answers, and what it refuses."""

import contextlib
import http.client
import json
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

import pytest
from test_siegeld import BIN, IS_ROOT, Server, certificate, free_port, is_gone, wait_for  # noqa: F401

PASSWORD = "correct horse battery staple"


class Web:
    """A server with an account, its pages on loopback without TLS and with."""

    def __init__(self, server):
        self.server = server
        self.port, self.tls_port = free_port(), free_port()
        server.sections += (
            f'listener "plain" {{ kind = web-plain\n address = "127.0.0.1"\n port = {self.port} }}\n'
            f'listener "pages" {{ kind = web\n address = "127.0.0.1"\n port = {self.tls_port} }}\n')

    def start(self):
        self.server.start()
        self.add("ada")

    def add(self, name, *more):
        subprocess.run([str(BIN / "siegel"), "-f", str(self.server.folder / "siegel.conf"), "user",
                        "add", f"{name}@example.test", *more],
                       input=PASSWORD + "\n", text=True, check=True, capture_output=True, timeout=30)


class Browser:
    """One browser: a connection, a cookie, the token of its page."""

    def __init__(self, web, tls=False):
        self.web, self.tls = web, tls
        self.cookie, self.csrf = None, None
        self.connection = None

    def connect(self):
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return http.client.HTTPSConnection("127.0.0.1", self.web.tls_port, timeout=20, context=context)
        return http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=20)

    def ask(self, method, path, body=None, headers=None):
        if self.connection is None:
            self.connection = self.connect()
        sent = dict(headers or {})
        if self.cookie:
            sent.setdefault("Cookie", self.cookie)
        if self.csrf:
            sent.setdefault("X-CSRF-Token", self.csrf)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            self.connection.request(method, path, body, sent)
            answer = self.connection.getresponse()
            answer.text = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            raise
        if answer.will_close:
            self.connection.close()
            self.connection = None
        return answer

    def api(self, method, path, body=None, **headers):
        answer = self.ask(method, "/api/v1" + path, body, headers)
        return answer.status, json.loads(answer.text)

    def log_in(self, user="ada@example.test", password=PASSWORD):
        answer = self.ask("POST", "/api/v1/session", {"user": user, "password": password})
        said = json.loads(answer.text)
        if answer.status == 200:
            self.cookie = answer.getheader("Set-Cookie").split(";")[0]
            self.csrf = said["csrf"]
        return answer.status, said


@pytest.fixture
def web(certificate, tmp_path_factory):  # noqa: F811
    folder = Path(tempfile.mkdtemp(prefix="siegel-web-test-"))
    folder.chmod(0o755)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = Server(folder, certificate, IS_ROOT)
        stack.callback(server.clean_up)
        yield Web(server)


def test_the_pages_are_there_with_and_without_tls(web):
    web.start()
    for tls in (False, True):
        browser = Browser(web, tls)
        page = browser.ask("GET", "/")
        assert page.status == 200 and page.getheader("Content-Type") == "text/html; charset=utf-8"
        assert b"<html" in page.text and "default-src 'none'" in page.getheader("Content-Security-Policy")
        assert (page.getheader("Strict-Transport-Security") is not None) == tls
        again = browser.ask("GET", "/", headers={"If-None-Match": page.getheader("ETag")})
        assert again.status == 304 and again.text == b""
        packed = browser.ask("GET", "/app/main.mjs", headers={"Accept-Encoding": "gzip, br"})
        assert packed.getheader("Content-Encoding") == "gzip" and packed.text[:2] == b"\x1f\x8b"
        assert packed.getheader("Content-Type").startswith("text/javascript")
        assert browser.ask("GET", "/app/none.mjs").status == 404
        status, about = browser.api("GET", "/about")
        assert status == 200 and about["host_name"] == "mx.example.test"


def test_a_session_begins_and_ends(web):
    web.start()
    browser = Browser(web)
    assert browser.api("GET", "/session") == (401, {"error": "no-session", "text": ""})
    assert browser.log_in(password="wrong")[0] == 401
    status, session = browser.log_in()
    assert status == 200 and session["address"] == "ada@example.test", session
    now = browser.api("GET", "/session")[1]
    assert {**now, "expires": 0} == {**session, "expires": 0} and now["expires"] >= session["expires"]
    assert browser.api("DELETE", "/session")[0] == 200
    assert browser.api("GET", "/session")[0] == 401
