"""1. TCP throughput with iperf3."""
from . import failures_to, per_mtu, suffix
from ..session import kept

ID, TITLE = "tcp", "TCP throughput"
TABLES = [("gbps", "Throughput", "Gbit/s", "higher"), ("cpu_s_per_gb", "CPU time of the translator", "s/GB", "lower"),
          ("fairness", "Fairness among the streams (Jain's index)", "", "higher"), ("rss_mb", "Peak resident memory after all of it", "MB", "lower")]
variants = per_mtu
WAYS = {"out": "guest to host", "in": "host to guest", "both": "both at once"}


def takes(contender, variant):
    return contender.outward and (contender.ipv6 or not variant.ipv6) and (contender.mtus or variant.first)


def measure(contender, variant, options, record):
    mtus = [variant.mtu] if contender.mtus else options.mtu
    with kept(contender, variant.mtu, ipv6=variant.ipv6, warm_up=options.warm_up) as s:
        for direction in options.directions:
            for streams in counts(options, direction, record.repetition):
                rows = [f"MTU {mtu}, {streams} {'stream' if streams == 1 else 'streams'}, {WAYS[direction]}{suffix(variant)}" for mtu in mtus]
                with failures_to(record, rows[0]):
                    s.rehearse((direction, streams), lambda seconds: s.tcp(direction, streams, seconds))
                    values = throughput(s, direction, streams, options.seconds)
                    for row in rows:
                        record(row, **values)
        for mtu in mtus:
            record(f"MTU {mtu}{suffix(variant)}", rss_mb=s.peak_memory())


def counts(options, direction, repetition):
    """Fewest and most streams always, both ways at once twice; what lies between once, and not both ways at once."""
    if direction == "both" and repetition > 1 and options.capped:
        return []
    return options.streams if direction != "both" and repetition == 0 else sorted({min(options.streams), max(options.streams)})


def throughput(s, direction, streams, seconds):
    before = s.cost()
    end = s.tcp(direction, streams, seconds)
    after = s.cost()
    sums = [end["sum_received"]] + ([end["sum_received_bidir_reverse"]] if direction == "both" else [])
    gigabytes = sum(x["bytes"] for x in sums) / 1e9
    values = {"gbps": sum(x["bits_per_second"] for x in sums) / 1e9}
    if before is not None and gigabytes > 0:
        values["cpu_s_per_gb"] = (after - before) / gigabytes
    if streams > 1:
        ways = {}
        for x in end["streams"]:
            ways.setdefault(x["receiver"].get("sender"), []).append(x["receiver"]["bits_per_second"])
        values["fairness"] = min(map(jain, ways.values()))
    return values


def jain(rates):
    squares = len(rates) * sum(r * r for r in rates)
    return sum(rates) ** 2 / squares if squares else 0
