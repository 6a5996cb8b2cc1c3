# SPDX-License-Identifier: ISC
"""What is measured. Each scenario is one run against one server and answers a dict of figures;
bench/run repeats it, changes between the servers, and takes medians.

CPU per message is that of the server's whole process tree, from before the first byte until the
server has nothing left to do.
"""
import time

from measure import PeakMemory, disk_bytes, pss_bytes
from servers import SIGNED, eventually, file_names, read_times

PATIENCE = 120


def check(result, messages):
    if result["errors"] or result["messages"] != messages:
        raise RuntimeError(f"{result['messages']} of {messages} messages were taken: "
                           f"{result['first_error']}")


def figures(server, result, before, after, messages, memory):
    return {"cpu_ms": (after - before) * 1000 / messages, "rate": result["rate"],
            "p50_ms": result["latency_ms"]["p50"], "p99_ms": result["latency_ms"]["p99"],
            "peak_mb": memory.peak / 1e6}


def accept(bench, server, messages, per_connection=1, size=4096, connections=50):
    """Take messages and keep them in the queue; nothing is delivered meanwhile."""
    server.pause_delivery()
    before = server.settle()
    with PeakMemory(server.pid) as memory:
        result = bench.load(server.hold, messages=messages, per_connection=per_connection,
                            size=size, connections=connections)
    after = server.settle()
    server.resume_delivery()
    check(result, messages)
    return figures(server, result, before, after, messages, memory)


def deliver(bench, server, messages, per_connection=1, size=4096, connections=50):
    """Take messages and deliver them into a local Maildir."""
    there = len(file_names(server.maildir()))
    before = server.settle()
    with PeakMemory(server.pid) as memory:
        result = bench.load(server.receive, messages=messages, per_connection=per_connection,
                            size=size, connections=connections)
        eventually(lambda: len(file_names(server.maildir())) >= there + messages, PATIENCE,
                   f"{messages} messages in {server.maildir()}", every=0.05)
    after = server.settle()
    check(result, messages)
    server.resume_delivery()
    return figures(server, result, before, after, messages, memory)


def policy(bench, server, messages, turns=4):
    """What policy and DNS cost with warm caches: mail under dane-only to a signed domain beside mail
    under encrypt to one that publishes nothing, in turns; the host and its sink are the same."""
    if not server.nameserver:
        raise RuntimeError("no signed zone: it takes root and NSD's Debian package")
    strict = {"to": f"u%d@{SIGNED}", "sender": server.strict.replace("@", "@secure."),
              "auth": f"{server.strict}:{server.password}"}
    cpu = {"encrypt": [], "dane": []}
    for turn in range(turns + 1):
        for name, more in (("encrypt", {"to": "u%d@new.test"}), ("dane", strict)):
            cpu[name].append(relay(bench, server, messages, **more)["cpu_ms"])
    encrypt, dane = (sum(values[1:]) / turns for values in cpu.values())  # the first warms up
    return {"cpu_ms": dane, "encrypt_cpu_ms": encrypt, "ratio": dane / encrypt}


def relay(bench, server, messages, to, rate=0, sender=None, auth=None):
    """Submit over connections that are open already; relay to the sink with TLS. The figures are
    about the way from the first MAIL to the last arrival."""
    times = bench.home / "submitted"
    sink = bench.sealed if to.endswith("reuse.test") else bench.once
    earlier = sink.read()
    there = earlier["messages"]
    with bench.warm_load(server.relay, messages=messages, per_connection=messages,
                         connections=20, to=to, sender=sender or server.sender,
                         auth=auth or server.auth, rate=rate, times=times) as load, PeakMemory(server.pid) as memory:
        before = server.settle()
        start = load.go()
        result = load.result()
        eventually(lambda: sink.arrived() >= there + messages, PATIENCE,
                   f"{messages} messages at the sink")
    after = server.settle()
    check(result, messages)
    later = sink.read()
    end, connections = later["last_ns"], later["connections"] - earlier["connections"]
    arrivals = sink.arrivals()
    waits = sorted((arrivals[number] - at) / 1e6 for number, at in read_times(times).items())
    answer = figures(server, result, before, after, messages, memory)
    answer.update({"rate": messages / ((end - start) / 1e9), "sink_connections": connections,
                   "p50_ms": waits[len(waits) // 2], "p99_ms": waits[len(waits) * 99 // 100]})
    return answer


def letter(bench, server):
    """Seconds from a submission to a neighbour without TLS until the letter is in the mailbox."""
    there = file_names(server.maildir())
    load = bench.load(server.relay, messages=1, connections=1, to="u%d@plain.test",
                      sender=server.sender, auth=server.auth)
    start = time.monotonic()
    check(load, 1)
    eventually(lambda: file_names(server.maildir()) - there, 30, "a letter")
    return {"seconds": time.monotonic() - start}


def idle(bench, server, sessions):
    """Memory of all processes, just started, while so many TLS sessions are open and silent."""
    server.stop()
    server.start()
    before = pss_bytes(server.pid)
    with bench.idle_load(server.receive, sessions) as load:
        opened = load.result()
        time.sleep(2)
        full = pss_bytes(server.pid)
    if opened["open"] != sessions:
        raise RuntimeError(f"{opened['open']} of {sessions} sessions: {opened['first_error']}")
    return {"pss_mb": full / 1e6, "kib_per_session": (full - before) / 1024 / sessions,
            "open_seconds": opened["seconds"]}


def fill(bench, server, messages):
    result = bench.load(server.relay, messages=messages, per_connection=messages, connections=50,
                        to="u%d@down.test", sender=server.sender, auth=server.auth, warm=True)
    check(result, messages)
    return result


def down(bench, server, messages):
    """Take mail for a destination that is down; disk after an orderly stop, from an empty queue."""
    server.fresh()
    before = sum(disk_bytes(folder) for folder in server.queue_folders())
    cpu = server.settle()
    result = fill(bench, server, messages)
    cpu = server.settle() - cpu
    server.stop()
    after = sum(disk_bytes(folder) for folder in server.queue_folders())
    server.start()
    return {"seconds": result["seconds"], "rate": result["rate"],
            "disk_kib": (after - before) / 1024 / messages, "cpu_ms": cpu * 1000 / messages}


def restart(bench, server, queued):
    """With so many messages in the queue: seconds from start to a greeting and to the 250 of the
    first message."""
    while (held := server.held()) < queued:
        fill(bench, server, min(20000, queued - held))
    server.stop()
    start = time.monotonic()
    server.launch()
    with PeakMemory(server.pid) as memory:
        server.greets()
        greeted = time.monotonic() - start
        check(bench.load(server.receive, messages=1, connections=1), 1)
        taken = time.monotonic() - start
        time.sleep(3)
    return {"seconds": greeted, "first_message_seconds": taken, "peak_mb": memory.peak / 1e6}
