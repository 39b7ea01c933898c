"""3. Datagrams without loss: the highest rate of which less than 0.1 % is lost, found by search."""
from . import failures_to, suffix, widest
from ..session import ECHO, kept

ID, TITLE = "udp", "UDP without loss"
REPETITIONS = 1
TABLES = [("per_s", "Datagrams per second with less than 0.1 % lost", "1/s", "higher"), ("gbps", "The same as throughput", "Gbit/s", "higher"),
          ("cpu_us", "CPU time of the translator per datagram, over the whole search", "µs", "lower")]
variants = widest
SIZES = {64: "64 bytes", 1400: "1,400 bytes", 60000: "60,000 bytes"}
STEP = 0.25


def takes(contender, variant):
    return contender.outward and contender.name not in ("veth", "loopback") and (contender.ipv6 or not variant.ipv6)


def measure(contender, variant, options, record):
    with kept(contender, variant.mtu, ipv6=variant.ipv6, warm_up=options.warm_up) as s:
        for size, words in list(SIZES.items())[:2 if options.quick else 3]:
            for direction, way in (("out", "guest to host"), ("in", "host to guest")):
                row = f"{words}, {way}{suffix(variant)}"
                with failures_to(record, row):
                    before = s.cost()
                    r = s.load("pps", direction, s.address, ECHO, size, min(STEP, options.seconds), timeout=60)
                    values = {"per_s": r["per_s"], "gbps": r["gbps"]}
                    if before is not None and r["came"]:
                        values["cpu_us"] = (s.cost() - before) * 1e6 / r["came"]
                    record(row, **values)
