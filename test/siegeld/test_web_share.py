# SPDX-License-Identifier: ISC
"""One account, or one address, with however many sessions and connections: the others are served."""

import json
import select
import socket

import pytest
from test_siegel import Peer
from test_siegeld import certificate, free_port, wait_for  # noqa: F401
from test_web import PASSWORD, Browser, draft_of, web  # noqa: F401

MEGABYTE = 1024 * 1024


def log_in(web, name):  # noqa: F811
    browser = Browser(web)
    assert browser.log_in(f"{name}@example.test")[0] == 200
    return browser


def begin(web, browser, method, path, body=b"", length=None, kind="application/json"):  # noqa: F811
    """A connection that asks, of whose body so much is said to come."""
    s = socket.create_connection(("127.0.0.1", web.port), timeout=30)
    head = (f"{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nCookie: {browser.cookie}\r\n"
            f"X-CSRF-Token: {browser.csrf}\r\nContent-Type: {kind}\r\n")
    if method != "GET":
        head += f"Content-Length: {len(body) if length is None else length}\r\n"
    s.sendall(head.encode() + b"\r\n" + body)
    return s


def answered(asked):
    return select.select(asked, [], [], 0)[0]


def until_refused(begin_one):
    """Connections that wait: as many as there may be."""
    held = []
    refused = wait_for(lambda: answered(held) or held.append(begin_one()), "one too many")
    assert [status_of(s) for s in refused] == [429] * len(refused)
    return [s for s in held if s not in refused]


def status_of(s):
    return int(s.recv(100).split()[1])


@pytest.fixture
def silent(web, certificate):  # noqa: F811
    """A domain whose server says nothing, so that a look there takes seconds."""
    port = free_port()
    web.server.options.update(
        delivery_port=str(port), allow_networks='{"127.0.0.0/8"}', local_zones='{"test. static"}',
        local_records='{"silent.test. 60 IN A 127.0.0.2"}')
    return Peer("127.0.0.2", port, certificate, silent=True)


def test_who_looks_at_many_holds_up_himself_alone(web, silent):  # noqa: F811
    web.start()
    web.add("bob")
    sessions = [log_in(web, "ada") for _ in range(4)]
    bob = log_in(web, "bob")
    look = json.dumps({"from": "ada@example.test", "address": "x@silent.test"}).encode()
    asked = [begin(web, sessions[i % 4], "POST", "/preflight", look) for i in range(100)]
    assert bob.api("GET", "/messages?folder=INBOX")[0] == 200
    assert log_in(web, "bob").api("GET", "/session")[0] == 200
    draft = "a1" * 12
    assert bob.api("PUT", f"/drafts/{draft}", {**draft_of("Now", "Text", "ada@example.test"), "from": "bob@example.test"})[0] == 200
    assert bob.api("POST", f"/drafts/{draft}/send", {"hold_seconds": 0, "revision": 1})[0] == 200
    assert len(answered(asked)) < 35, "bob came after most of hers"
    wait_for(lambda: answered(asked), "one of hers to be answered", 30)
    assert status_of(answered(asked)[0]) == 200
    for s in asked:
        s.close()


def test_who_sends_much_and_slowly_leaves_room(web):  # noqa: F811
    web.server.options.update(bytes_in_flight="8M", message_size="1M")
    web.start()
    web.add("bob")
    ada, bob, draft = log_in(web, "ada"), log_in(web, "bob"), "b1" * 12
    kind = "application/octet-stream"
    for browser, name in ((ada, "ada"), (bob, "bob")):
        text = {**draft_of("A file", "Text", "ada@example.test"), "from": f"{name}@example.test"}
        assert browser.api("PUT", f"/drafts/{draft}", text)[0] == 200
    path = f"/drafts/{draft}/attachments?name=a"
    slow = [begin(web, ada, "POST", path, bytes(600000), 700000, kind) for _ in range(20)]
    assert bob.api("POST", path, bytes(700000), **{"Content-Type": kind})[0] == 200

    def refused():
        """Hers is refused once it is all there."""
        answer = ada.ask("POST", f"/api/v1{path}", bytes(700000), {"Content-Type": kind})
        return answer.status == 429 and answer.json["error"] == "throttled" and answer.getheader("Retry-After") == "5"

    wait_for(refused, "what all of them hold to be hers")
    for s in slow:
        s.close()
    wait_for(lambda: ada.api("POST", path, bytes(700000), **{"Content-Type": kind})[0] == 200, "room again")


def test_questions_are_counted_like_files(web):  # noqa: F811
    web.server.options.update(bytes_in_flight="8M", message_size="1M")
    web.start()
    web.add("bob")
    ada, bob, draft = log_in(web, "ada"), log_in(web, "bob"), "b2" * 12
    slow = [begin(web, ada, "PUT", f"/drafts/{draft}", bytes(600000), 3000000) for _ in range(20)]
    text = {**draft_of("Much", "x" * 500000, "ada@example.test"), "from": "bob@example.test"}
    assert bob.api("PUT", f"/drafts/{draft}", text)[0] == 200
    wait_for(lambda: ada.api("PUT", f"/drafts/{draft}", draft_of("Much", "x" * 500000, "ada@example.test"))[0] == 429,
             "what all of them hold to be hers")
    assert ada.api("GET", "/session")[0] == 200 and len(slow) == 20


def test_who_does_not_read_holds_so_much_and_no_more(web):  # noqa: F811
    """What is handed out lies in memory until it has been read."""
    web.server.options.update(bytes_in_flight="64M", message_size="16M")
    web.start()
    ada, draft = log_in(web, "ada"), "b3" * 12
    assert ada.api("PUT", f"/drafts/{draft}", draft_of("A file", "Text", "ada@example.test"))[0] == 200
    assert ada.api("POST", f"/drafts/{draft}/attachments?name=a", bytes(7 * MEGABYTE),
                   **{"Content-Type": "application/octet-stream"})[0] == 200
    assert ada.api("POST", f"/drafts/{draft}/send", {"hold_seconds": 0, "revision": 1})[0] == 200
    row = wait_for(lambda: next(iter(ada.api("GET", "/messages?folder=INBOX")[1]["messages"]), None), "the mail")
    slow = [begin(web, ada, "GET", f"/messages/{row['id']}/parts/2") for _ in range(12)]
    wait_for(lambda: len(answered(slow)) == len(slow), "all of them to be answered")
    statuses = sorted(status_of(s) for s in slow)
    assert statuses == [200] * 2 + [429] * 10
    assert ada.api("GET", f"/messages/{row['id']}")[0] == 200
    for s in slow:
        s.close()
    wait_for(lambda: ada.ask("GET", f"/api/v1/messages/{row['id']}/parts/2").status == 200, "room again")


def test_one_account_has_so_many_requests(web):  # noqa: F811
    """From however many addresses, while bob has as many of his own."""
    web.server.options["web_connections_per_address"] = "5"
    web.start()
    web.add("bob")
    ada, bob, draft = log_in(web, "ada"), log_in(web, "bob"), "b4" * 12
    held = until_refused(lambda: begin(web, ada, "PUT", f"/drafts/{draft}", b"{", 1000))
    assert len(held) >= 5
    answer = ada.ask("GET", "/api/v1/settings")
    assert answer.status == 429 and "ask again" in answer.json["text"] and answer.getheader("Retry-After") == "5"
    assert bob.api("GET", "/session")[0] == 200 and log_in(web, "ada").csrf
    held.pop().close()
    wait_for(lambda: ada.api("GET", "/session")[0] == 200, "room for another")


def test_one_address_has_so_many_logins(web):  # noqa: F811
    """Of those behind a proxy too, whose connections are not counted."""
    web.server.options["web_connections_per_address"] = "5"
    web.start()

    def slow_login():
        s = socket.create_connection(("127.0.0.1", web.port), timeout=30)
        s.sendall(b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 203.0.113.7\r\n"
                  b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        return s

    def log_in_from(address):
        body = {"user": "ada@example.test", "password": PASSWORD}
        return Browser(web).ask("POST", "/api/v1/session", body, {"X-Forwarded-For": address})

    held = until_refused(slow_login)
    assert len(held) >= 5 and log_in_from("203.0.113.7").status == 429
    assert log_in_from("203.0.113.8").status == 200
    held.pop().close()
    wait_for(lambda: log_in_from("203.0.113.7").status == 200, "room for another")
