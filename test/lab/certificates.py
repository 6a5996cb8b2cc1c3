# SPDX-License-Identifier: ISC
"""The lab's own certification authority. Keys are P-256; RSA where a test asks for it."""
import pathlib

from internet import LAB, sh

HOME = LAB / "ca"


class Authority:
    def __init__(self, home=HOME):
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True)
        self.file = self.home / "ca.pem"
        self.key = self.home / "ca.key"
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
           "-nodes", "-days", "30", "-subj", "/CN=Lab authority", "-keyout", self.key,
           "-out", self.file)

    def issue(self, name, rsa=False, serial=""):
        """Make a certificate for a host name. Answers (chain file, key file)."""
        stem = self.home / f"{name}{serial}{'.rsa' if rsa else ''}"
        chain, key = pathlib.Path(f"{stem}.pem"), pathlib.Path(f"{stem}.key")
        if not chain.exists():
            kind = (["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            sh("openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "20",
               "-CA", self.file, "-CAkey", self.key, "-subj", f"/CN={name}",
               "-addext", f"subjectAltName=DNS:{name}",
               "-addext", "basicConstraints=critical,CA:FALSE",
               "-keyout", key, "-out", chain)
            key.chmod(0o600)
        return chain, key
