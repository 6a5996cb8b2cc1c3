# SPDX-License-Identifier: ISC
"""Who somebody is, with the real roles: second factor, application passwords, and what ends a
session; at the pages, at submission and at a real Dovecot.
"""

import base64
import hashlib
import hmac
import shutil
import smtplib
import ssl
import struct
import subprocess
import time

import pytest
from test_siegeld import BIN, certificate, wait_for  # noqa: F401
from test_web import PASSWORD, Browser, web  # noqa: F401

ADA = "ada@example.test"

DOVECOT = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols =
ssl = no
auth_failure_delay = 0 secs
first_valid_uid = 100
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = username_format=%u {auth}/users
}}
passdb {{
  driver = passwd-file
  args = username_format=%u/%{{sha256:password}} {auth}/app-passwords
}}
userdb {{
  driver = static
  args = uid=1000 gid=1000 home={folder}
}}
"""


def code(secret, step):
    """RFC 6238, from scratch."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7fffffff) % 1000000:06}"


def now():
    """The step of this moment, with a few seconds of it left."""
    if time.time() % 30 > 25:
        time.sleep(30 - time.time() % 30)
    return int(time.time()) // 30


def enter(browser, given):
    answer = browser.ask("POST", "/api/v1/session", {"user": ADA, "password": PASSWORD, "code": given})
    if answer.status == 200:
        browser.cookie = answer.getheader("Set-Cookie").split(";")[0]
    return answer.status, answer.text


def submission(web, password):
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", web.server.port, timeout=20) as session:
        session.starttls(context=trust)
        try:
            return session.login(ADA, password)[0]
        except smtplib.SMTPAuthenticationError as refused:
            return refused.smtp_code


def operator(web, *words, stdin=""):
    return subprocess.run([str(BIN / "siegel"), "-f", str(web.server.folder / "siegel.conf"), *words],
                          input=stdin, text=True, capture_output=True, timeout=30)


def begin(web):
    web.server.kind = "submission"
    web.start()
    browser = Browser(web)
    assert browser.log_in()[0] == 200
    return browser


def switch_on(browser):
    status, made = browser.api("POST", "/second-factor")
    assert status == 200 and made["secret"] in made["uri"], made
    status, on = browser.api("PUT", "/second-factor",
                             {"code": code(made["secret"], now() - 1), "password": PASSWORD})
    assert status == 200 and len(on["recovery"]) == 10, on
    return made["secret"], on["recovery"]


def make(browser, password=PASSWORD, name="phone"):
    return browser.api("POST", "/app-passwords", {"name": name, "password": password})


def test_a_second_factor_is_asked_for_and_each_code_counts_once(web):  # noqa: F811
    first = begin(web)
    secret, recovery = switch_on(first)
    assert first.api("GET", "/settings")[1]["second_factor"] is True
    other = Browser(web)
    status, said = other.log_in()
    assert (status, said["error"]) == (401, "needs-code")
    given = code(secret, now())
    assert enter(other, given)[0] == 200
    assert enter(Browser(web), given)[0] == 401
    assert enter(Browser(web), recovery[0].upper())[0] == 200
    assert enter(Browser(web), recovery[0])[0] == 401
    assert submission(web, PASSWORD) == 535
    assert operator(web, "user", "list").stdout.rstrip().endswith("on")
    assert operator(web, "user", "factor", ADA, "off").returncode == 0
    assert Browser(web).log_in()[0] == 200
    assert submission(web, PASSWORD) == 235


def test_the_second_factor_goes_off_with_the_password(web):  # noqa: F811
    browser = begin(web)
    switch_on(browser)
    assert browser.api("DELETE", "/second-factor", {"password": "wrong"})[0] == 401
    assert Browser(web).log_in()[1]["error"] == "needs-code"
    assert browser.api("DELETE", "/second-factor", {"password": PASSWORD})[0] == 200
    assert Browser(web).log_in()[0] == 200


def test_an_application_password_is_for_mail_programs_until_it_is_removed(web):  # noqa: F811
    browser = begin(web)
    status, made = make(browser)
    assert status == 200 and made["passwords"][0]["name"] == "phone", made
    password = made["password"]
    assert submission(web, password) == 235
    assert Browser(web).log_in(password=password)[0] == 401
    listed = browser.api("GET", "/app-passwords")[1]["passwords"]
    assert listed[0]["used"] > listed[0]["created"] - 1000
    assert browser.api("DELETE", f"/app-passwords/{listed[0]['entry']}")[0] == 200
    assert submission(web, password) == 535
    assert submission(web, PASSWORD) == 235


def test_whoever_has_a_session_alone_can_keep_nothing_beyond_it(web):  # noqa: F811
    thief = begin(web)
    secret = thief.api("POST", "/second-factor")[1]["secret"]
    right = {"code": code(secret, now()), "password": PASSWORD}
    for wrong in ("wrong", "", "x" * 600, PASSWORD + " "):
        assert make(thief, wrong)[0] == 401
        assert thief.api("PUT", "/second-factor", {**right, "password": wrong})[0] == 401
    for missing in ("code", "password"):
        assert thief.api("PUT", "/second-factor", {k: v for k, v in right.items() if k != missing})[0] == 400
    assert thief.api("POST", "/app-passwords", {"name": "phone"})[0] == 400
    assert thief.api("GET", "/app-passwords")[1] == {"passwords": []}
    assert thief.api("GET", "/settings")[1]["second_factor"] is False
    assert thief.api("PUT", "/second-factor", {**right, "code": "12345"})[1]["error"] == "invalid"
    assert make(thief, name="\n")[1]["error"] == "invalid"
    assert thief.api("PUT", "/second-factor", right)[0] == 200
    assert make(thief)[0] == 200


def test_guessing_the_password_with_a_session_is_throttled(web):  # noqa: F811
    web.server.options["failed_logins"] = "3"
    thief = begin(web)
    assert [make(thief, f"guess {i}")[0] for i in range(3)] == [401, 401, 401]
    assert make(thief)[1]["error"] == "throttled"
    assert thief.api("POST", "/password", {"old": PASSWORD, "new": "another password"})[0] == 429
    assert Browser(web).log_in()[0] == 429
    assert thief.api("GET", "/app-passwords")[1] == {"passwords": []}


def test_a_new_password_ends_the_other_sessions(web):  # noqa: F811
    here = begin(web)
    there = Browser(web)
    assert there.log_in()[0] == 200
    assert here.api("POST", "/password", {"old": "wrong", "new": "another password"})[0] == 401
    assert here.api("POST", "/password", {"old": PASSWORD, "new": "short"})[0] == 422
    assert there.api("GET", "/session")[0] == 200
    assert here.api("POST", "/password", {"old": PASSWORD, "new": "another password"})[0] == 200
    assert here.api("GET", "/session")[0] == 200
    assert there.api("GET", "/session")[0] == 401
    assert submission(web, PASSWORD) == 535 and submission(web, "another password") == 235
    assert operator(web, "user", "passwd", ADA, stdin="a third one\n").returncode == 0
    assert here.api("GET", "/session")[0] == 401


def test_guesses_with_sessions_count_by_where_they_are_made(web):  # noqa: F811
    """Not by where the sessions began: those are their owners' addresses."""
    web.server.options["failed_logins"] = "3"
    web.start()
    home, thief = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "198.51.100.9"}

    def log_in(name, where):
        browser = Browser(web)
        answer = browser.ask("POST", "/api/v1/session", {"user": f"{name}@example.test", "password": PASSWORD}, where)
        if answer.status == 200:
            browser.cookie, browser.csrf = answer.getheader("Set-Cookie").split(";")[0], answer.json["csrf"]
        return browser, answer.status

    for name in ("bob", "cyd"):
        web.add(name)
    ada, bob = log_in("ada", home)[0], log_in("bob", home)[0]
    for browser, method, path, body in (
            (ada, "POST", "/app-passwords", {"name": "x", "password": "wrong"}),
            (ada, "POST", "/password", {"old": "wrong", "new": "another one entirely"}),
            (bob, "DELETE", "/second-factor", {"password": "wrong"})):
        assert browser.api(method, path, body, **thief)[1]["error"] == "wrong"
    assert log_in("cyd", thief)[1] == 429
    assert bob.api("POST", "/app-passwords", {"name": "x", "password": PASSWORD}, **thief)[0] == 429
    assert bob.api("POST", "/app-passwords", {"name": "x", "password": PASSWORD}, **home)[0] == 200
    assert log_in("cyd", home)[1] == 200


def test_guessing_codes_is_throttled(web):  # noqa: F811
    web.server.options["failed_logins"] = "5"
    browser = begin(web)
    secret, _ = switch_on(browser)
    for _ in range(5):
        assert enter(Browser(web), "000000x")[0] == 401
    answer = browser.ask("POST", "/api/v1/session",
                         {"user": ADA, "password": PASSWORD, "code": code(secret, now())})
    assert answer.status == 429 and 0 < int(answer.getheader("Retry-After")) <= 900


def test_a_session_that_is_not_used_is_over(web):  # noqa: F811
    web.server.options["session_idle"] = "2s"
    browser = begin(web)
    assert browser.api("GET", "/session")[0] == 200
    time.sleep(2.5)
    assert browser.api("GET", "/session")[0] == 401


@pytest.mark.skipif(not shutil.which("dovecot"), reason="there is no Dovecot here")
def test_dovecot_takes_what_submission_takes(web, tmp_path):  # noqa: F811
    browser = begin(web)
    password = make(browser)[1]["password"]
    (tmp_path / "run").mkdir()
    for folder in [tmp_path, *tmp_path.parents[:2]]:
        folder.chmod(0o755)
    conf = tmp_path / "dovecot.conf"
    # Copied, for Dovecot's own user has no way into this folder.
    auth = tmp_path / "auth"

    def takes(given):
        shutil.copytree(web.server.folder / "state/store/auth", auth, dirs_exist_ok=True)
        for file in [auth, *auth.iterdir()]:
            file.chmod(0o755)
        return "auth succeeded" in subprocess.run(
            ["doveadm", "-c", str(conf), "auth", "test", ADA, given],
            capture_output=True, text=True, timeout=60).stdout

    conf.write_text(DOVECOT.format(folder=tmp_path, auth=auth))
    subprocess.run(["dovecot", "-c", str(conf)], check=True, timeout=60)
    try:
        wait_for(lambda: (tmp_path / "run" / "auth-client").exists(), "Dovecot")
        assert takes(PASSWORD) and takes(password) and not takes("wrong")
        switch_on(browser)
        assert not takes(PASSWORD) and takes(password) and not takes("*")
        entry = browser.api("GET", "/app-passwords")[1]["passwords"][0]["entry"]
        assert browser.api("DELETE", f"/app-passwords/{entry}")[0] == 200
        assert not takes(password)
    finally:
        subprocess.run(["dovecot", "-c", str(conf), "stop"], check=True, timeout=60)
