# SPDX-License-Identifier: ISC
"""NSD with the root, the top-level domain test., and one zone per mail domain.

Each is a zone of its own with a delegation above it, so that signing them needs DS records
beside the NS records below and nothing else. The mail servers use it as their resolver as well:
it knows everything there is.
"""
from internet import (DOMAINS, DUAL_STACK, HOSTS, MORE_MX, NAMESERVER, NET4, NET6, PEERS,
                      eventually)

ROOT_SERVER = "a.root-servers.test."
TTL = 5


def zone(name, records):
    """The text of a zone: SOA, NS, then the records given as (owner, type, data)."""
    origin = "." if name == "." else name + "."
    lines = [f"$ORIGIN {origin}", f"$TTL {TTL}",
             f"@ SOA {ROOT_SERVER} hostmaster.test. 1 60 60 3600 {TTL}", f"@ NS {ROOT_SERVER}"]
    lines += [f"{owner} {kind} {data}" for owner, kind, data in records]
    return "\n".join(lines) + "\n"


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
    return zone(domain, records)


def all_zones():
    zones = {}
    for domain, machine in DOMAINS.items():
        parent = domain.removeprefix("secure.")
        host = f"mx.{parent}." if parent != domain else None
        zones[domain] = mail_zone(domain, host, HOSTS[machine], ipv6=True)
    for domain, number in PEERS.items():
        zones[domain] = mail_zone(domain, None, number, domain in DUAL_STACK)
    zones["null-mx.test"] = zone("null-mx.test", [("@", "MX", "0 .")])
    zones["dangling.test"] = zone("dangling.test", [("@", "MX", "10 mx.nowhere.test.")])
    zones["no-mail.test"] = zone("no-mail.test", [("www", "A", f"{NET4}40")])
    glue = [(ROOT_SERVER, "A", NAMESERVER), (ROOT_SERVER, "AAAA", f"{NET6}2")]
    for name in zones:  # a secure domain is delegated by its domain, as it would be outside
        if name.startswith("secure."):
            zones[name.removeprefix("secure.")] += f"{name}. NS {ROOT_SERVER}\n"
    top = [(name + ".", "NS", ROOT_SERVER) for name in zones if name.count(".") == 1]
    zones["test"] = zone("test", top + glue)
    zones["."] = zone(".", [("test.", "NS", ROOT_SERVER), *glue])
    return zones


ROOT_HINTS = (f". 3600000 NS {ROOT_SERVER}\n{ROOT_SERVER} 3600000 A {NAMESERVER}\n"
              f"{ROOT_SERVER} 3600000 AAAA {NET6}2\n")


class Nameserver:
    def __init__(self, world):
        self.machine = world.machine("dns", tree="nsd", users=["nsd"])
        conf = ["server:", f"  ip-address: {self.machine.v4}", f"  ip-address: {self.machine.v6}",
                "  ip-address: 127.0.0.1", "  zonesdir: /etc/nsd/zones", "  username: nsd",
                "  database: \"\"", "  pidfile: /run/nsd.pid", "  xfrdfile: /run/xfrd.state",
                "  zonelistfile: /run/zone.list", "  server-count: 1",
                "remote-control:", "  control-enable: no"]
        for name, text in all_zones().items():
            file = "root" if name == "." else name
            self.machine.write(f"/etc/nsd/zones/{file}.zone", text)
            conf += ["zone:", f"  name: \"{name}\"", f"  zonefile: {file}.zone"]
        self.machine.write("/etc/nsd/nsd.conf", "\n".join(conf) + "\n")
        self.machine.path("/run").chmod(0o777)
        self.machine.start("nsd", "-d", "-c", "/etc/nsd/nsd.conf")
        self.machine.answers_on(53)
        eventually(lambda: "nsd started" in self.machine.log_text(), 10, "NSD serves its zones")

    def stop(self):
        self.machine.shut_down()
