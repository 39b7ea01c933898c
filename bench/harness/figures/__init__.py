"""What is measured, one module a figure. Each has

  ID, TITLE          its name in options and files, and its heading
  TABLES             [(metric, heading, unit, "higher" | "lower" is better)], in the order of the report; the first is drawn
  REPETITIONS        at most so many, unless --repetitions is given (optional)
  COMPARED           contenders that are measured so often, all others once (optional)
  SLICES             of one repetition, with the contenders in turns within each (optional)
  variants(options)  what it is measured under, each with sessions of its own; the run interleaves contenders within a variant
  takes(contender, variant)
  measure(contender, variant, options, record)   one repetition; record(row, metric=value, …) keeps values
"""
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass

from ..lab import Failed


@dataclass
class Variant:
    mtu: int
    ipv6: bool = False
    first: bool = True  # what has no MTU of its own is measured under the first variant only, for all of them


@contextmanager
def failures_to(record, row):
    """A row that cannot be measured is said in the report; the others go on."""
    try:
        yield
    except (Failed, OSError, subprocess.SubprocessError) as e:
        record.failed(row, str(e))


def families(options):
    return (False, True) if options.ipv6 else (False,)


def per_mtu(options):
    return [Variant(mtu, ipv6, i == 0) for ipv6 in families(options) for i, mtu in enumerate(options.mtu)]


def widest(options):
    return [Variant(max(options.mtu), ipv6) for ipv6 in families(options)]


def suffix(variant):
    return ", IPv6" if variant.ipv6 else ""
