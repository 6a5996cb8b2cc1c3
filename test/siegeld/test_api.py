# SPDX-License-Identifier: ISC
"""doc/api.yaml is what the server does: the same routes as its table, and answers as described. Every answer
that test_web.py gets is held against it too."""

import re
from pathlib import Path

import api
from test_siegeld import certificate, wait_for  # noqa: F401
from test_web import Browser, draft_of, web  # noqa: F401

ROW = re.compile(r'row\("(\w+)",\s+"([^"]+)",\s+(\w+),\s+(OPEN|SESSION),\s+(NO_BODY|JSON_BODY|FILE_BODY),')


def table():
    """The rows of ROUTES (web/route.h)."""
    return ROW.findall((Path(__file__).parents[2] / "src/web/route.h").read_text())


def test_the_same_routes_are_described_and_served():
    described = {(method.upper(), path) for path, operations in api.DOCUMENT["paths"].items()
                 for method in operations}
    served = {(method, path) for method, path, *_ in table()}
    assert described == served


def test_who_may_ask_and_with_what_is_described():
    for method, path, _, access, body in table():
        operation = api.DOCUMENT["paths"][path][method.lower()]
        where = (method, path)
        parameters = [api.resolve(p) for p in operation.get("parameters", [])]
        assert (operation["security"] == []) == (access == "OPEN"), where
        assert ("requestBody" in operation) == (body != "NO_BODY"), where
        token = any(p["name"] == "X-CSRF-Token" for p in parameters)
        assert token == (access == "SESSION" and method != "GET"), where
        assert {p["name"] for p in parameters if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path)), where
        assert all(p["description"] for p in parameters) and operation["summary"], where
        kinds = operation.get("requestBody", {"content": {}})["content"]
        assert ("application/json" in kinds) == (body == "JSON_BODY"), where


def test_every_parameter_that_is_read_is_described():
    """The names that handlers look up in a query, and no others."""
    read = set()
    for source in (Path(__file__).parents[2] / "src/web").glob("*.c"):
        read |= set(re.findall(r'request_query(?:_number)?\(r, "(\w+)"', source.read_text()))
    described = {p["name"] for operations in api.DOCUMENT["paths"].values() for operation in operations.values()
                 for p in map(api.resolve, operation.get("parameters", [])) if p["in"] == "query"}
    assert read == described


def test_every_route_answers_as_described(web):  # noqa: F811
    web.start()
    web.make_admin("ada")
    ada = Browser(web)
    ada.log_in()
    draft, other = "d4" * 12, "e5" * 12

    def good(method, path, body=None, **headers):
        status, said = ada.api(method, path, body, **headers)
        assert status == 200, (method, path, said)
        return said

    good("GET", "/about"), good("GET", "/session"), good("GET", "/sessions")
    good("GET", "/settings"), good("GET", "/settings/reach"), good("GET", "/settings/providers")
    good("PATCH", "/settings", {"active": True, "preferences": {"name": "Ada"}})
    good("POST", "/second-factor")
    assert ada.api("PUT", "/second-factor", {"code": "none", "password": web.password})[0] == 422
    ada.api("DELETE", "/second-factor", {"password": "wrong"})
    entry = good("POST", "/app-passwords", {"name": "telephone", "password": web.password})["passwords"][0]["entry"]
    good("GET", "/app-passwords"), good("DELETE", f"/app-passwords/{entry}")
    folder = next(f["folder"] for f in good("POST", "/folders", {"name": "Own"})["folders"] if f["kind"] == "own")
    folder = next(f["folder"] for f in good("PATCH", f"/folders/{folder}", {"name": "Mine"})["folders"]
                  if f["kind"] == "own")
    good("GET", "/folders"), good("DELETE", f"/folders/{folder}")
    good("PUT", f"/drafts/{draft}", draft_of("Described", "Text", "ada@example.test"))
    good("POST", f"/drafts/{draft}/attachments?name=a.txt", b"text", **{"Content-Type": "text/plain"})
    saved = good("POST", f"/drafts/{draft}/attachments?name=b.txt", b"text", **{"Content-Type": "text/plain"})
    good("DELETE", f"/drafts/{draft}/attachments/{saved['attachments'][0]['entry']}")
    revision = good("GET", f"/drafts/{draft}")["revision"]
    good("POST", f"/drafts/{draft}/send", {"hold_seconds": 30, "revision": revision})
    undone = good("POST", f"/sent/{draft}/undo")
    good("PUT", f"/drafts/{draft}", draft_of("Described", "Text", "ada@example.test", revision=undone["revision"] + 1))
    good("POST", f"/drafts/{draft}/send", {"hold_seconds": 0, "revision": undone["revision"] + 1})
    wait_for(lambda: good("GET", f"/sent?ids={draft}")["items"][0]["state"] == "delivered", "delivery")
    row = wait_for(lambda: next(iter(good("GET", "/messages?folder=INBOX")["messages"]), None), "the mail")
    message = good("GET", f"/messages/{row['id']}")
    assert ada.api("GET", f"/messages/{row['id']}/body")[0] == 404, "it has no HTML"
    ada.api("GET", f"/messages/{row['id']}/parts/{message['attachments'][0]['part']}")
    ada.api("GET", f"/messages/{row['id']}/source")
    good("GET", f"/messages/{row['id']}/receipt"), good("GET", f"/sent/{draft}/receipt"), good("GET", "/sent")
    good("PUT", f"/drafts/{other}", draft_of("Forward", "Text", "ada@example.test"))
    good("POST", f"/drafts/{other}/forward", {"id": row["id"]}), good("DELETE", f"/drafts/{other}")
    good("POST", "/messages/change", {"ids": [row["id"]], "add": ["flagged"]})
    good("GET", "/addresses?q=a"), good("GET", "/notices")
    good("POST", "/preflight", {"from": "ada@example.test", "address": "x@nowhere.invalid"})
    for page in ("accounts", "queue", "certificates", "deliveries", "status"):
        good("GET", f"/admin/{page}")
    good("POST", "/password", {"old": web.password, "new": "another battery staple"})
    good("DELETE", "/sessions/" + str(good("GET", "/sessions")["sessions"][0]["session"]))
    assert ada.api("DELETE", "/session")[0] == 401
    web.password = "another battery staple"
    ada.log_in(password=web.password)
    good("DELETE", "/session")
    untried = {(m, p) for m, p, *_ in table()} - ada.tried
    assert untried == {("GET", "/events")}, "test_web.py hears those"
