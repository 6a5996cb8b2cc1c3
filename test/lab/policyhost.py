# SPDX-License-Identifier: ISC
"""The policy host: nginx on port 443 as mta-sts.DOMAIN of every domain of the policy table that
publishes MTA-STS (RFC 8461 3.2), each with the behaviour its cell names.
"""
from cells import EVERY

TEXT = "version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {max_age}\n"

MAIN = """\
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log stderr notice;
events {{}}
http {{
  access_log /dev/stdout;
  default_type text/plain;
  server_names_hash_bucket_size 128;
{servers}
}}
"""
SERVER = """\
  server {{
    listen 443 ssl;
    listen [::]:443 ssl;
    server_name mta-sts.{domain};
    ssl_certificate /etc/lab/{certificate}.pem;
    ssl_certificate_key /etc/lab/{certificate}.key;
    root /var/www/{domain};
{more}
  }}
"""
# Behaviours that are more than a text.
CERTIFICATES = {"bad-name": "wrong-name", "bad-dates": "expired", "bad-authority": "self-signed"}
REDIRECT = "    return 301 https://mta-sts.sts.test$request_uri;"
SLOW = "    limit_rate 1;"


class PolicyHost:
    def __init__(self, world):
        self.machine = world.machine("policy-host", tree="nginx", users=["www-data"])
        domains = [cell.domain for cell in EVERY.values() if cell.sts]
        names = [f"mta-sts.{domain}" for domain in domains]
        authority = world.authority
        for name, (chain, key) in {
                "good": authority.issue("mta-sts.test", also=names),
                "wrong-name": authority.issue("www.somebody-else.test"),
                "expired": authority.issue_expired("mta-sts.expired.test", also=names),
                "self-signed": authority.issue("mta-sts.self-signed.test", also=names,
                                               self_signed=True)}.items():
            self.machine.write(f"/etc/lab/{name}.pem", chain.read_text())
            self.machine.write(f"/etc/lab/{name}.key", key.read_text(), mode=0o600)
        servers = ""
        for domain in domains:
            cell = EVERY[domain]
            self.publish(domain, **BEHAVIOURS.get(cell.sts, {}))
            more = {"redirect": REDIRECT, "slow": SLOW}.get(cell.sts, "")
            servers += SERVER.format(domain=domain, more=more,
                                     certificate=CERTIFICATES.get(cell.sts, "good"))
        self.machine.write("/etc/nginx/nginx.conf", MAIN.format(servers=servers))
        self.machine.run("mkdir", "-p", "/var/log/nginx", "/var/lib/nginx")
        self.machine.start("/usr/sbin/nginx", "-g", "daemon off;")
        self.machine.answers_on(443)

    def file(self, domain):
        return f"/var/www/{domain}/.well-known/mta-sts.txt"

    def publish(self, domain, mode="enforce", mx=None, max_age=86400, text=None):
        """What a domain's policy says from now on; text "" withdraws it (404)."""
        if text is None:
            text = TEXT.format(mode=mode, mx=(mx or "{host}").format(
                host=EVERY[domain].host, domain=domain), max_age=max_age).replace("\n", "\r\n")
        if text:
            self.machine.write(self.file(domain), text)
        else:
            self.machine.path(self.file(domain)).unlink(missing_ok=True)


BEHAVIOURS = {
    "enforce-other": {"mx": "mx.elsewhere.test"},
    "wildcard": {"mx": "*.{domain}"},
    "testing": {"mode": "testing", "mx": "mx.elsewhere.test"},
    "none": {"mode": "none"},
    "404": {"text": ""},
    "invalid": {"text": "version: STSv1\nmode: perhaps\nmx: *\nmax_age: a long time\n"},
    "large": {"text": TEXT.format(mode="enforce", mx="*", max_age=86400) + "x: " + "x" * 70000
              + "\n"},
}
