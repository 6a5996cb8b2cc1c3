# SPDX-License-Identifier: ISC
"""The witness: tcpdump on every link, and a search for a canary in what crossed it in clear.

Each TCP flow is put together again from its segments, so that a canary cut in two by a segment
boundary is found; base64 (all three alignments) and quoted-printable are seen through. Every
other packet is searched as it is.
"""
import base64
import collections
import re
import socket
import struct
import subprocess
import uuid

from internet import LOGS, OUT, eventually, router_network

PCAPS = OUT / "pcap"
MARK = 0x88B5  # the Ethernet type for local experiments


class Witness:
    """Listens on the router's end of each link from the moment watch() is called for it."""

    def __init__(self):
        self.dumps = {}
        PCAPS.mkdir(parents=True, exist_ok=True)
        for old in PCAPS.glob("*.pcap"):
            old.unlink()

    def watch(self, link):
        file = PCAPS / f"{link}.pcap"
        log = open(LOGS / f"tcpdump-{link}.log", "w")
        self.dumps[link] = subprocess.Popen(
            ["nsenter", "--net=/run/netns/router", "tcpdump", "-Z", "root", "-n", "-i", link,
             "-s", "65600", "-U", "--immediate-mode", "-B", "98304", "-w", file],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(lambda: file.exists() and file.stat().st_size >= 24, 10,
                   f"tcpdump on {link} writes its file")
        self.catch_up(link)

    def catch_up(self, link):
        """Return when everything that crossed the link until now is in the file."""
        nonce = uuid.uuid4().bytes
        frame = b"\xff" * 6 + b"\x02\x00\x00\x00\x00\x01" + struct.pack("!H", MARK) + nonce * 4
        file = PCAPS / f"{link}.pcap"
        with router_network():
            mark = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            mark.bind((link, 0))

        def seen():
            with open(file, "rb") as pcap:
                pcap.seek(max(0, file.stat().st_size - (1 << 20)))
                if nonce in pcap.read():
                    return True
            mark.send(frame)
            return False
        with mark:
            eventually(seen, 20, f"the witness on {link} sees a frame it was sent")

    def now(self):
        """A place in the capture: give it to saw() to search only what came after it."""
        for link in self.dumps:
            self.catch_up(link)
        return {link: (PCAPS / f"{link}.pcap").stat().st_size for link in self.dumps}

    def saw(self, canary, since=None, links=None):
        """Where the canary crossed a link in clear: a list of 'link: from > to' lines."""
        found = []
        for link in links or self.dumps:
            assert self.dumps[link].poll() is None, f"tcpdump on {link} has ended"
            self.catch_up(link)
            for flow, bytes_seen in flows(PCAPS / f"{link}.pcap", (since or {}).get(link, 0)):
                if in_clear(canary, bytes_seen):
                    found.append(f"{link}: {flow}")
        return found

    def conversation(self, address, since=None, port=25):
        """What was sent to and from address:port in clear, flow by flow, for failure reports."""
        end = f"{address}.{port}"
        said = []
        for link in self.dumps:
            for flow, bytes_seen in flows(PCAPS / f"{link}.pcap", (since or {}).get(link, 0)):
                if end in flow:
                    said.append(f"{flow}\n{bytes_seen[:2000].decode('ascii', 'replace')}")
            if said:
                break
        return "\n".join(said)

    def connections(self, address, since=None, port=25):
        """Who asked for a connection to address:port, on any link."""
        asked = []
        for link in self.dumps:
            self.catch_up(link)
            for frame in packets(PCAPS / f"{link}.pcap", (since or {}).get(link, 0)):
                segment = tcp_segment(frame)
                if segment and segment[3] and segment[1] == f"{address}.{port}":
                    asked.append(f"{link}: {segment[0]} > {segment[1]}")
        return asked

    def stop(self):
        """End all tcpdumps. Answers the links on which packets were lost."""
        lossy = []
        for link, dump in self.dumps.items():
            dump.terminate()
            dump.wait()
            said = (LOGS / f"tcpdump-{link}.log").read_text()
            lost = re.search(r"(\d+) packets dropped by kernel", said)
            if lost and int(lost[1]):
                lossy.append(f"{link}: {lost[0]}")
        self.dumps = {}
        return lossy


def in_clear(canary, bytes_seen):
    canary = canary.encode()
    if canary in bytes_seen:
        return True
    joined = bytes_seen.replace(b"=\r\n", b"")
    if canary in joined:
        return True
    unfolded = bytes_seen.replace(b"\r\n", b"")
    return any(shape in unfolded for shape in base64_shapes(canary))


def base64_shapes(canary):
    """What of the canary shows in base64, for each of the three ways it can be aligned."""
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + canary)
        first = {0: 0, 1: 2, 2: 3}[lead]
        last = len(canary + b"\0" * lead) // 3 * 4
        yield encoded[first:last]


def packets(file, offset):
    """(bytes of the frame) for each complete record from offset on."""
    with open(file, "rb") as pcap:
        head = pcap.read(24)
        order = "<" if head[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        pcap.seek(max(24, offset))
        data = pcap.read()
    at = 0
    while at + 16 <= len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        if at + 16 + length > len(data):
            return
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def tcp_segment(frame):
    """(source, destination, sequence number, SYN?, payload) or None if it is not TCP."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == 6:
        start = 14 + (frame[14] & 15) * 4
        end = 14 + struct.unpack_from("!H", frame, 16)[0]
        ends = [socket.inet_ntop(socket.AF_INET, frame[a:a + 4]) for a in (26, 30)]
    elif kind == b"\x86\xdd" and frame[20] == 6:
        start, end = 54, 54 + struct.unpack_from("!H", frame, 18)[0]
        ends = [socket.inet_ntop(socket.AF_INET6, frame[a:a + 16]) for a in (22, 38)]
    else:
        return None
    source, destination, sequence = struct.unpack_from("!HHI", frame, start)
    payload = frame[start + (frame[start + 12] >> 4) * 4:max(end, start)]
    if not payload and end <= start:  # offloaded segments may say length 0
        payload = frame[start + (frame[start + 12] >> 4) * 4:]
    return f"{ends[0]}.{source}", f"{ends[1]}.{destination}", sequence, frame[start + 13] & 2, payload


def flows(file, offset=0):
    """('from > to', its bytes in order) for each direction of each TCP connection, then the rest."""
    segments = collections.OrderedDict()
    generation = collections.Counter()
    rest = []
    for frame in packets(file, offset):
        segment = tcp_segment(frame)
        if segment is None:
            rest.append(frame)
            continue
        source, destination, sequence, syn, payload = segment
        key = (source, destination)
        if syn:
            generation[key] += 1
        if payload:
            segments.setdefault((*key, generation[key]), {}).setdefault((sequence, len(payload)),
                                                                        payload)
    for (source, destination, _), parts in segments.items():
        first = next(iter(parts))[0]
        ordered = sorted(parts.items(), key=lambda part: (part[0][0] - first + (1 << 31)) % (1 << 32))
        yield f"{source} > {destination}", b"".join(payload for _, payload in ordered)
    yield "packets other than TCP", b"\n".join(rest)
