"""The HTTP proxy beside plain TCP, in the same run: what it costs a stream and a request."""
import json
import subprocess
import sys
from pathlib import Path

from . import failures_to, widest
from ..lab import Failed, end, first_line
from ..session import session

ID, TITLE = "proxy", "The HTTP proxy"
REPETITIONS = 1
TABLES = [("gbps", "Throughput of one stream", "Gbit/s", "higher"), ("share", "Of plain TCP in the same run and direction", "%", "higher"),
          ("p50_us", "Median time of a request", "µs", "lower"), ("p99_us", "99th percentile", "µs", "lower"), ("cpu_us", "CPU time of the translator per request", "µs", "lower")]
PORT, PROXY = 7790, ("192.168.65.1", "3128")
TOOL = str(Path(__file__).resolve().parent.parent.parent / "tools" / "http.py")
variants = widest


def takes(contender, variant):
    return contender.name == "sluice" and not variant.ipv6


def measure(contender, variant, options, record):
    server = subprocess.Popen([sys.executable, TOOL, "serve", str(PORT)], stdout=subprocess.PIPE)
    try:
        if not first_line(server):
            raise Failed("the HTTP server did not start")
        with session(contender, variant.mtu, warm_up=options.warm_up) as s:
            for way in ((), PROXY) if s.rehearsal else ():
                http(s, "rr", way, options.warm_up)
            for way in ((), PROXY, ("tunnel", *PROXY)) if s.rehearsal else ():
                http(s, "stream", way, options.warm_up)
                http(s, "upload", way, options.warm_up)
            plain = {}
            for what, direction in (("stream", "host to guest"), ("upload", "guest to host")):
                for row, way in ((f"plain TCP, {direction}", ()), (f"a body through the proxy, {direction}", PROXY), (f"a tunnel, {direction}", ("tunnel", *PROXY))):
                    with failures_to(record, row):
                        values = http(s, what, way, options.seconds)
                        plain.setdefault(direction, values["gbps"])
                        record(row, gbps=values["gbps"], share=100 * values["gbps"] / plain[direction])
            for row, way in (("requests without the proxy", ()), ("requests through the proxy", PROXY)):
                with failures_to(record, row):
                    before = s.cost()
                    values = http(s, "rr", way, options.seconds)
                    record(row, p50_us=values["p50_us"], p99_us=values["p99_us"], cpu_us=(s.cost() - before) * 1e6 / values["n"])
    finally:
        end(server)


def http(s, what, way, seconds):
    r = subprocess.run([*s.client, sys.executable, TOOL, what, s.address, str(PORT), str(seconds), *way], capture_output=True, text=True, timeout=seconds + 30)
    if r.returncode:
        raise Failed(r.stderr.strip()[-200:] or f"http.py {what} ended with {r.returncode}")
    return json.loads(r.stdout)
