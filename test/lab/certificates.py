# SPDX-License-Identifier: ISC
"""The lab's own certification authority. Keys are P-256; RSA where a test asks for it."""
import hashlib
import pathlib
import ssl
import subprocess
import threading

from internet import LAB, sh

HOME = LAB / "ca"
EC = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]

EXPIRED = """\
[ca]
default_ca = lab
[lab]
database = {home}/index
serial = {home}/serial
new_certs_dir = {home}
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


class Authority:
    def __init__(self, home=HOME, name="Lab authority"):
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True)
        self.file = self.home / "ca.pem"
        self.key = self.home / "ca.key"
        self.issuing = threading.Lock()
        sh("openssl", "req", "-x509", "-newkey", *EC, "-nodes", "-days", "30",
           "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.file)

    def files(self, stem):
        return pathlib.Path(f"{self.home / stem}.pem"), pathlib.Path(f"{self.home / stem}.key")

    def issue(self, name, rsa=False, serial="", also=(), self_signed=False):
        """Make a certificate for host names. Answers (chain file, key file). `rsa`: True or bits."""
        kind = [f"rsa:{2048 if rsa is True else rsa}"] if rsa else EC
        chain, key = self.files(f"{name}{serial}{'.' + kind[0] if rsa else ''}")
        signed_by = [] if self_signed else ["-CA", self.file, "-CAkey", self.key]
        with self.issuing:
            if not chain.exists():
                sh("openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "20",
                   *signed_by, *self.names(name, also), "-keyout", key, "-out", chain)
                key.chmod(0o600)
        return chain, key

    def issue_expired(self, name, serial="expired", also=()):
        """One whose time is long over."""
        chain, key = self.files(f"{name}{serial}")
        request = chain.with_suffix(".csr")
        (self.home / "index").touch()
        (self.home / "openssl.cnf").write_text(EXPIRED.format(home=self.home))
        sh("openssl", "req", "-new", "-newkey", *EC, "-nodes", *self.names(name, also),
           "-keyout", key, "-out", request)
        sh("openssl", "ca", "-batch", "-notext", "-create_serial", "-config",
           self.home / "openssl.cnf", "-startdate", "20230101000000Z", "-enddate",
           "20240101000000Z", "-cert", self.file, "-keyfile", self.key, "-in", request,
           "-out", chain)
        key.chmod(0o600)
        return chain, key

    @staticmethod
    def names(name, also):
        every = ",".join(f"DNS:{host}" for host in (name, *also))
        return ["-subj", f"/CN={name}", "-addext", f"subjectAltName={every}",
                "-addext", "basicConstraints=critical,CA:FALSE"]


def certificate_digest(file):
    """SHA-256 of the first certificate in a file."""
    pem = file.read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def key_digest(file):
    """SHA-256 of the public key in it (its SubjectPublicKeyInfo)."""
    pem = sh("openssl", "x509", "-in", file, "-noout", "-pubkey")
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=pem.encode(),
                         stdout=subprocess.PIPE, check=True).stdout
    return hashlib.sha256(der).hexdigest()
