# SPDX-License-Identifier: ISC
"""NSD with the root, the top-level domain test., and one zone per mail domain.

The root and test. are signed. Each mail domain is a zone of its own with a delegation above it,
with DS records where it is signed: those of cells.py say for themselves, all others are not. The
mail servers use it as their resolver as well: it knows everything there is.
"""
import dataclasses
import re

from cells import ALIASES, EVERY, DEAD, GONE, LAME, SIGNED_HOSTS, UNSIGNED_HOSTS
from internet import (DOMAINS, DUAL_STACK, HOSTS, LAB, LAME_SERVER, MORE_MX, NAMESERVER, NET4,
                      NET6, NOBODY, PEERS, SIGNED_DOMAINS, eventually)

ROOT_SERVER = "a.root-servers.test."
TTL = 5
TRUST_ANCHOR = LAB / "root.key"


@dataclasses.dataclass
class Zone:
    """Records are (owner, type, data). `ds` is what the parent says: "right" or "wrong"."""
    name: str
    records: list
    signed: bool = False
    ds: str = "right"
    expired: bool = False
    spoiled: tuple = ()
    nsec3: bool = False
    serial: int = 1

    @property
    def file(self):
        return "root" if self.name == "." else self.name

    @property
    def origin(self):
        return "." if self.name == "." else self.name + "."

    def text(self):
        lines = [f"$ORIGIN {self.origin}", f"$TTL {TTL}",
                 f"@ SOA {ROOT_SERVER} hostmaster.test. {self.serial} 60 60 3600 {TTL}",
                 f"@ NS {ROOT_SERVER}"]
        lines += [f"{owner} {kind} {data}" for owner, kind, data in self.records]
        return "\n".join(lines) + "\n"

    def owner(self, name):
        """An owner as ldns writes it."""
        return self.origin if name == "@" else name if name.endswith(".") else f"{name}.{self.origin}"


def mail_zone(domain, host, number, ipv6):
    """A mail domain: its MX set and the address of its own host."""
    mx = f"mx.{domain}." if host is None else host
    records = [("@", "MX", f"10 {mx}")]
    if host is None:
        records.append((mx, "A", f"{NET4}{number}"))
        if ipv6:
            records.append((mx, "AAAA", f"{NET6}{number}"))
    for preference, name, address in MORE_MX.get(domain, []):
        records += [("@", "MX", f"{preference} {name}."), (name + ".", "A", address)]
    return Zone(domain, records)


def cell_zones():
    """The domains of the policy table, and the two zones of hosts that live apart from theirs."""
    hosts = {name: [] for name in (SIGNED_HOSTS, UNSIGNED_HOSTS)}
    for cell in EVERY.values():
        if cell.zone:
            yield Zone(cell.domain, [*cell.zone_records(), *policy_records(cell)], cell.signed,
                       cell.ds, cell.expired, cell.spoiled, cell.nsec3)
        for name, records in hosts.items():
            if cell.host.endswith("." + name):
                records += cell.host_records()
    yield Zone(SIGNED_HOSTS, hosts[SIGNED_HOSTS], signed=True)
    yield Zone(UNSIGNED_HOSTS, hosts[UNSIGNED_HOSTS])


def policy_records(cell):
    """What announces an MTA-STS policy (RFC 8461 3.1) and where its host is."""
    if not cell.sts:
        return []
    where = 41 if cell.sts == "unreachable" else HOSTS["policy-host"]
    records = [("mta-sts", "A", f"{NET4}{where}")]
    if cell.sts in ("txt-servfail", "txt-timeout"):
        return [*records, ("_mta-sts", "NS", DEAD if cell.sts == "txt-servfail" else GONE)]
    records.append(("_mta-sts", "TXT", '"v=STSv1; id=1;"'))
    if cell.sts == "two-records":
        records.append(("_mta-sts", "TXT", '"v=STSv1; id=2;"'))
    return records


def all_zones():
    zones = {}
    for domain, machine in DOMAINS.items():
        parent = domain.removeprefix("secure.")
        host = f"mx.{parent}." if parent != domain else None
        zones[domain] = mail_zone(domain, host, HOSTS[machine], ipv6=True)
    for domain, key in SIGNED_DOMAINS.items():
        zones[domain].signed = True
        if key:
            zones[domain].records.append(("_25._tcp.mx", "TLSA", f"3 1 1 {{{key}.key}}"))
    for domain, number in PEERS.items():
        zones[domain] = mail_zone(domain, None, number, domain in DUAL_STACK)
    zones.update({zone.name: zone for zone in cell_zones()})
    glue = [(ROOT_SERVER, "A", NAMESERVER), (ROOT_SERVER, "AAAA", f"{NET6}2")]
    failing = [(DEAD, "A", LAME_SERVER), (GONE, "A", NOBODY)]
    zones["test"] = Zone("test", glue + failing + [
        (domain + ".", "NS", server) for domain, server in LAME.items()] + [
        (alias + ".", "CNAME", domain + ".") for alias, domain in ALIASES.items()], signed=True)
    zones["."] = Zone(".", list(glue), signed=True)
    for name, zone in zones.items():
        if name != ".":
            zones[parent_of(name, zones)].records.append((zone.origin, "NS", ROOT_SERVER))
    return zones


def parent_of(name, zones):
    """The zone that delegates this one: a secure domain by its domain, as it would be outside."""
    while "." in name:
        name = name.split(".", 1)[1]
        if name in zones:
            return name
    return "."


ROOT_HINTS = (f". 3600000 NS {ROOT_SERVER}\n{ROOT_SERVER} 3600000 A {NAMESERVER}\n"
              f"{ROOT_SERVER} 3600000 AAAA {NET6}2\n")
KEYGEN = "ldns-keygen -k -s -a ECDSAP256SHA256 -r /dev/urandom"


CONF = """\
server:
  zonesdir: /etc/nsd/zones
  username: nsd
  database: ""
  pidfile: /run/{name}.pid
  xfrdfile: /run/{name}.state
  zonelistfile: /run/{name}.list
  server-count: 1
{addresses}
remote-control:
  control-enable: no
"""


class Nameserver:
    def __init__(self, world):
        self.machine = world.machine("dns", tree="nsd", users=["nsd"], extra=[3])
        self.digests = world.faces.digests
        self.zones = all_zones()
        self.machine.path("/run").chmod(0o777)
        self.make_keys()
        for zone in self.zones.values():
            self.write_zone(zone)
        self.sign()
        self.start("nsd", [self.machine.v4, self.machine.v6, "127.0.0.1"], self.zones.values())
        self.start("lame", [LAME_SERVER], [])

    def start(self, name, addresses, zones):
        conf = CONF.format(name=name, addresses="\n".join(f"  ip-address: {a}" for a in addresses))
        conf += "".join(f"zone:\n  name: \"{zone.name}\"\n  zonefile: {zone.file}.zone\n"
                        for zone in zones)
        self.machine.write(f"/etc/nsd/{name}.conf", conf)
        self.machine.start("nsd", "-d", "-c", f"/etc/nsd/{name}.conf", log=name)
        self.machine.answers_on(53, addresses[0])
        eventually(lambda: "nsd started" in self.machine.log_text(name), 10,
                   lambda: f"NSD serves its zones: {self.machine.log_text(name)}")
        assert "error" not in self.machine.log_text(name), self.machine.log_text(name)

    def signed_zones(self):
        return [zone for zone in self.zones.values() if zone.signed]

    def shell(self, *lines):
        """Run many commands with one shell; the first that fails ends it."""
        self.machine.run("sh", "-e", stdin="\n".join(lines) + "\n")

    def make_keys(self):
        """One key for each signed zone, its DS records in the parent; and the trust anchor."""
        folder = "/etc/nsd/keys"
        for zone in self.signed_zones():
            self.machine.write(f"{folder}/{zone.file}/zone", zone.name)
        self.shell(*[f"cd {folder}/{zone.file}; {KEYGEN} {zone.origin} >made"
                     for zone in self.signed_zones()])
        for zone in self.signed_zones():
            mine = self.machine.path(f"{folder}/{zone.file}")
            if zone.name == ".":
                TRUST_ANCHOR.write_text((mine / ".key").read_text())
                continue
            digest = (mine / ".ds").read_text().split("DS", 1)[1].strip()
            if zone.ds == "wrong":
                digest = digest[:-8] + "00000000"
            parent = self.zones[parent_of(zone.name, self.zones)]
            parent.records.append((zone.origin, "DS", digest))

    def write_zone(self, zone):
        """As it is before it is signed, with the digests of what servers show."""
        text = re.sub(r"\{([\w.-]+)\}", lambda found: self.digests[found[1]], zone.text())
        self.machine.write(f"/etc/nsd/zones/{zone.file}.{'plain' if zone.signed else 'zone'}", text)

    def sign(self):
        self.shell("cd /etc/nsd/zones", *[
            f"ldns-signzone {'-n ' if zone.nsec3 else ''}"
            f"{'-i 20240101 -e 20240201 ' if zone.expired else ''}"
            f"-f {zone.file}.zone {zone.file}.plain /etc/nsd/keys/{zone.file}/"
            for zone in self.signed_zones()])
        for zone in self.signed_zones():
            file = self.machine.path(f"/etc/nsd/zones/{zone.file}.zone")
            text = raw_where_empty(file.read_text())
            for owner, kind in zone.spoiled:
                text = spoil(text, zone.owner(owner), kind)
            file.write_text(text)

    def change(self, name, records):
        """Other records for an unsigned zone, from now on (and TTL seconds later for everybody)."""
        zone = self.zones[name]
        zone.records, zone.serial = list(records), zone.serial + 1
        self.write_zone(zone)
        self.shell("kill -HUP $(cat /run/nsd.pid)")
        eventually(lambda: f" {zone.serial} 60 " in self.machine.run(
            "drill", "@127.0.0.1", name, "SOA").stdout, 10, f"NSD serves the new {name}")

    def stop(self):
        self.machine.shut_down()


def raw_where_empty(text):
    """ldns writes a TLSA record without data in a way NSD does not read."""
    return re.sub(r"\bTLSA\t(\d+) (\d+) (\d+)\s*$", lambda found: "TYPE52 \\# 3 "
                  + "".join(f"{int(number):02x}" for number in found.groups()), text, flags=re.M)


def spoil(text, owner, kind):
    """The zone with the signature of one record set broken."""
    found = 0
    lines = text.splitlines()
    for n, line in enumerate(lines):
        words = line.split()
        if words[:1] == [owner] and words[3:5] == ["RRSIG", kind]:
            signature = words[-1]
            lines[n] = line.replace(signature, ("B" if signature[0] == "A" else "A") + signature[1:])
            found += 1
    assert found == 1, f"{found} signatures of {owner} {kind}"
    return "\n".join(lines) + "\n"
