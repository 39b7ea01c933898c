"""4. Inbound forwards: a client on the host, the server in the guest."""
import itertools

from . import failures_to, latency, per_mtu, tcp
from ..session import ECHO, session

ID, TITLE = "forwards", "Inbound forwards"
REPETITIONS, ROUNDS = 1, 2  # a contender is started, and warmed up, for each repetition: what is measured twice is so by the same one
TABLES = [*tcp.TABLES[:2], *latency.TABLES]
WAYS = {"out": "host to guest", "in": "guest to host"}


def variants(options):
    return [v for v in per_mtu(options) if not v.ipv6]


def takes(contender, variant):
    return contender.inward and contender.name != "veth" and (contender.mtus or variant.first)


def measure(contender, variant, options, record):
    mtus = [variant.mtu] if contender.mtus else options.mtu
    with session(contender, variant.mtu, inbound=True, warm_up=options.warm_up) as s:
        few = [n for n in options.streams if n < 64]
        rounds = min(ROUNDS, contender.repetitions, options.repetitions) if options.capped else 1
        for _, direction, streams in itertools.product(range(rounds), WAYS, few):
            rows = [f"MTU {mtu}, {streams} {'stream' if streams == 1 else 'streams'}, {WAYS[direction]}" for mtu in mtus]
            with failures_to(record, rows[0]):
                s.rehearse((direction, streams), lambda seconds: s.tcp(direction, streams, seconds))
                values = tcp.throughput(s, direction, streams, options.seconds)
                for row in rows:
                    record(row, **values)
        if max(mtus) == max(options.mtu) and record.repetition == 0:
            latency.requests(s, "", options.seconds, record)
