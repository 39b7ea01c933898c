"""6. Stream links, from a client in the same process: another program's measurements, taken in if it is there.

bench/streamlink SECONDS prints one JSON object a line: {"row": "qemu:, MTU 1500, guest to host", "gbps": 5.1, "cpu_s_per_gb": 0.6}.
"""
import json
import subprocess

from . import Variant
from ..contenders import ROOT
from ..lab import Failed

REPETITIONS = 1
ID, TITLE = "streamlink", "Stream links, in one process"
TABLES = [("gbps", "Throughput", "Gbit/s", "higher"), ("cpu_s_per_gb", "CPU time", "s/GB", "lower"), ("bytes_per_frame", "Bytes allocated per frame", "", "lower")]
PROGRAM = ROOT / "bench" / "streamlink"


def variants(options):
    return [Variant(0)] if PROGRAM.exists() else []


def takes(contender, variant):
    return contender.name == "sluice"


def measure(contender, variant, options, record):
    try:
        r = subprocess.run([str(PROGRAM), str(options.seconds)], capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        raise Failed("bench/streamlink did not end within 180 s") from None
    if r.returncode:
        raise Failed(f"bench/streamlink ended with {r.returncode}: {r.stderr.strip()[-300:]}")
    for line in filter(None, r.stdout.splitlines()):
        values = json.loads(line)
        record(values.pop("row"), **values)
