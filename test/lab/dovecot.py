# SPDX-License-Identifier: ISC
"""Dovecot on the Maildirs of a Siegel installation, configured as the documentation shows."""
from siegel import UID_BASE

MAILBOX_UID = UID_BASE + 4

CONF = """\
protocols = imap
listen = *
base_dir = /run/dovecot
log_path = /dev/stderr
ssl = required
ssl_cert = </etc/lab/cert.pem
ssl_key = </etc/lab/key.pem
service imap-login {{
  chroot =
}}
first_valid_uid = 100
mail_location = maildir:{state}/mail/%d/%n
passdb {{
  driver = passwd-file
  args = username_format=%u {state}/store/auth/users
}}
passdb {{
  driver = passwd-file
  args = username_format=%u/%{{sha256:password}} {state}/store/auth/app-passwords
}}
userdb {{
  driver = static
  args = uid=siegel-mailbox gid=siegel-mailbox home={state}/mail/%d/%n
}}
auth_failure_delay = 0 secs
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
namespace inbox {{
  inbox = yes
}}
"""


class Dovecot:
    def __init__(self, world, siegel):
        self.hostname = "imap.example.test"
        self.machine = world.machine("dovecot", tree="dovecot", users=["dovecot", "dovenull"])
        chain, key = world.authority.issue(self.hostname)
        self.machine.write("/etc/lab/cert.pem", chain.read_text())
        self.machine.write("/etc/lab/key.pem", key.read_text(), mode=0o600)
        self.machine.add_user("siegel-mailbox", MAILBOX_UID)
        self.machine.write("/etc/dovecot/dovecot.conf", CONF.format(state=siegel.state))
        self.machine.start("/usr/sbin/dovecot", "-F")
        self.machine.answers_on(143)
