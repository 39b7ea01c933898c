"""6. Stream links, from a client that is no emulator: in the gateway's process, and for whoever serves QEMU's framing in a process of its own.

bench/streamlink SECONDS prints one JSON object a line, with a row's name and its metrics: {"row": "qemu:, MTU 1500, guest to host", "gbps": …}.
"""
import json
import subprocess
import tempfile

from . import Variant, failures_to
from .vm import NETS, served
from ..contenders import ROOT
from ..lab import Failed

REPETITIONS = 1
ID, TITLE = "streamlink", "Stream links"
TABLES = [("gbps", "Throughput", "Gbit/s", "higher"), ("cpu_s_per_gb", "CPU time of the gateway's loop, or of the other process", "s/GB", "lower"), ("user_s_per_gb", "of that, outside of the kernel", "s/GB", "lower"),
          ("guest_s_per_gb", "CPU time of the client, for comparison", "s/GB", "lower"), ("host_s_per_gb", "CPU time of the host's end, for comparison", "s/GB", "lower"),
          ("repeated_mb", "What had to be sent again, as it was dropped or came after what was", "MB", "lower"), ("bytes_per_frame", "Bytes allocated per frame", "", "lower")]
PROGRAM = ROOT / "bench" / "streamlink"


def variants(options):
    return [Variant(0)]


def takes(contender, variant):
    return contender.name in NETS and contender.name != "qemu"  # whose own net is no stream


def build():
    """The client, unless it is built already; for that, Maven may need the network."""
    r = subprocess.run(["bash", "-c", 'home=$1; . "$home/bench/tools/module.sh"', "bash", str(ROOT)], capture_output=True, text=True)
    if r.returncode:
        raise Failed(f"bench/streamlink: {r.stderr.strip()[-300:]}")


def measure(contender, variant, options, record):
    if contender.name == "sluice":
        rows([str(options.seconds)], record)
    for mtu in options.mtu:
        with failures_to(record, f"another process, MTU {mtu}"), tempfile.TemporaryDirectory() as folder, served(NETS[contender.name], folder, mtu) as net:
            rows([str(options.seconds), f"at={folder}/vm.sock", f"guest={net.address.split('/')[0]}", f"gateway={net.gateway}", f"host={net.host}", f"mtu={mtu}", f"pid={net.process.pid}"], record)


def rows(words, record):
    try:
        r = subprocess.run([str(PROGRAM), *words], capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        raise Failed("bench/streamlink did not end within 180 s") from None
    if r.returncode:
        raise Failed(f"bench/streamlink ended with {r.returncode}: {r.stderr.strip()[-300:]}")
    for line in filter(None, r.stdout.splitlines()):
        values = json.loads(line)
        row = values.pop("row")
        if values["gbps"] > 0:
            record(row, **values)
        else:
            record.failed(row, "nothing arrived in this time")
