# SPDX-License-Identifier: ISC
"""The pages' role with the real other ones: what it answers, and what it refuses."""

import asyncio
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

import api
import pytest
from test_siegeld import BIN, IS_ROOT, Server, certificate, free_port, is_gone, wait_for  # noqa: F401

PASSWORD = "correct horse battery staple"


class Web:
    """A server with an account, its pages on loopback without TLS and with."""

    def __init__(self, server):
        self.server, self.password = server, PASSWORD
        self.port, self.tls_port = free_port(), free_port()
        server.sections += (
            f'listener "plain" {{ kind = web-plain\n address = "127.0.0.1"\n port = {self.port} }}\n'
            f'listener "pages" {{ kind = web\n address = "127.0.0.1"\n port = {self.tls_port} }}\n')

    def start(self):
        self.server.start()
        self.add("ada")

    def siegel(self, *words, said=""):
        subprocess.run([str(BIN / "siegel"), "-f", str(self.server.folder / "siegel.conf"), *words],
                       input=said, text=True, check=True, capture_output=True, timeout=30)

    def add(self, name):
        self.siegel("user", "add", f"{name}@example.test", said=PASSWORD + "\n")

    def make_admin(self, name):
        self.siegel("user", "admin", f"{name}@example.test", "on")


class Browser:
    """One browser: a connection, a cookie, the token of its page."""

    def __init__(self, web, tls=False):
        self.web, self.tls = web, tls
        self.cookie, self.csrf = None, None
        self.connection = None
        self.tried = set()  # routes

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
        if path.startswith("/api/v1"):
            self.hold(method, path.removeprefix("/api/v1").split("?")[0], answer)
        return answer

    def hold(self, method, path, answer):
        """An answer is as doc/api.yaml describes it."""
        kind = answer.getheader("Content-Type")
        answer.json = json.loads(answer.text) if kind == "application/json" else None
        self.tried.add((method, api.check(method, urllib.parse.unquote(path), (answer.status, kind, answer.json))))

    def api(self, method, path, body=None, **headers):
        answer = self.ask(method, "/api/v1" + path, body, headers)
        return answer.status, answer.json

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
        log = server.log() if (folder / "log").exists() else ""
        print(log[-20000:])  # beside a failure
        assert "Sanitizer" not in log and "event=bug" not in log, log[-20000:]


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
    assert browser.ask("DELETE", "/api/v1/session?scope=others").getheader("Set-Cookie") is None
    over = browser.ask("DELETE", "/api/v1/session")
    assert over.status == 200 and over.getheader("Set-Cookie").startswith("siegel=; ")
    assert "Max-Age=0" in over.getheader("Set-Cookie").split("; ")
    assert browser.api("GET", "/session")[0] == 401


def test_the_cookie_is_for_our_pages_alone(web):
    web.start()
    body = {"user": "ada@example.test", "password": PASSWORD}
    cookie = Browser(web, tls=True).ask("POST", "/api/v1/session", body).getheader("Set-Cookie")
    assert cookie.startswith("__Host-siegel=")
    assert set(cookie.split("; ")[1:]) == {"Path=/", "HttpOnly", "SameSite=Strict", "Secure"}
    cookie = Browser(web).ask("POST", "/api/v1/session", body).getheader("Set-Cookie")
    assert cookie.startswith("siegel=") and "HttpOnly; SameSite=Strict" in cookie


def test_a_change_needs_the_token_that_our_pages_alone_know(web):
    web.start()
    browser, other = Browser(web), Browser(web)
    web.add("bob")
    assert browser.log_in()[0] == 200 and other.log_in("bob@example.test")[0] == 200
    token = browser.csrf
    for wrong in ("", token[:-1] + ("0" if token[-1] != "0" else "1"), token + "0", other.csrf):
        browser.csrf = wrong
        status, said = browser.api("PATCH", "/settings", {"language": "de"})
        assert (status, said["error"]) == (403, "bad-token"), wrong
    browser.csrf = token
    assert browser.api("GET", "/settings")[1]["language"] == "en"
    assert browser.api("PATCH", "/settings", {"language": "de"})[1]["language"] == "de"
    assert other.api("GET", "/settings")[1]["language"] == "en"


@pytest.mark.parametrize("headers, status", [
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "same-origin"}, 200), ({"Sec-Fetch-Site": "none"}, 200)])
def test_what_another_site_asks_is_refused(web, headers, status):
    web.start()
    browser = Browser(web)
    begun, said = browser.log_in()
    assert begun == 200, said
    got, said = browser.api("GET", "/settings", **headers)
    assert got == status, said
    if status == 403:
        body = {"user": "ada@example.test", "password": PASSWORD}
        assert browser.ask("POST", "/api/v1/session", body, headers).status == 403


def test_only_our_own_names_are_answered(web):
    web.server.options["web_names"] = '{"mail.example.test"}'
    web.start()
    for host, status in (("mx.example.test", 200), ("MAIL.example.test:8443", 200), ("localhost", 200),
                         ("[::1]:443", 200), ("evil.example", 421), ("", 421)):
        assert Browser(web).ask("GET", "/", headers={"Host": host}).status == status, host


def test_what_is_no_question_of_ours_is_refused_by_name(web):
    web.start()
    browser = Browser(web)
    browser.log_in()
    api = browser.api
    assert api("GET", "/none") == (404, {"error": "not-found", "text": "no such page"})
    assert api("PUT", "/settings")[0] == 405 and api("TRACE", "/settings")[0] == 405
    for body in (b"{", b"[]", b'{"language":"fr"}', b'{"active":1}', b'{"mode":true}', b'{"language":null}',
                 b'{"active":true,"active":false}', b'{"preferences":{"undo_seconds":10}}',
                 b'{"language":"e\\u0000n"}', b'{"language":"\xff"}', b"[" * 10000):
        status, said = api("PATCH", "/settings", body, **{"Content-Type": "application/json"})
        assert (status, said["error"]) == (400, "bad-request"), body
    assert api("PATCH", "/settings", b"{}", **{"Content-Type": "text/plain"})[0] == 415
    assert api("PATCH", "/settings", {"preferences": {"undo_seconds": "61"}})[0] == 422
    assert api("GET", "/messages?folder=%ff%fe")[0] == 400
    assert api("GET", "/drafts/short")[0] == 422
    assert api("GET", "/settings?%00=%00")[0] in (200, 400)
    assert api("GET", "/admin/accounts")[1]["error"] == "not-allowed"


def test_a_body_that_is_too_large_is_refused_before_it_comes(web):
    web.start()
    browser = Browser(web)
    browser.log_in()
    for path, length, status in (("/api/v1/session", 100000, b"413"), ("/api/v1/settings", 10 ** 12, b"405"),
                                 ("/api/v1/password", 10 ** 12, b"413"), ("/api/v1/password", -1, b"4"),
                                 (f"/api/v1/drafts/{'a' * 20}/attachments?name=x", 10 ** 12, b"413")):
        with socket.create_connection(("127.0.0.1", web.port), timeout=10) as s:
            s.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n"
                      f"Content-Type: application/json\r\nCookie: {browser.cookie}\r\n"
                      f"X-CSRF-Token: {browser.csrf}\r\n\r\n".encode())
            assert s.recv(1000).split(b" ")[1].startswith(status), path
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as s:
        s.sendall(f"POST /api/v1/password HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                  f"Content-Type: application/json\r\nCookie: {browser.cookie}\r\n\r\n".encode())
        assert b" 411 " in s.recv(1000)


def test_what_is_no_http_hurts_nobody(web):
    web.start()
    chance = random.Random(7)
    pieces = [b"\x16\x03\x01\x02\x00" + os.urandom(500), b"\0" * 5000, b"GET / HTTP/9.9\r\n\r\n",
              b"GET " + b"A" * 100000, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000,
              b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
              b"GET /api/v1/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
              b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
              b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"]
    pieces += [bytes(chance.randrange(256) for _ in range(chance.randrange(2000))) for _ in range(50)]
    pid = web.server.role("web")["pid"]
    for port in (web.port, web.tls_port):
        for piece in pieces:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
                s.settimeout(0.2)
                try:
                    s.sendall(piece)
                    s.shutdown(socket.SHUT_WR)
                    said = s.recv(100000)
                    assert b"root:" not in said and not said.startswith(b"HTTP/1.1 200")
                except OSError:
                    pass
    assert web.server.role("web")["pid"] == pid
    assert Browser(web).api("GET", "/about")[0] == 200


def test_a_session_is_over_everywhere_when_its_owner_says_so(web):
    web.start()
    first, second, third = Browser(web), Browser(web), Browser(web)
    for browser in (first, second, third):
        assert browser.log_in()[0] == 200
    sessions = first.api("GET", "/sessions")[1]["sessions"]
    assert len(sessions) == 3 and sum(s["current"] for s in sessions) == 1
    other = next(s["session"] for s in sessions if not s["current"])
    assert first.api("DELETE", f"/sessions/{other}")[0] == 200
    assert sorted(b.api("GET", "/session")[0] for b in (second, third)) == [200, 401]
    assert first.api("DELETE", "/session?scope=others")[0] == 200
    assert [b.api("GET", "/session")[0] for b in (first, second, third)] == [200, 401, 401]
    assert first.api("DELETE", "/session?scope=all")[0] == 200
    assert first.api("GET", "/settings") == (401, {"error": "no-session", "text": ""})


def test_a_session_that_is_not_used_is_over(web):
    web.server.options["session_idle"] = '"1s"'
    web.start()
    browser = Browser(web)
    assert browser.log_in()[0] == 200
    time.sleep(1.1)  # not being used is what is tested
    assert browser.api("GET", "/session") == (401, {"error": "no-session", "text": ""})


def test_who_guesses_has_to_wait(web):
    web.server.options["failed_logins"] = "3"
    web.start()
    browser = Browser(web)
    answers = [browser.log_in(password=f"guess {i}")[0] for i in range(3)]
    assert answers == [401, 401, 401]
    answer = browser.ask("POST", "/api/v1/session", {"user": "ada@example.test", "password": PASSWORD})
    assert answer.status == 429 and int(answer.getheader("Retry-After")) > 0
    assert json.loads(answer.text)["error"] == "throttled"


def test_a_store_that_dies_is_a_failure_for_a_moment(web):
    web.start()
    browser = Browser(web)
    browser.log_in()
    os.kill(web.server.role("store")["pid"], signal.SIGKILL)
    began = time.monotonic()
    seen = []
    while True:
        status = browser.api("GET", "/session")[0]
        seen.append(status)
        if status == 200:
            break
        assert status in (500, 503) and time.monotonic() < began + 30, seen
        time.sleep(0.05)
    assert browser.api("GET", "/settings")[0] == 200


def test_new_certificates_are_shown_after_a_reload(web, tmp_path):
    web.start()

    def shown():
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", web.tls_port), timeout=10) as s:
            with context.wrap_socket(s) as tls:
                return tls.getpeercert(True), tls.version()

    before, version = shown()
    assert version == "TLSv1.3"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mx.example.test",
                    "-keyout", web.server.folder / "new.key", "-out", web.server.folder / "new.pem",
                    "-days", "2"], check=True, capture_output=True)
    web.server.options["certificate"] = f'{{"{web.server.folder}/new.pem"}}'
    web.server.options["key"] = f'{{"{web.server.folder}/new.key"}}'
    web.server.write()
    os.kill(web.server.process.pid, signal.SIGHUP)
    wait_for(lambda: shown()[0] != before, "the new certificate")
    assert Browser(web, tls=True).api("GET", "/about")[0] == 200


def test_old_versions_of_tls_are_refused(web):
    web.start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", web.tls_port), timeout=10) as s:
        with pytest.raises((ssl.SSLError, OSError)):
            context.wrap_socket(s)


def test_changes_are_told_as_they_happen(web):
    web.start()
    browser, listener = Browser(web), Browser(web)
    browser.log_in()
    listener.cookie = browser.cookie
    listener.connection = listener.connect()
    listener.connection.request("GET", "/api/v1/events", headers={"Cookie": browser.cookie})
    stream = listener.connection.getresponse()
    assert stream.status == 200 and stream.getheader("Content-Type") == "text/event-stream"
    assert stream.readline() == b":\n"
    assert browser.api("PATCH", "/settings", {"language": "de"})[0] == 200
    words = b""
    end = time.monotonic() + 10
    while b"data:" not in words and time.monotonic() < end:
        words += stream.readline()
    assert b"event: change" in words and b'"settings"' in words
    browser.api("DELETE", "/session")
    words = stream.read()
    assert b"event: no-session" in words


def open_stream(web, cookie):
    """(connection, status)"""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    connection.request("GET", "/api/v1/events", headers={"Cookie": cookie})
    return connection, connection.getresponse().status


def test_nobody_takes_the_streams_of_all(web):
    """A stream that gave way still has a thread until it hears of that."""
    web.server.options["web_connections_per_address"] = "1000"
    web.start()
    web.add("bob")
    ada, bob = Browser(web), Browser(web)
    ada.log_in()
    bob.log_in("bob@example.test")
    opened = [open_stream(web, ada.cookie) for _ in range(300)]
    assert opened[0][1] == 200 and opened[-1][1] == 503
    kept, status = open_stream(web, bob.cookie)
    assert status == 200
    for connection in [kept] + [c for c, _ in opened]:
        connection.close()


def people(*addresses):
    return [{"name": "", "address": address} for address in addresses]


def draft_of(subject, body, *to, revision=1):
    return {"from": "ada@example.test", "to": people(*to), "cc": [], "bcc": [], "subject": subject, "body": body,
            "revision": revision}


def test_a_mail_is_written_sent_and_read(web):
    web.start()
    web.add("bob")
    ada, bob = Browser(web), Browser(web)
    ada.log_in()
    bob.log_in("bob@example.test")
    draft = "a1" * 12
    status, saved = ada.api("PUT", f"/drafts/{draft}", draft_of("Grüße", "Zeile 1\nZeile 2\n", "bob@example.test"))
    assert status == 200 and saved["subject"] == "Grüße" and saved["revision"] == 1, saved
    content = bytes(range(256)) * 1000
    status, saved = ada.api("POST", f"/drafts/{draft}/attachments?name=%C3%A4%20b.bin", content,
                            **{"Content-Type": "application/octet-stream"})
    assert status == 200, saved
    attached, = saved["attachments"]
    assert (attached["name"], attached["size"]) == ("ä b.bin", len(content))
    question = {"hold_seconds": 0, "revision": saved["revision"]}
    status, sent = ada.api("POST", f"/drafts/{draft}/send", question)
    assert status == 200 and sent["sent"] == draft, sent
    assert ada.api("POST", f"/drafts/{draft}/send", question)[1]["id"] == sent["id"], "once and no more"
    item = wait_for(lambda: next((i for i in ada.api("GET", f"/sent?ids={draft}")[1]["items"]
                                  if i["state"] == "delivered"), None), "delivery")
    assert item["recipients"][0]["address"] == "bob@example.test" and item["id"] == sent["id"]
    row = wait_for(lambda: next(iter(bob.api("GET", "/messages?folder=INBOX")[1]["messages"]), None), "the mail")
    assert row["subject"] == "Grüße" and row["folder"] == "INBOX" and row["flags"] == []
    assert len(bob.api("GET", "/messages?folder=INBOX")[1]["messages"]) == 1
    status, message = bob.api("GET", f"/messages/{row['id']}")
    assert status == 200 and message["text"].split() == ["Zeile", "1", "Zeile", "2"], message
    assert message["arrival"]["origin"] == "account" and message["arrival"]["letter"] == ""
    part, = message["attachments"]
    answer = bob.ask("GET", f"/api/v1/messages/{row['id']}/parts/{part['part']}")
    assert answer.status == 200 and answer.text == content
    assert answer.getheader("Content-Disposition") == "attachment; filename*=UTF-8''%C3%A4%20b.bin"
    assert answer.getheader("Content-Type") == "application/octet-stream"
    source = bob.ask("GET", f"/api/v1/messages/{row['id']}/source")
    assert source.status == 200 and source.getheader("Content-Type") == "message/rfc822"
    assert ada.api("GET", f"/messages/{row['id']}")[0] == 404, "another's mail"
    changed = bob.api("POST", "/messages/change", {"ids": [row["id"]], "add": ["seen"], "move": ".Archive"})
    assert changed[1]["changed"][0]["outcome"] == "ok" and changed[1]["changed"][0]["folder_before"] == "INBOX"
    kinds = {f["kind"]: f for f in ada.api("GET", "/folders")[1]["folders"]}
    assert kinds["inbox"]["folder"] == "INBOX" and kinds["sent"]["total"] == 1 and kinds["drafts"]["total"] == 0
    assert ada.api("GET", "/addresses?q=bo")[1]["people"][0]["address"] == "bob@example.test"


def test_what_is_held_can_be_taken_back(web):
    web.start()
    ada = Browser(web)
    ada.log_in()
    draft = "b2" * 12
    ada.api("PUT", f"/drafts/{draft}", draft_of("Held", "Text", "ada@example.test"))
    status, sent = ada.api("POST", f"/drafts/{draft}/send", {"hold_seconds": 60, "revision": 1})
    assert status == 200, sent
    assert ada.api("GET", f"/sent?ids={draft}")[1]["items"][0]["state"] == "held"
    for again in range(2):
        status, undone = ada.api("POST", f"/sent/{draft}/undo")
        assert status == 200 and undone["subject"] == "Held", (again, undone)
    assert ada.api("GET", f"/sent?ids={draft}")[1]["items"][0]["state"] == "undone"
    assert ada.api("POST", f"/drafts/{draft}/send", {"hold_seconds": 0, "revision": 1})[1]["error"] == "too-late"
    status, saved = ada.api("PUT", f"/drafts/{draft}",
                            draft_of("Now", "Text", "ada@example.test", revision=undone["revision"] + 1))
    assert status == 200, saved
    assert ada.api("POST", f"/drafts/{draft}/send", {"hold_seconds": 0, "revision": saved["revision"]})[0] == 200
    assert ada.api("POST", f"/sent/{draft}/undo")[1]["error"] == "too-late"


def test_nothing_is_sent_but_what_the_page_has_seen(web):
    """Two windows with one draft: the one that sends has said as whom, and what."""
    web.start()
    ada = Browser(web)
    ada.log_in()
    draft = "f6" * 12
    first = draft_of("Seen", "Text", "ada@example.test")
    assert ada.api("PUT", f"/drafts/{draft}", first)[0] == 200
    assert ada.api("PUT", f"/drafts/{draft}", first)[0] == 200
    assert ada.api("PUT", f"/drafts/{draft}", draft_of("Other", "Text", "ada@example.test"))[1]["error"] == "old"
    assert ada.api("PUT", f"/drafts/{draft}", draft_of("Later", "Text", "ada@example.test", revision=2))[0] == 200
    for revision in (1, 3):
        answer = ada.api("POST", f"/drafts/{draft}/send", {"hold_seconds": 0, "revision": revision})
        assert answer[0] == 409 and answer[1]["error"] == "old", answer
    assert ada.api("GET", f"/sent?ids={draft}")[1]["error"] == "not-found"
    assert ada.api("POST", f"/drafts/{draft}/send", {"hold_seconds": 60, "revision": 2, "level": "strict"})[0] == 400
    assert ada.api("POST", f"/drafts/{draft}/send", {"hold_seconds": 60, "revision": 2, "level": "verify"})[0] == 200
    assert ada.api("GET", f"/sent?ids={draft}")[1]["items"][0]["recipients"][0]["demands"] == ["tls", "pinned"]
    assert ada.api("POST", f"/drafts/{draft}/send", {"hold_seconds": 60, "revision": 2})[0] == 200
    answer = ada.api("POST", f"/drafts/{draft}/send", {"hold_seconds": 60, "revision": 3})
    assert answer[0] != 200, "that never left"


def test_what_is_anothers_is_not_there(web):
    """Every route that takes an id, with the ids of somebody else's."""
    web.start()
    web.add("bob")
    ada, bob = Browser(web), Browser(web)
    ada.log_in()
    bob.log_in("bob@example.test")
    sent, held, draft = "a8" * 12, "b8" * 12, "c8" * 12
    for name, hold in ((sent, 0), (held, 60)):
        assert ada.api("PUT", f"/drafts/{name}", draft_of("Mine", "Text", "ada@example.test"))[0] == 200
        assert ada.api("POST", f"/drafts/{name}/attachments?name=a", b"mine",
                       **{"Content-Type": "application/octet-stream"})[0] == 200
        assert ada.api("POST", f"/drafts/{name}/send", {"hold_seconds": hold, "revision": 1})[0] == 200
    mine = draft_of("Mine", "Text", "ada@example.test")
    assert ada.api("PUT", f"/drafts/{draft}", mine)[0] == 200
    kept = ada.api("POST", f"/drafts/{draft}/attachments?name=a", b"mine",
                   **{"Content-Type": "application/octet-stream"})[1]
    entry = kept["attachments"][0]["entry"]
    row = wait_for(lambda: next(iter(ada.api("GET", "/messages?folder=INBOX")[1]["messages"]), None), "the mail")
    ada.api("POST", "/folders", {"name": "Mine"})
    password = ada.api("POST", "/app-passwords", {"name": "mine", "password": PASSWORD})[1]["passwords"][0]["entry"]
    session = ada.api("GET", "/sessions")[1]["sessions"][0]["session"]
    message = f"/messages/{row['id']}"
    for method, path, body in (
            ("GET", message, None), ("GET", message + "/body", None), ("GET", message + "/parts/2", None),
            ("GET", message + "/source", None), ("GET", message + "/receipt", None),
            ("GET", f"/drafts/{draft}", None), ("DELETE", f"/drafts/{draft}/attachments/{entry}", None),
            ("POST", f"/drafts/{draft}/forward", {"id": row["id"]}),
            ("POST", f"/drafts/{draft}/send", {"hold_seconds": 0, "revision": 1}),
            ("GET", f"/sent?ids={sent}", None), ("POST", f"/sent/{held}/undo", None),
            ("GET", f"/sent/{sent}/receipt", None), ("DELETE", "/folders/.Mine", None),
            ("PATCH", "/folders/.Mine", {"name": "Other"}), ("DELETE", f"/sessions/{session}", None),
            ("DELETE", f"/app-passwords/{password}", None)):
        status, said = bob.api(method, path, body)
        assert status == 404, (method, path, status, said)
    changed = bob.api("POST", "/messages/change", {"ids": [row["id"]], "erase": True})[1]["changed"]
    assert [c["outcome"] for c in changed] == ["not-found"]
    theirs = draft_of("Theirs", "Text", "bob@example.test")
    theirs["from"], theirs["answers"] = "bob@example.test", row["id"]
    assert bob.api("PUT", f"/drafts/{draft}", theirs)[1]["attachments"] == []
    assert bob.api("POST", f"/drafts/{draft}/forward", {"id": row["id"]})[0] == 404
    assert bob.api("DELETE", f"/drafts/{draft}")[0] == 200
    for path in ("/messages?folder=INBOX", "/messages?folder=INBOX&q=mine&everywhere=1",
                 f"/messages?folder=INBOX&conversation={row['conversation']}"):
        assert bob.api("GET", path)[1]["messages"] == [], path
    assert bob.api("GET", "/sent")[1]["items"] == [] and bob.api("GET", "/addresses?q=ada")[1]["people"] == []
    for name in ("accounts", "queue", "certificates", "deliveries", "status"):
        assert bob.api("GET", f"/admin/{name}")[1]["error"] == "not-allowed"
    theirs["from"] = "ada@example.test"
    assert bob.api("PUT", f"/drafts/{sent}", theirs)[0] == 200
    assert bob.api("POST", f"/drafts/{sent}/send", {"hold_seconds": 0, "revision": 1})[1]["error"] == "refused"
    # What is hers is as it was.
    assert ada.api("GET", f"/drafts/{draft}") == (200, kept) and ada.api("GET", message)[0] == 200
    assert ada.api("GET", f"/sent?ids={held}")[1]["items"][0]["state"] == "held"
    assert ".Mine" in [f["folder"] for f in ada.api("GET", "/folders")[1]["folders"]]
    assert len(ada.api("GET", "/app-passwords")[1]["passwords"]) == 1


def test_a_receipt_can_be_taken_home(web, tmp_path):
    web.start()
    ada = Browser(web)
    ada.log_in()
    draft = "c3" * 12
    ada.api("PUT", f"/drafts/{draft}", draft_of("Receipt", "Text", "ada@example.test"))
    assert ada.api("POST", f"/drafts/{draft}/send", {"hold_seconds": 0, "revision": 1})[0] == 200
    wait_for(lambda: ada.api("GET", f"/sent?ids={draft}")[1]["items"][0]["state"] == "delivered", "delivery")
    status, receipt = ada.api("GET", f"/sent/{draft}/receipt")
    assert status == 200 and [r["kind"] for r in receipt["records"]] == ["taken", "mailbox"]
    (tmp_path / "receipt").write_bytes(ada.ask("GET", f"/api/v1/sent/{draft}/receipt?download=1").text)
    key = web.server.folder / "state/store/receipt.pub"
    run = subprocess.run([str(BIN / "siegel"), "receipt", "verify", str(tmp_path / "receipt"), "--key", str(key)],
                         capture_output=True, text=True, timeout=30)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_way_of_a_mail_is_told_before_it_is_sent(web):
    web.start()
    ada = Browser(web)
    ada.log_in()
    for address, whither in (("ada@example.test", "here"), ("nobody@example.test", "nobody"), ("x", "no-address")):
        status, look = ada.api("POST", "/preflight", {"from": "ada@example.test", "address": address})
        assert status == 200 and look["whither"] == whither and look["verdict"] == "", look
    status, look = ada.api("POST", "/preflight", {"from": "ada@example.test", "address": "x@nowhere.invalid"})
    assert status == 200 and look["whither"] == "remote" and look["verdict"] in ("unknown", "refused"), look


async def many_clients(web, cookie, clients, requests, paths):
    """So many browsers at once, each asking one thing after the other. The answers that weren't 200."""
    wrong = []

    async def client(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", web.port)
        for i in range(requests):
            path = paths[(number + i) % len(paths)]
            writer.write(f"GET /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
            body = await reader.readexactly(length)
            if b" 200 " not in head.split(b"\r\n")[0]:
                wrong.append((path, head.split(b"\r\n")[0], body))
        writer.close()

    await asyncio.gather(*(client(n) for n in range(clients)))
    return wrong


def peak_of(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1)) // 1024


def test_two_hundred_at_once_are_all_answered_in_little_memory(web):
    web.start()
    browser = Browser(web)
    browser.log_in()
    paths = ["/session", "/settings", "/folders", "/messages?folder=INBOX", "/notices"]
    began = time.monotonic()
    wrong = asyncio.run(many_clients(web, browser.cookie, 200, 50, paths))
    assert not wrong, wrong[:3]
    peak = peak_of(web.server.role("web")["pid"])
    print(f"10000 requests in {time.monotonic() - began:.1f} s, web's peak {peak} MB")
    sanitized = any(s in (BIN / "siegel-web").read_bytes() for s in (b"__tsan_init", b"__asan_init"))
    assert peak < (1000 if sanitized else 100)


def test_a_question_is_not_made_larger_than_it_is(web):
    """Four megabytes of small values would be two hundred in memory."""
    web.start()
    browser = Browser(web)
    browser.log_in()
    many = b'{"ids":[' + b",".join([b"[]"] * 1390000) + b"]}"
    for _ in range(3):
        answer = browser.ask("POST", "/api/v1/messages/change", many, {"Content-Type": "application/json"})
        assert answer.status == 413, answer.text
    sanitized = any(s in (BIN / "siegel-web").read_bytes() for s in (b"__tsan_init", b"__asan_init"))
    assert peak_of(web.server.role("web")["pid"]) < (1000 if sanitized else 100)
    draft = draft_of("[{,:" * 100, '[{,:\\"' * 100000, *(f"x{i}@example.test" for i in range(500)))
    draft["cc"] = draft["bcc"] = draft["to"]
    status, saved = browser.api("PUT", "/drafts/" + "a7" * 12, draft)
    assert status == 200 and saved["body"] == draft["body"] and len(saved["bcc"]) == 500


def test_slow_ones_hold_up_nobody(web):
    """Many connections that say a byte now and then: the others are served, and those are ended."""
    web.start()
    slow = [socket.create_connection(("127.0.0.1", web.port), timeout=60) for _ in range(200)]
    began = time.monotonic()
    for s in slow:
        s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
    while slow:
        assert time.monotonic() < began + 50
        browser = Browser(web)
        assert browser.api("GET", "/about")[0] == 200
        time.sleep(2)  # as slow as they are
        for s in list(slow):
            try:
                s.sendall(b"y")
            except OSError:
                slow.remove(s)
    assert 25 < time.monotonic() - began


def test_one_address_has_so_many_connections(web):
    web.server.options["web_connections_per_address"] = "5"
    web.start()
    held = [socket.create_connection(("127.0.0.1", web.tls_port), timeout=10) for _ in range(5)]
    wait_for(lambda: refused(web, tls=True), "the sixth to be turned away")
    held.pop().close()
    wait_for(lambda: not refused(web, tls=True), "room for another")


def test_a_proxy_has_as_many_connections_as_there_are(web):
    web.server.options.update(web_connections_per_address="5", web_connections="16")
    web.start()
    held = [socket.create_connection(("127.0.0.1", web.port), timeout=10) for _ in range(15)]
    wait_for(lambda: not refused(web), "the sixteenth")
    held += [socket.create_connection(("127.0.0.1", web.port), timeout=10) for _ in range(1)]
    wait_for(lambda: refused(web), "the seventeenth to be turned away")
    held.pop().close()
    wait_for(lambda: not refused(web), "room for another")


def refused(web, tls=False):
    try:
        return Browser(web, tls).api("GET", "/about")[0] != 200
    except (OSError, http.client.HTTPException):
        return True


# --- behind a proxy

def log_in_from(web, forwarded, user="ada@example.test", password=PASSWORD, tls=False):
    """-> status, and the address that the list of sessions names."""
    browser = Browser(web, tls)
    headers = {"X-Forwarded-For": forwarded}
    answer = browser.ask("POST", "/api/v1/session", {"user": user, "password": password}, headers)
    if answer.status != 200:
        return answer.status, None
    browser.cookie = answer.getheader("Set-Cookie").split(";")[0]
    sessions = browser.api("GET", "/sessions")[1]["sessions"]
    return 200, next(s["peer"] for s in sessions if s["current"])


@pytest.mark.parametrize("forwarded, peer", [
    ("203.0.113.7", "203.0.113.7"), ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
    ("203.0.113.7:4711", "203.0.113.7"), ("[2001:DB8::7]:443", "2001:db8::7"), ("::ffff:203.0.113.7", "203.0.113.7"),
    ("203.0.113.7, unknown", "127.0.0.1"), ("203.0.113.7,", "127.0.0.1"), ("fe80::7%lo", "127.0.0.1"),
    ("1" * 9000, "127.0.0.1"), ("203.0.113.7," * 600, "127.0.0.1"), ("<b>&\xff'\"", "127.0.0.1")])
def test_the_address_is_what_the_proxy_appended(web, forwarded, peer):
    web.start()
    assert log_in_from(web, forwarded) == (200, peer)
    wait_for(lambda: f"event=session account=ada@example.test peer={peer}\n" in web.server.log(), "the log")


def test_the_last_of_many_headers_is_the_proxys(web):
    web.start()
    body = json.dumps({"user": "ada@example.test", "password": PASSWORD}).encode()
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as s:
        s.sendall(b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 198.51.100.1\r\n"
                  b"Content-Type: application/json\r\nx-forwarded-for: 203.0.113.7\r\n"
                  b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        assert s.recv(1000).startswith(b"HTTP/1.1 200")
    wait_for(lambda: "event=session account=ada@example.test peer=203.0.113.7\n" in web.server.log(), "the log")


def test_failing_elsewhere_keeps_nobody_out(web):
    """Who knows an address can lock its account, but not for those who logged in from where they are."""
    web.server.options["failed_logins"] = "3"
    web.start()
    assert log_in_from(web, "203.0.113.7")[0] == 200
    for i in range(3):
        assert log_in_from(web, f"198.51.100.{i}", password="wrong")[0] == 401
    assert log_in_from(web, "198.51.100.9")[0] == 429
    assert log_in_from(web, "203.0.113.7") == (200, "203.0.113.7")
    for _ in range(3):
        assert log_in_from(web, "203.0.113.7", password="wrong")[0] == 401
    assert log_in_from(web, "203.0.113.7")[0] == 429


def test_over_https_nobody_says_who_he_is(web):
    web.server.options["failed_logins"] = "3"
    web.start()
    assert log_in_from(web, "203.0.113.7", tls=True) == (200, "127.0.0.1")
    for i in range(3):
        assert log_in_from(web, f"203.0.113.{i}", user=f"nobody{i}@example.test", tls=True)[0] == 401
    assert log_in_from(web, "203.0.113.9", tls=True)[0] == 429
    assert Browser(web, tls=True).api("GET", "/session", **{"X-Forwarded-Proto": "http"})[0] == 401


def test_behind_a_proxy_each_browser_has_guesses_of_its_own(web):
    web.server.options["failed_logins"] = "3"
    web.start()
    for i in range(3):
        assert log_in_from(web, f"198.51.100.{i}, 203.0.113.7", user=f"nobody{i}@example.test")[0] == 401
    assert log_in_from(web, "198.51.100.9, 203.0.113.7")[0] == 429
    assert log_in_from(web, "203.0.113.8") == (200, "203.0.113.8")


def test_behind_a_proxy_with_tls_it_is_as_with_our_own(web):
    web.start()
    body = {"user": "ada@example.test", "password": PASSWORD}
    said = {"X-Forwarded-Proto": "https", "Origin": "https://mx.example.test", "Host": "mx.example.test",
            "Sec-Fetch-Site": "same-origin"}
    answer = Browser(web).ask("POST", "/api/v1/session", body, said)
    assert answer.status == 200 and answer.getheader("Strict-Transport-Security")
    assert answer.getheader("Set-Cookie").startswith("__Host-siegel=") and "; Secure" in answer.getheader("Set-Cookie")
    assert Browser(web).ask("POST", "/api/v1/session", body, {**said, "X-Forwarded-Proto": "http"}).status == 403
    assert Browser(web).ask("POST", "/api/v1/session", body, {**said, "Host": "localhost"}).status == 403
