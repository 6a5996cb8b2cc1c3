# SPDX-License-Identifier: ISC
"""The machine "client": swaks as the mail program of a user, smtplib where many messages are
sent, and a raw conversation where every byte matters.
"""
import re
import smtplib
import socket
import ssl




def message(sender, recipient, canary, **headers):
    """A short message with the canary in its subject and its body."""
    lines = [f"From: <{sender}>", f"To: <{recipient}>", f"Subject: {canary}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", f"The word is {canary}.", ""])


class Conversation:
    """SMTP word by word, and byte by byte where needed. Replies are text, lines joined by \\n."""

    def __init__(self, machine, host, port=25, timeout=30):
        self.sock = machine.connect(host, port, timeout)
        self.reader = self.sock.makefile("rb")
        self.written = []

    def hear(self):
        """The next reply; "" when the other side has closed."""
        lines = []
        while True:
            try:
                line = self.reader.readline().decode("utf-8", "replace").rstrip("\r\n")
            except (ConnectionError, ssl.SSLError):
                line = ""
            if not line:
                return "\n".join(lines)
            lines.append(line)
            if line[3:4] != "-":
                self.written += [f"S: {text}" for text in lines]
                return "\n".join(lines)

    def send(self, data):
        """Bytes as they are, unasked and unanswered."""
        self.written.append(f"C: {data!r}")
        try:
            self.sock.sendall(data)
        except ConnectionError:
            pass

    def say(self, line):
        self.written.append(f"C: {line}")
        try:
            self.sock.sendall(line.encode() + b"\r\n")
        except ConnectionError:
            return ""
        return self.hear()

    def seal(self, context):
        """STARTTLS and a handshake; EHLO is left to the caller."""
        reply = self.say("STARTTLS")
        assert reply.startswith("220"), reply
        self.handshake(context)

    def handshake(self, context):
        self.sock = context.wrap_socket(self.sock, server_hostname=context.name)
        self.reader = self.sock.makefile("rb")

    def closed(self):
        """Has the other side ended the conversation, with nothing more said?"""
        try:
            return self.sock.recv(1) == b""
        except ConnectionError:
            return True
        except socket.timeout:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reader.close()
        self.sock.close()


class Client:
    def __init__(self, world):
        self.authority = world.authority
        self.machine = world.machine("client", tree="swaks")
        self.machine.write("/etc/lab/ca.pem", world.authority.file.read_text())

    def context(self, name):
        """Checks the server's certificate, as a mail program does."""
        context = ssl.create_default_context(cafile=self.authority.file)
        context.name = name
        return context

    def talk(self, host, port=25, timeout=30):
        return Conversation(self.machine, host, port, timeout)

    def smtp(self, host, port, name, timeout=30):
        """A connected smtplib client: implicit TLS on 465, STARTTLS elsewhere."""
        context = self.context(name)
        with self.machine.network():
            if port == 465:
                sock = smtplib.SMTP_SSL(timeout=timeout, context=context,
                                        local_hostname="client.test")
                sock._host = name
                sock.connect(host, port)
                return sock
            sock = smtplib.SMTP(timeout=timeout, local_hostname="client.test")
            sock._host = name
            sock.connect(host, port)
            sock.starttls(context=context)
            return sock

    def swaks(self, *options, data=None):
        """swaks's transcript and its exit status (0 sent, 24 RCPT refused, 26 DATA refused...)."""
        options = list(options)
        if data is not None:
            options += ["--data", "-"]
        done = self.machine.run("swaks", "--helo", "client.test", "--timeout", "20",
                                "--tls-ca-path", "/etc/lab/ca.pem", *options,
                                stdin=data or "", check=False)
        return Transcript(done.stdout, done.returncode)


class Transcript(str):
    """What swaks printed. `status` is its exit status."""

    def __new__(cls, text, status):
        made = super().__new__(cls, text)
        made.status = status
        return made

    def replies(self, code):
        """All replies that begin with the code, e.g. '550 5.7.10 ...'."""
        return [m[2] for m in re.finditer(r"^<(~|-|\*)[*~<-]? +(.*)$", self, re.M)
                if m[2].startswith(code)]
