"""5. Many flows: what idle ones cost, how busy ones share."""
import json
import math
import subprocess
import time

from . import failures_to, suffix, widest
from .latency import timed
from ..lab import Failed, await_true, first_line, load_tool, memory_mb
from ..session import ECHO, IPERF, session

ID, TITLE = "flows", "Many flows"
REPETITIONS = 1
TABLES = [("p99_us", "99th percentile of a request", "µs", "lower"), ("p50_us", "Median of a request", "µs", "lower"), ("per_s", "Rate", "1/s", "higher"),
          ("gbps", "Throughput of the elephant", "Gbit/s", "higher"), ("rss_added_mb", "Resident memory added", "MB", "lower")]
variants = widest
MICE, EVERY_US, OPENED_WITHIN = 64, 50_000, 8


def takes(contender, variant):
    return contender.outward and contender.name != "veth" and (contender.ipv6 or not variant.ipv6)


def measure(contender, variant, options, record):
    with session(contender, variant.mtu, ipv6=variant.ipv6, warm_up=options.warm_up) as s:
        more = suffix(variant)
        for row, what in ((f"new connections, 64 at a time{more}", ("crr", s.address, ECHO, 64, options.seconds)),
                          (f"1,000 busy connections{more}", ("rr", "tcp", s.address, ECHO, 1000, options.seconds))):
            with failures_to(record, row):
                timed(s, row, what, record)
        for direction, way in (("", "to the host"), ("-R", "to the guest")):
            row = f"64 mice beside an elephant {way}{more}"
            with failures_to(record, row):
                mice(s, row, direction, options, record)
        with failures_to(record, f"{options.idle_flows:,} idle{more}"):
            idle(s, more, options, record)


def mice(s, row, direction, options, record):
    """Requests on a schedule, timed from when they were due, while one stream takes what it can."""
    await_true("iperf3's server", s.iperf_listens)
    seconds = options.seconds + min(1, options.seconds)
    with s.meanwhile("iperf3", "-J", "-c", s.address, "-p", IPERF, "-t", math.ceil(seconds + 0.5), *filter(None, [direction])) as elephant:
        time.sleep(0.5)  # it has left its slow start
        timed(s, row, ("rr", "tcp", s.address, ECHO, MICE, seconds, EVERY_US), record)
        try:
            ended = json.loads(elephant.communicate(timeout=seconds + 10)[0])
            record(row, gbps=ended["end"]["sum_received"]["bits_per_second"] / 1e9)
        except (subprocess.TimeoutExpired, ValueError, KeyError):
            s.restart_iperf()
            raise Failed("the elephant's iperf3 did not end as it should") from None


def idle(s, more, options, record):
    pid = s.running.process.pid if s.running.process else None
    before = memory_mb(pid) if pid else None
    with s.meanwhile(load_tool(), "hold", s.address, ECHO, options.idle_flows) as held:
        said = first_line(held, OPENED_WITHIN)
        if not said:
            raise Failed(f"they could not all be opened, or not within {OPENED_WITHIN} s")
        record(f"opening {options.idle_flows:,} one by one{more}", per_s=json.loads(said)["per_s"])
        if pid:
            time.sleep(1)
            record(f"{options.idle_flows:,} idle{more}", rss_added_mb=memory_mb(pid) - before)
        row = f"requests beside {options.idle_flows:,} idle{more}"
        timed(s, row, ("rr", "tcp", s.address, ECHO, 1, options.seconds), record)
    if pid:
        time.sleep(2)
        record(f"2 s after they were closed{more}", rss_added_mb=memory_mb(pid) - before)
