"""Names that were asked for before: the cache beside dnsmasq's."""
import subprocess

from . import failures_to, widest
from ..lab import Failed, end, first_line, load_tool
from ..session import session

ID, TITLE = "dns", "Names from the cache"
REPETITIONS = 1
TABLES = [("p50_us", "Median time of one", "µs", "lower"), ("p99_us", "99th percentile", "µs", "lower"), ("per_s", "Rate", "1/s", "higher"),
          ("lost", "Without an answer", "", "lower"), ("cpu_us", "CPU time of the server or translator per query", "µs", "lower")]
NAMES = 200
variants = widest


def takes(contender, variant):
    return contender.name in ("dnsmasq", "sluice") and not variant.ipv6


def measure(contender, variant, options, record):
    # The server behind both, whose answers may be kept for an hour: dnsmasq asks it at the one address, Sluice at that of resolv.conf.
    servers = [subprocess.Popen([load_tool(), "dns-serve", address, "53", "3600"], stdout=subprocess.PIPE) for address in ("192.0.2.1", "127.0.0.1")]
    try:
        if not all(first_line(server) for server in servers):
            raise Failed("the name server did not start")
        with session(contender, variant.mtu, warm_up=options.warm_up) as s:
            ask = (s.running.dns, 53)
            s.load("dns", *ask, 8, max(1, options.warm_up), NAMES)
            for row, what in ((f"{NAMES} names, 1 at a time", ("dns", *ask, 1, options.seconds, NAMES)),
                              (f"{NAMES} names, 32 at a time", ("dns", *ask, 32, options.seconds, NAMES)),
                              (f"{NAMES} names, 5,000 a second", ("dns-rate", *ask, 5000, options.seconds, NAMES))):
                with failures_to(record, row):
                    before = s.cost()
                    r = s.load(*what)
                    after = s.cost()
                    values = {"cpu_us": (after - before) * 1e6 / r["n"]} if before is not None else {}
                    record(row, p50_us=r["p50_us"], p99_us=r["p99_us"], per_s=r["per_s"], lost=r["lost"], **values)
    finally:
        for server in servers:
            end(server)
