"""8. Virtual machines: QEMU's own user net beside those that QEMU talks to over a stream socket. TCG is the limit, not the translators."""
import json
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import failures_to, widest
from .. import contenders
from ..lab import Failed, await_true, cpu_seconds, end, first_line, listening, load_tool
from ..machines import Machine
from ..session import ECHO, IPERF

ID, TITLE = "vm", "Virtual machines, emulated (QEMU's TCG is the limit)"
REPETITIONS = 1
TABLES = [("gbps", "Throughput of one stream", "Gbit/s", "higher"), ("p50_us", "Median time of a request", "µs", "lower"), ("p99_us", "99th percentile", "µs", "lower"),
          ("cpu_s_per_gb", "CPU time of QEMU and translator together", "s/GB", "lower"), ("translator_s_per_gb", "CPU time of the translator alone", "s/GB", "lower")]
NEEDED = ("qemu-system-x86_64", "busybox", "cpio")
STREAM = "stream,id=n,server=off,addr.type=unix,addr.path={}"


@dataclass
class Net:
    netdev: str
    address: str
    gateway: str
    host: str          # where the guest reaches the host's loopback
    process: object = None


def qemu(folder, mtu):
    return Net("user,id=n", "10.0.2.15/24", "10.0.2.2", "10.0.2.2")


def sluice(folder, mtu):
    path = f"{folder}/vm.sock"
    process = subprocess.Popen([contenders.SLUICE, "serve", "--listen", f"qemu:{path}", "--mtu", str(mtu)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Net(STREAM.format(path), "192.168.65.3/24", "192.168.65.1", "192.168.65.2", process)


def passt(folder, mtu):
    path = f"{folder}/vm.sock"
    os.chmod(folder, 0o777)  # passt of 2023 is that user before it makes its socket; that of 2026 won't be root
    process = subprocess.Popen([str(Path(shutil.which(contenders.PASTA)).with_name("passt")), "--foreground", "--runas", "65534", "--socket", path, "--mtu", str(mtu), "--address", "10.0.2.15", "--netmask", "24",
                                "--gateway", "10.0.2.2", "-t", "none", "-u", "none"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Net(STREAM.format(path), "10.0.2.15/24", "10.0.2.2", "10.0.2.2", process)


def gvproxy(folder, mtu):
    path = f"{folder}/vm.sock"
    process = subprocess.Popen([contenders.GVPROXY, "-listen-qemu", f"unix://{path}", "-mtu", str(mtu)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Net(STREAM.format(path), "192.168.127.2/24", "192.168.127.1", "192.168.127.254", process)


NETS = {"qemu": qemu, "sluice": sluice, "pasta": passt, "gvproxy": gvproxy}


def variants(options):
    return widest(options) if all(map(shutil.which, NEEDED)) else []


def takes(contender, variant):
    return contender.name in NETS and not variant.ipv6


def measure(contender, variant, options, record):
    mtu = variant.mtu if contender.mtus else 1500
    with tempfile.TemporaryDirectory() as folder, connected(NETS[contender.name], folder, mtu) as (net, machine):
        machine.run(f"ip link set eth0 mtu {mtu}; ip addr add {net.address} dev eth0; ip route add default via {net.gateway}")
        for direction, way in (("out", ""), ("in", "-R")):
            with failures_to(record, f"MTU {mtu}, {direction}"):
                throughput(machine, net, way, 2)  # the emulator translates code as it meets it, and sluice compiles
                record(f"MTU {mtu}, {'guest to host' if direction == 'out' else 'host to guest'}", **throughput(machine, net, way, max(2, round(options.seconds))))
        with failures_to(record, f"MTU {mtu}, requests"):
            record(f"MTU {mtu}, TCP requests, 1 connection", **requests(machine, net, max(2, round(options.seconds))))


@contextmanager
def served(start, folder, mtu):
    """A translator that listens at vm.sock in the folder, where it has a process of its own."""
    net = start(folder, mtu)
    try:
        if net.process:
            await_true("the translator's socket", lambda: is_listened_on(f"{folder}/vm.sock") or net.process.poll() is not None, 60)
            if net.process.poll() is not None:
                raise Failed(f"the translator ended with {net.process.returncode}")
        yield net
    finally:
        if net.process:
            end(net.process)


def is_listened_on(path):
    """By the flag of a socket that accepts (/proc/net/unix, proc(5)): its file is there before."""
    return any(line.endswith(f" {path}") and line.split()[3] == "00010000" for line in Path("/proc/net/unix").read_text().splitlines())


@contextmanager
def connected(start, folder, mtu):
    with served(start, folder, mtu) as net:
        machine = Machine(folder, net.netdev, f",host_mtu={mtu}" if mtu > 1500 else "")
        try:
            yield net, machine
        finally:
            machine.close()


def cost(machine, net):
    translator = cpu_seconds(net.process.pid) if net.process else None
    return cpu_seconds(machine.qemu.pid) + (translator or 0), translator


def throughput(machine, net, way, seconds):
    """The server is on the host and counts: its report needs no console."""
    server = subprocess.Popen(["iperf3", "-s", "-1", "-J", "-p", str(IPERF)], stdout=subprocess.PIPE, text=True)
    try:
        await_true("iperf3's server", lambda: listening("self", IPERF))
        before = cost(machine, net)
        machine.run(f"iperf3 -c {net.host} -p {IPERF} -t {seconds} {way} >/tmp/log 2>&1 || {{ cat /tmp/log; false; }}", seconds * 3 + 30)
        after = cost(machine, net)
        text, _ = server.communicate(timeout=20)
    finally:
        end(server)
    found = json.loads(text)["end"]["sum_sent" if way else "sum_received"]
    gigabytes = found["bytes"] / 1e9
    return {"gbps": found["bits_per_second"] / 1e9, "cpu_s_per_gb": (after[0] - before[0]) / gigabytes,
            "translator_s_per_gb": (after[1] - before[1]) / gigabytes if after[1] is not None else None}


def requests(machine, net, seconds):
    echo = subprocess.Popen([load_tool(), "serve", str(ECHO)], stdout=subprocess.PIPE)
    try:
        if not first_line(echo):
            raise Failed("the echo server did not start")
        for t in (1, seconds):
            found = re.search(r"\{.*\}", machine.run(f"load rr tcp {net.host} {ECHO} 1 {t}", t + 30))
    finally:
        end(echo)
    if not found:
        raise Failed("the load generator said nothing")
    r = json.loads(found.group())
    return {"p50_us": r["p50_us"], "p99_us": r["p99_us"]}
