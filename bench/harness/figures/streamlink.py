"""6. Stream links, from a client in the gateway's process, so that no emulator stands in the way.

bench/streamlink SECONDS prints one JSON object a line, with a row's name and its metrics: {"row": "qemu:, MTU 1500, guest to host", "gbps": …}.
"""
import json
import subprocess

from . import Variant
from ..contenders import ROOT
from ..lab import Failed

REPETITIONS = 1
ID, TITLE = "streamlink", "Stream links, in one process"
TABLES = [("gbps", "Throughput", "Gbit/s", "higher"), ("cpu_s_per_gb", "CPU time of the gateway's loop", "s/GB", "lower"), ("user_s_per_gb", "of that, outside of the kernel", "s/GB", "lower"),
          ("guest_s_per_gb", "CPU time of the client, for comparison", "s/GB", "lower"), ("host_s_per_gb", "CPU time of the host's end, for comparison", "s/GB", "lower"),
          ("bytes_per_frame", "Bytes allocated per frame", "", "lower")]
PROGRAM = ROOT / "bench" / "streamlink"


def variants(options):
    return [Variant(0)]


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
