# SPDX-License-Identifier: ISC
"""Scripted peers, for what no real server can be configured to do. Each listens on port 25 of an
address of its own on the machine "peers"; its script is a function that is given one connection.
Everything said is kept, line by line, in the transcript of the connection.
"""
import collections
import contextlib
import socket
import ssl
import struct
import threading
import time

from internet import DUAL_STACK, NET4, NET6, PEERS, eventually

EHLO = ("PIPELINING", "8BITMIME", "SIZE 10000000", "ENHANCEDSTATUSCODES")
ANSWERS = {"HELO": "250 peer", "MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok",
           "DATA": "354 go on", "RSET": "250 2.0.0 ok", "NOOP": "250 2.0.0 ok",
           "QUIT": "221 2.0.0 bye", "END": "250 2.0.0 taken"}


Taken = collections.namedtuple("Taken", "connection text time")


class Gone(Exception):
    """The other side has closed the connection."""


class Connection:
    """One conversation with a client. `transcript` holds ('C'|'S', line) pairs."""

    def __init__(self, peer, sock):
        self.peer, self.sock = peer, sock
        self.reader = sock.makefile("rb")
        self.transcript, self.sealed, self.sni, self.recipients = [], False, None, 0
        sock.settimeout(60)

    def say(self, *lines):
        for line in lines:
            self.transcript.append(("S", line))
        self.sock.sendall("".join(line + "\r\n" for line in lines).encode())

    def hear(self):
        line = self.reader.readline()
        if not line:
            raise Gone
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        self.transcript.append(("C", text))
        return text

    def hear_message(self):
        lines = []
        while True:
            line = self.reader.readline()
            if not line:
                raise Gone
            if line == b".\r\n":
                return b"".join(lines).decode("utf-8", "replace")
            lines.append(line[1:] if line.startswith(b".") else line)

    def handshake(self, context):
        """Be the TLS server from here on."""
        def note_sni(_sock, name, _context):
            self.sni = name
        context.sni_callback = note_sni
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.reader = self.sock.makefile("rb")
        self.sealed = True

    def reset(self):
        """End with an RST instead of an orderly close."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.reader.close()
        self.sock.close()

    def said(self):
        return "\n".join(f"{who}: {line}" for who, line in self.transcript)

    def heard(self, verb):
        return [line for who, line in self.transcript
                if who == "C" and line.upper().startswith(verb.upper())]


class Peer:
    """A mail server that does what its script says. Its messages are Taken(connection, text, time)."""

    def __init__(self, world, domain, script):
        self.domain, self.hostname, self.script = domain, f"mx.{domain}", script
        self.connections, self.messages = [], []
        number = PEERS[domain]
        machine = world.peers()
        self.listeners = [machine.listen(f"{NET4}{number}")]
        if domain in DUAL_STACK:
            self.listeners.append(machine.listen(f"{NET6}{number}"))
        self.address, self.machine, self.authority = f"{NET4}{number}", machine, world.authority
        self.chain, self.key = world.authority.issue(self.hostname)
        for listener in self.listeners:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        connection = Connection(self, sock)
        self.connections.append(connection)
        with contextlib.suppress(Gone, OSError, ValueError):
            self.script(connection)
        with contextlib.suppress(OSError):
            connection.reader.close()
            connection.sock.close()

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context

    def receives(self, canary, within=20):
        """Wait for the message with the canary. Answers (connection, text)."""
        def found():
            return [taken for taken in list(self.messages) if canary in taken.text]
        return eventually(found, within,
                          lambda: f"{self.domain} gets {canary}\n{self.story()}")[0][:2]

    def story(self):
        return "\n--\n".join(connection.said() for connection in list(self.connections))

    def close(self):
        for listener in self.listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)


def converse(connection, announce=EHLO, answers=None, greeting=None, after_tls=None):
    """An ordinary server, apart from `answers`: verb -> reply, list of lines, or function.

    'END' answers the final dot. A function is given the connection and what the client said; it
    answers a reply, or None if it has said all there is to say. `after_tls` replaces `answers`
    once the connection is sealed.
    """
    if greeting != "":
        connection.say(greeting or f"220 {connection.peer.hostname} ESMTP")
    while True:
        line = connection.hear()
        verb = line.replace(":", " ").split(" ")[0].upper()
        table = after_tls if connection.sealed and after_tls is not None else answers or {}
        if _answer(connection, table, verb, line, announce) is False:
            return
        if verb == "QUIT":
            return


def _answer(connection, table, verb, line, announce):
    if verb == "EHLO" and "EHLO" not in table:
        words = [word for word in announce if not (connection.sealed and word == "STARTTLS")]
        lines = [connection.peer.hostname, *words]
        connection.say(*[f"250-{text}" for text in lines[:-1]], f"250 {lines[-1]}")
        return None
    if verb == "STARTTLS" and "STARTTLS" not in table and "STARTTLS" in announce:
        connection.say("220 2.0.0 go ahead")
        connection.handshake(connection.peer.context())
        return None
    reply = table.get(verb, ANSWERS.get(verb, "500 5.5.1 what?"))
    reply = reply(connection, line) if callable(reply) else reply
    if reply is None:
        return None
    if reply is False:
        return False
    if verb == "DATA" and connection.recipients == 0 and reply.startswith("354"):
        reply = "554 5.5.1 no valid recipients"
    connection.say(*([reply] if isinstance(reply, str) else reply))
    if verb in ("MAIL", "RSET", "EHLO", "STARTTLS", "DATA"):
        connection.recipients = 0
    if verb == "RCPT":
        connection.recipients += str(reply).startswith("2")
    if verb == "DATA" and str(reply).startswith("354"):
        text = connection.hear_message()
        end = table.get("END", ANSWERS["END"])
        end = end(connection, text) if callable(end) else end
        if end and end.startswith("2"):
            connection.peer.messages.append(Taken(connection, text, time.monotonic()))
        if end:
            connection.say(end)
    return None


WITH_TLS = (*EHLO, "STARTTLS")


def sealed_server(connection):
    """Offers TLS 1.2 and 1.3 and takes everything."""
    converse(connection, WITH_TLS)


def plain_server(connection):
    """Has never heard of STARTTLS."""
    converse(connection)


def starttls_454(connection):
    converse(connection, WITH_TLS, {"STARTTLS": "454 4.7.0 TLS not available due to temporary reason"})


def starttls_5xx(connection):
    converse(connection, WITH_TLS, {"STARTTLS": "502 5.5.1 not today"})


def garbage_after_220(connection):
    """Says 220 to STARTTLS and goes on in plaintext, as if nothing had been asked."""
    def garbage(conn, _line):
        conn.say("220 2.0.0 go ahead")
        conn.sock.recv(16)  # only when the client has begun: these bytes answer its ClientHello
        conn.say("250 ok, and a good day to you", "250 what is all this binary?")
        return False
    converse(connection, WITH_TLS, {"STARTTLS": garbage})


def tls10_only(connection):
    def old(conn, _line):
        context = conn.peer.context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        conn.say("220 2.0.0 go ahead")
        conn.handshake(context)
    converse(connection, WITH_TLS, {"STARTTLS": old})


def handshake_cut(connection):
    """Closes when the ClientHello has come."""
    def cut(conn, _line):
        conn.say("220 2.0.0 go ahead")
        conn.sock.recv(5)
        conn.reset()
        return False
    converse(connection, WITH_TLS, {"STARTTLS": cut})


def ehlo_refused(connection):
    """A server of the old school: HELO only, and no way to ask for TLS."""
    converse(connection, (), {"EHLO": "500 5.5.1 no such command"})


def ehlo_and_helo_refused(connection):
    converse(connection, (), {"EHLO": "550 5.7.1 go away", "HELO": "550 5.7.1 go away"})


def injected_220(connection):
    """Plaintext in the same segment behind the 220: the attack STARTTLS clients fell for."""
    def inject(conn, _line):
        conn.say("220 2.0.0 go ahead", "250-mx.injected-220.test", "250 AUTH PLAIN")
        with contextlib.suppress(OSError):
            conn.handshake(conn.peer.context())
    converse(connection, WITH_TLS, {"STARTTLS": inject})


INTERNAL_ERROR, HANDSHAKE_FAILURE = 80, 40


def alerting(number):
    """Answers the ClientHello with a fatal alert."""
    def alert(conn, _line):
        conn.say("220 2.0.0 go ahead")
        conn.sock.recv(5)
        conn.sock.sendall(bytes([21, 3, 3, 0, 2, 2, number]))
        return False
    return lambda connection: converse(connection, WITH_TLS, {"STARTTLS": alert})


fatal_alert = alerting(INTERNAL_ERROR)


def weak_key(connection):
    """Speaks TLS 1.2, but with a key that fell years ago (RSA, 1024 bits)."""
    def weak(conn, _line):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(*conn.peer.authority.issue(conn.peer.hostname, rsa=1024))
        conn.say("220 2.0.0 go ahead")
        conn.handshake(context)
    converse(connection, WITH_TLS, {"STARTTLS": weak})


def cut_early(connection):
    """Greets and goes."""
    connection.say(f"220 {connection.peer.hostname} ESMTP")
    connection.hear()


def greeting(reply):
    """Has nothing else to say. RFC 5321 3.1 lets it wait for QUIT."""
    def script(connection):
        connection.say(reply)
        connection.hear()
    return script


def ehlo_450(connection):
    converse(connection, (), {"EHLO": "450 4.3.2 not now", "HELO": "450 4.3.2 not now"})


def starttls_odd(connection):
    """An answer to STARTTLS that RFC 3207 does not know, and no handshake behind it."""
    converse(connection, WITH_TLS, {"STARTTLS": "250 2.0.0 if you like"})


def sealed_ehlo_refused(connection):
    """Takes the handshake, and then no EHLO."""
    converse(connection, WITH_TLS, after_tls={"EHLO": "550 5.7.1 not you", "HELO": "550 5.7.1 not you"})


def greylisting(announce):
    """Takes a message at the second attempt."""
    seen = set()

    def once_later(conn, line):
        if line in seen:
            return "250 2.1.5 ok"
        seen.add(line)
        return "451 4.7.1 greylisted, come back later"
    return lambda connection: converse(connection, announce, {"RCPT": once_later})


def rejecting(reply, announce=WITH_TLS, verb="RCPT"):
    """Refuses over a sealed channel, as a server may."""
    return lambda connection: converse(connection, announce, {verb: reply})


def slow(gate):
    """Greets, then says nothing until the gate opens."""
    def script(connection):
        gate.wait(120)
        converse(connection, WITH_TLS)
    return script


def stripping_relay(machine, address, port=25):
    """The man in the middle: passes everything on, but STARTTLS disappears on the way."""
    def script(connection):
        with machine.connect(address, port) as behind:
            answers = behind.makefile("rb")
            threading.Thread(target=_pass_on, args=(connection, behind), daemon=True).start()
            for line in answers:
                text = line.decode("ascii", "replace").rstrip("\r\n")
                if "STARTTLS" in text.upper():
                    if text[3:4] == " ":  # the last line of the list: something must end it
                        connection.say("250 XXXXXXXX")
                    continue
                connection.say(text)
    return script


def _pass_on(connection, behind):
    with contextlib.suppress(Gone, OSError, ValueError):
        while True:
            line = connection.hear()
            if line.upper() == "STARTTLS":
                connection.say("502 5.5.1 unknown command")
                continue
            behind.sendall(line.encode() + b"\r\n")
    with contextlib.suppress(OSError):
        behind.shutdown(socket.SHUT_RDWR)
