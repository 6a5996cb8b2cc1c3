# SPDX-License-Identifier: ISC
"""What a server costs: CPU time and memory of a process and everything below it.

CPU time is read from each live process's own CPU clock (nanoseconds) plus what it has inherited
from the children it waited for; a child that ended is thus counted in its parent. Memory is the
proportional set size, so that pages shared between processes count once.
"""
import os
import pathlib
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")
PROCESS_CPU_CLOCK = 2  # CPUCLOCK_SCHED of linux/posix-timers.h


def _fields(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2:].split()


def tree(root):
    """Process ids of root and everything below it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(_fields(entry)[1]), []).append(int(entry))
            except OSError:
                continue
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def runs(pid):
    """False for what has ended, whether or not somebody has waited for it."""
    try:
        return _fields(pid)[0] != "Z"
    except OSError:
        return False


def name_of(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


def _cpu_of(pid):
    fields = _fields(pid)
    waited_for = (int(fields[13]) + int(fields[14])) / TICK
    return time.clock_gettime((~pid << 3) | PROCESS_CPU_CLOCK) + waited_for


def cpu_seconds(root):
    total = 0.0
    for pid in tree(root):
        try:
            total += _cpu_of(pid)
        except OSError:
            continue
    return total


def pss_bytes(root):
    total = 0
    for pid in tree(root):
        try:
            for line in open(f"/proc/{pid}/smaps_rollup"):
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except OSError:
            continue
    return total


def disk_bytes(folder):
    """What the files below a folder occupy on disk."""
    return sum(file.lstat().st_blocks * 512 for file in pathlib.Path(folder).rglob("*")
               if file.is_file())


class PeakMemory:
    """Looks at the memory of a tree twice a second while a block runs."""

    def __init__(self, root):
        self.root, self.peak = root, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self):
        while True:
            self.peak = max(self.peak, pss_bytes(self.root))
            if self._over.wait(0.5):
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
