# SPDX-License-Identifier: ISC
"""The JSON API, spoken from the machine "client": the same requests the pages make, over the same TLS."""
import http.client
import json
import secrets
import urllib.parse


class Refused(Exception):
    def __init__(self, status, answer):
        super().__init__(f"{status} {answer}")
        self.status, self.answer = status, answer


class Api:
    """A session of its own. Answers are parsed JSON, or bytes where it is something else."""

    def __init__(self, siegel, user, password=None, code=None):
        self.siegel, self.cookie, self.csrf = siegel, "", ""
        words = {"user": user, "password": password or siegel.password}
        if code:
            words["code"] = code
        self.session = self.post("/session", words)
        self.csrf = self.session["csrf"]

    def connect(self):
        connection = http.client.HTTPConnection(self.siegel.hostname, 443, timeout=30)
        context = self.siegel.client.context(self.siegel.hostname)
        connection.sock = context.wrap_socket(
            self.siegel.client.machine.connect(self.siegel.address, 443, 30),
            server_hostname=self.siegel.hostname)
        return connection

    def request(self, method, path, body=None, kind="application/json"):
        connection = self.connect()
        headers = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf}
        if body is not None:
            headers["Content-Type"] = kind
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            connection.request(method, "/api/v1" + path, body, headers)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            self.cookie = cookie.split(";")[0]
        if answer.headers.get_content_type() == "application/json":
            said = json.loads(said)
        if answer.status >= 300:
            raise Refused(answer.status, said)
        return said

    def get(self, path, **query):
        return self.request("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def post(self, path, body=None):
        return self.request("POST", path, {} if body is None else body)

    def put(self, path, body):
        return self.request("PUT", path, body)

    def patch(self, path, body):
        return self.request("PATCH", path, body)

    def delete(self, path):
        return self.request("DELETE", path)

    def events(self):
        """What changes, as a page that is open hears it, from now on."""
        connection = self.connect()
        connection.request("GET", "/api/v1/events", headers={"Cookie": self.cookie})
        stream = connection.getresponse()
        assert stream.status == 200 and stream.readline() == b":\n"
        return (json.loads(line[5:])["what"] for line in stream if line.startswith(b"data:"))

    # --- what more than one test needs

    def search(self, words, everywhere=True):
        return self.get("/messages", q=words, everywhere=int(everywhere))["messages"]

    def send(self, to, subject, body="", sender=None, hold=0):
        """A message by way of a draft, as the page does. Answers the id of the draft."""
        draft = new_draft()
        self.put(f"/drafts/{draft}", {
            "from": sender or self.session["address"], "to": [{"name": "", "address": to}],
            "cc": [], "bcc": [], "subject": subject, "body": body or subject, "revision": 1})
        self.post(f"/drafts/{draft}/send", {"hold_seconds": hold, "revision": 1})
        return draft

    def sent(self, draft):
        return self.get("/sent", ids=draft)["items"][0]


def new_draft():
    return secrets.token_hex(12)
