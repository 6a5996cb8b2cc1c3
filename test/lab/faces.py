# SPDX-License-Identifier: ISC
"""One Postfix with many faces: on each of its addresses it shows another certificate, and takes
mail for every domain of the policy table.
"""
from cells import EVERY
from certificates import Authority, certificate_digest, key_digest
from internet import LAB, MANY_FACED, NET4
from neighbours import Postfix


class Faces:
    """What each address shows: name -> (chain file, key file), and the digests of that."""

    def __init__(self, authority):
        other = Authority(LAB / "other-ca", "Another authority")
        self.shown = {
            "good": authority.issue("mx.good.test", also=hosts_of("good")),
            "self-signed": authority.issue("mx.self-signed.test", serial="-self-signed",
                                           also=hosts_of("self-signed"), self_signed=True),
            "expired": authority.issue_expired("mx.expired.test", also=hosts_of("expired")),
            "wrong-name": authority.issue("mx.somebody-else.test"),
            "other-authority": other.issue("mx.other-authority.test",
                                           also=hosts_of("other-authority")),
            "exim": authority.issue("mx.exim-tls.test"),
            "partner": authority.issue("mx.partner.test"),
        }
        leaf = self.shown["other-authority"][0]
        leaf.write_text(leaf.read_text() + other.file.read_text())
        self.digests = {}
        for name, file in [("authority", authority.file), ("other-authority-itself", other.file),
                           *((name, chain) for name, (chain, _) in self.shown.items())]:
            self.digests[f"{name}.certificate"] = certificate_digest(file)
            self.digests[f"{name}.key"] = key_digest(file)


def hosts_of(server):
    return [cell.host for cell in EVERY.values() if cell.server == server]


FACE = """\
{address}:25 inet n - n - - smtpd
  -o smtpd_tls_chain_files=/etc/lab/{name}.key,/etc/lab/{name}.pem
"""


class ManyFaced(Postfix):
    def __init__(self, world):
        self.faces = world.faces
        services = "".join(FACE.format(address=f"{NET4}{number}", name=name)
                           for name, number in MANY_FACED.items())
        super().__init__(world, "many-faced", tls=True, others=" ".join(EVERY), services=services,
                         extra=MANY_FACED.values())

    def before_start(self):
        for name in MANY_FACED:
            chain, key = self.faces.shown[name]
            self.machine.write(f"/etc/lab/{name}.pem", chain.read_text())
            self.machine.write(f"/etc/lab/{name}.key", key.read_text(), mode=0o600)
