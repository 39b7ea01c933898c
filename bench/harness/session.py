"""One contender, contacted and warm, with the servers it leads to."""
import atexit
import functools
import json
import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from .lab import Failed, await_true, compiling_seconds, cpu_seconds, end, first_line, listening, load_tool, memory_mb

ECHO, IPERF = 7700, 5201
STEADY = 0.05  # of a processor: what compilers may still take when a rehearsal has gone on for long enough
REHEARSALS = 4  # at most, of one load: compilers are quiet after eight seconds of it
KEPT = {}  # (contender's name, MTU): the session that runs on


class Session:
    """Clients on one side, servers on the other, the contender between them."""

    def __init__(self, running, inbound, rehearsal=0):
        self.running = running
        self.rehearsal = rehearsal
        self.rehearsed = set()
        self.inbound = inbound
        self.client = running.guest.enter if running.guest and not inbound else []
        self.server = running.guest.enter if running.guest and inbound else []
        self.servers = []

    @contextmanager
    def serving(self, ipv6):
        """The servers that it leads to, over one IP version, for the body."""
        self.address = self.running.forwards if self.inbound else self.running.host6 if ipv6 else self.running.host
        try:
            self.serve()
            self.contact()
            yield self
        finally:
            for s in self.servers:
                end(s)
            self.servers = []

    def serve(self):
        self.iperf = subprocess.Popen([*self.server, "iperf3", "-s", "-p", str(IPERF)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        echo = subprocess.Popen([*self.server, load_tool(), "serve", str(ECHO)], stdout=subprocess.PIPE)
        self.servers = [self.iperf, echo]
        if not first_line(echo):
            raise Failed("the echo server did not start")
        await_true("iperf3's server", self.iperf_listens)

    def iperf_listens(self):
        return listening(self.running.guest.pid if self.server else "self", IPERF)

    def contact(self):
        def answered():
            r = subprocess.run([*self.client, load_tool(), "rr", "tcp", self.address, str(ECHO), "1", "0.01"], capture_output=True, timeout=20)
            return r.returncode == 0
        await_true(f"contact with {self.address}", answered)

    def load(self, *arguments, timeout=15, on_host=False):
        """What one run of the load generator reports; on the host it meets no translator."""
        try:
            r = subprocess.run([*([] if on_host else self.client), load_tool(), *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"load {arguments[0]}: no end within {timeout} s") from None
        if r.returncode:
            raise Failed(r.stderr.strip()[:200] or f"load {arguments[0]} ended with {r.returncode}")
        return json.loads(r.stdout)

    def tcp(self, direction, streams, seconds):
        """Runs iperf3 out (client to server), in, or both at once; returns its `end` with the rates of each stream."""
        seconds = max(1, round(seconds))  # iperf3 knows no others
        way = {"out": [], "in": ["-R"], "both": ["--bidir"]}[direction]
        await_true("iperf3's server", self.iperf_listens)  # it makes its listening socket anew after each test
        command = [*self.client, "iperf3", "-c", self.address, "-p", str(IPERF), "-t", str(seconds), "-P", str(streams), "-J", "--connect-timeout", "5000", *way]
        try:
            r = subprocess.run(command, capture_output=True, text=True, timeout=seconds * 2 + 4)
            d = json.loads(r.stdout or "{}")
        except (subprocess.TimeoutExpired, json.JSONDecodeError):
            d = {"error": "no end in time"}
        if "error" in d or not d.get("end", {}).get("sum_received"):
            self.restart_iperf()
            raise Failed(f"iperf3: {d.get('error', 'no result')}")
        return d["end"]

    def restart_iperf(self):
        end(self.iperf)
        self.servers.remove(self.iperf)
        self.iperf = subprocess.Popen([*self.server, "iperf3", "-s", "-p", str(IPERF)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.servers.append(self.iperf)
        await_true("iperf3's server", self.iperf_listens)

    def warm_up(self, seconds):
        """What compiles as it runs has compiled most of it then."""
        if not self.running.process or seconds <= 0:
            return
        until = time.monotonic() + seconds
        self.tcp("out", 1, max(1, round(seconds / 2)))
        self.tcp("in", 1, max(1, round(seconds / 2)))
        while time.monotonic() < until:
            self.load("rr", "tcp", self.address, ECHO, 1, 0.1)

    def rehearse(self, what, load):
        """Runs what is measured next, load(seconds), until what compiles as it runs has compiled it: a steady state is what is compared.

        Once for each `what`: later measurements of it find it compiled."""
        what = (self.address, *what)
        if self.rehearsal <= 0 or what in self.rehearsed:
            return
        pid = self.running.process.pid
        for _ in range(REHEARSALS):
            before, begin = compiling_seconds(pid), time.monotonic()
            load(self.rehearsal)
            if compiling_seconds(pid) - before < STEADY * (time.monotonic() - begin):
                break
        self.rehearsed.add(what)

    @contextmanager
    def meanwhile(self, *command):
        """A client that runs on during the body: (its process, the first line it prints). It ends when its input does."""
        p = subprocess.Popen([*self.client, *map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            yield p
        finally:
            end(p)

    def cost(self):
        return cpu_seconds(self.running.process.pid) if self.running.process else None

    def peak_memory(self):
        return memory_mb(self.running.process.pid, "VmHWM") if self.running.process else None

    def alive(self):
        return not self.running.process or self.running.process.poll() is None


def started(contender, mtu, publish, warm_up):
    return Session(contender.start(mtu, publish), bool(publish), warm_up if contender.compiles else 0)


@contextmanager
def session(contender, mtu, *, inbound=False, ipv6=False, warm_up=2):
    """A contender of its own for the body."""
    s = started(contender, mtu, [ECHO, ECHO + 1, IPERF] if inbound else [], warm_up)
    try:
        with s.serving(ipv6):
            s.warm_up(s.rehearsal)
            yield s
    finally:
        s.running.close()


@contextmanager
def kept(contender, mtu, *, ipv6=False, warm_up=2):
    """A contender that runs on for whoever asks for it next: other figures and repetitions find it warm."""
    if not contender.keeps:
        with session(contender, mtu, ipv6=ipv6, warm_up=warm_up) as s:
            yield s
        return
    key = contender.name, mtu
    s = KEPT.pop(key, None)
    if s and not s.alive():
        s.running.close()
        s = None
    fresh = s is None
    if fresh:
        with as_many_lookups_as_come():
            s = started(contender, mtu, [], warm_up)
    try:
        with s.serving(ipv6):
            if fresh:
                s.warm_up(s.rehearsal)
            yield s
    except BaseException:
        s.running.close()
        raise
    KEPT[key] = s


@atexit.register
def end_kept():
    while KEPT:
        KEPT.popitem()[1].running.close()


@functools.cache
def settings():
    """A folder for the settings of those that run on; gone when this program ends."""
    return tempfile.TemporaryDirectory(prefix="sluice-bench-")


@contextmanager
def as_many_lookups_as_come():
    """Settings for Sluice, which follows them while it runs: its limit of lookups a second is lower than what is asked here."""
    folder = Path(settings().name)
    (folder / "sluice").mkdir(exist_ok=True)
    (folder / "sluice" / "config.yaml").write_text("limits: {dns-queries-per-second: 1000000}\n")
    before = os.environ.get("XDG_CONFIG_HOME")
    os.environ["XDG_CONFIG_HOME"] = str(folder)
    try:
        yield
    finally:
        del os.environ["XDG_CONFIG_HOME"]
        if before is not None:
            os.environ["XDG_CONFIG_HOME"] = before
