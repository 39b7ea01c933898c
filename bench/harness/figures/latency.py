"""2. Request-response, connections and names."""
import subprocess

from . import failures_to, suffix, widest
from ..lab import Failed, end, first_line, load_tool
from ..session import ECHO, kept

ID, TITLE = "latency", "Requests, connections, names"
REPETITIONS, SLICES = 2, 3
COMPARED = ("pasta", "sluice")
TABLES = [("p50_us", "Median time of one", "µs", "lower"), ("p99_us", "99th percentile", "µs", "lower"), ("per_s", "Rate", "1/s", "higher"),
          ("cpu_us", "CPU time of the translator per request", "µs", "lower")]
variants = widest


def takes(contender, variant):
    return contender.outward and contender.name != "veth" and (contender.ipv6 or not variant.ipv6)


def measure(contender, variant, options, record):
    with kept(contender, variant.mtu, ipv6=variant.ipv6, warm_up=options.warm_up) as s:
        seconds = options.seconds / SLICES
        requests(s, suffix(variant), seconds, record)
        row = "name lookups, 32 at a time"
        if not variant.ipv6 and options.names and s.running.dns:
            with failures_to(record, row):
                names(s, row, seconds, record)


def requests(s, more, seconds, record):
    for row, what in (("TCP requests, 1 connection", ("rr", "tcp", s.address, ECHO, 1)), ("TCP requests, 64 connections", ("rr", "tcp", s.address, ECHO, 64)),
                      ("UDP requests, 1 socket", ("rr", "udp", s.address, ECHO, 1)), ("UDP requests, 64 sockets", ("rr", "udp", s.address, ECHO, 64)),
                      ("connections, 1 at a time", ("crr", s.address, ECHO, 1)), ("connections, 16 at a time", ("crr", s.address, ECHO, 16))):
        with failures_to(record, row + more):
            s.rehearse(what, lambda seconds: s.load(*what, seconds))
            timed(s, row + more, (*what, seconds), record, timeout=8 + 2 * seconds)


def timed(s, row, what, record, timeout=15):
    before = s.cost()
    r = s.load(*what, timeout=timeout)
    after = s.cost()
    values = {"p50_us": r["p50_us"], "p99_us": r["p99_us"], "per_s": r["per_s"]}
    if before is not None:
        values["cpu_us"] = (after - before) * 1e6 / r["n"]
    record(row, **values)
    if r["lost"]:
        record.note(f"{row}: {r['lost']} of {r['n'] + r['lost']} lost")


def names(s, row, seconds, record):
    server = subprocess.Popen([load_tool(), "dns-serve", "0.0.0.0", "53"], stdout=subprocess.PIPE)
    try:
        if not first_line(server):
            raise Failed("the name server did not start")
        s.load("dns", s.running.dns, 53, 1, 0.1)  # the first answer takes its time
        s.rehearse(("dns", 32), lambda time: s.load("dns", s.running.dns, 53, 32, time))
        timed(s, row, ("dns", s.running.dns, 53, 32, seconds), record)
    finally:
        end(server)
