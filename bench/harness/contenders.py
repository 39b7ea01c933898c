"""How each contender is started, and at which addresses it leads where."""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .lab import Failed, Guest, await_true, compiled, end, ended_if_it_fails, first_line, sh

ROOT = Path(__file__).resolve().parent.parent.parent
SLUICE = os.environ.get("SLUICE", str(ROOT / "sluice"))
PASTA = os.environ.get("PASTA", "pasta")
SLIRP = os.environ.get("SLIRP4NETNS", "slirp4netns")
ROOTLESSKIT = os.environ.get("ROOTLESSKIT", "rootlesskit")
GVPROXY = os.environ.get("GVPROXY", "gvproxy")
QUIETLY = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@dataclass
class Running:
    """A contender at work for one guest."""
    process: object            # the translator; None where there is none
    guest: object              # None: client and server are both on the host
    host: str                  # where the guest reaches the host's loopback
    host6: str | None = None
    dns: str | None = None     # where the guest asks for names
    forwards: str = "127.0.0.1"  # where the host reaches the guest's published ports

    def close(self):
        if self.process:
            end(self.process)
        if self.guest:
            self.guest.close()


def loopback(mtu, publish):
    return Running(None, None, "127.0.0.1", "::1", "127.0.0.1")


def veth(mtu, publish):
    guest = Guest()
    sh("ip", "link", "add", "bench0", "type", "veth", "peer", "name", "eth0", "netns", str(guest.pid))
    for prefix, device, a in (([], "bench0", 1), (guest.enter, "eth0", 2)):
        sh(*prefix, "ip", "link", "set", device, "mtu", str(min(mtu, 65535)), "up")
        sh(*prefix, "ip", "addr", "add", f"198.51.100.{a}/24", "dev", device)
        sh(*prefix, "ip", "addr", "add", f"2001:db8:1::{a}/64", "dev", device, "nodad")
    guest.run("ip", "link", "set", "lo", "up")
    return Running(None, guest, "198.51.100.1", "2001:db8:1::1", "198.51.100.1", "198.51.100.2")


def dnsmasq(mtu, publish):
    running = veth(mtu, publish)
    process = subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-hosts", "--no-resolv", "--server=192.0.2.1", "--listen-address=198.51.100.1",
                                "--bind-interfaces", "--pid-file=", "--user=root", "--cache-size=10000"], **QUIETLY)
    return Running(process, running.guest, running.host, running.host6, running.dns)


def ceiling(mtu, publish):
    guest = Guest()
    process = subprocess.Popen([*guest.enter, compiled("ceiling", "ceiling.c"), f"/proc/{os.getpid()}/ns/net", str(mtu)], stdout=subprocess.PIPE)
    with ended_if_it_fails(process, guest):
        if not first_line(process):
            raise Failed("ceiling did not start")
        for line in ("link set lo up", "addr add 10.0.2.15/24 dev tap0", f"link set tap0 mtu {mtu} up", "route add default via 10.0.2.2"):
            guest.run("ip", *line.split())
    return Running(process, guest, "10.0.2.2", None, "10.0.2.2")


def slirp4netns(mtu, publish):
    guest = Guest()
    api = tempfile.mktemp(suffix=".sock")
    told, tells = os.pipe()
    process = subprocess.Popen([SLIRP, "--configure", f"--mtu={mtu}", "--enable-ipv6", "--api-socket", api, "--ready-fd", str(tells), str(guest.pid), "tap0"], pass_fds=[tells], **QUIETLY)
    with ended_if_it_fails(process, guest):
        os.close(tells)
        os.read(told, 1)
        os.close(told)
        for port in publish:
            for protocol in ("tcp", "udp"):
                ask_slirp(api, {"execute": "add_hostfwd", "arguments": {"proto": protocol, "host_addr": "127.0.0.1", "host_port": port, "guest_port": port}})
    return Running(process, guest, "10.0.2.2", "fd00::2", "10.0.2.3")


def ask_slirp(api, request):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(api)
        s.sendall(json.dumps(request).encode())
        s.shutdown(socket.SHUT_WR)
        answer = json.loads(s.recv(4096))
    if "error" in answer:
        raise Failed(f"slirp4netns: {answer['error']}")


def pasta(mtu, publish):
    guest = Guest()
    ports = ",".join(map(str, publish))
    spec = f"127.0.0.1/{ports}" if publish else "none"
    process = subprocess.Popen([PASTA, "--config-net", "--mtu", str(mtu), "--foreground", "--runas", "0", "--address", "10.0.2.15", "--netmask", "24", "--gateway", "10.0.2.2",
                                "--dns-forward", "10.0.2.3", "-t", spec, "-u", spec, "-T", "none", "-U", "none", str(guest.pid)], **QUIETLY)
    with ended_if_it_fails(process, guest):
        await_true("pasta's interface", lambda: process.poll() is not None or "default" in guest.run("ip", "-4", "route"))
    return Running(process, guest, "10.0.2.2", "2001:db8::fe", "10.0.2.3")


def sluice(mtu, publish):
    guest = Guest()
    forwards = [word for port in publish for suffix in ("", "/udp") for word in ("-p", f"127.0.0.1:{port}:{port}{suffix}")]
    process = subprocess.Popen([SLUICE, "attach", "--netns", guest.namespace, "--mtu", str(mtu), "--configure", "--host-loopback", "--ready-fd", "1", *forwards],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with ended_if_it_fails(process, guest):
        if first_line(process, 120)[:1] != b"1":  # the first start of all builds it
            raise Failed("sluice attach did not become ready")
        gateway = re.search(r"via (\S+)", guest.run("ip", "-4", "route", "show", "default")).group(1)
    return Running(process, guest, gateway.rsplit(".", 1)[0] + ".2", "fd00:5109:5ce::2", gateway)


def lan(mtu, publish):
    guest = Guest()
    process = subprocess.Popen([str(ROOT / "bench" / "lan"), guest.namespace, str(mtu), "10.0.2.2/24"], stdout=subprocess.PIPE)
    with ended_if_it_fails(process, guest):
        if not first_line(process, 300).startswith(b"ready"):  # the first start of all builds it
            raise Failed("bench/lan did not become ready")
        for line in ("link set lo up", "addr add 10.0.2.15/24 dev tap0", f"link set tap0 mtu {mtu} up"):
            guest.run("ip", *line.split())
    return Running(process, guest, "10.0.2.2")


def rootlesskit(mtu, publish):
    state = tempfile.mkdtemp()
    forwards = [word for port in publish for protocol in ("tcp", "udp") for word in ("-p", f"127.0.0.1:{port}:{port}/{protocol}")]
    process = subprocess.Popen([ROOTLESSKIT, "--state-dir", state, "--net=slirp4netns", f"--mtu={mtu}", "--port-driver=builtin", *forwards, "sh", "-c", f"echo $$ >{state}/bench; exec sleep 3600"], **QUIETLY)
    there = Path(state) / "bench"
    with ended_if_it_fails(process):
        child = Path(state) / "child_pid"  # written beside the command's start, not before it
        await_true("rootlesskit's child", lambda: all(f.exists() and f.read_text().strip() for f in (there, child)) or process.poll() is not None)
        if process.poll() is not None:
            raise Failed(f"rootlesskit ended with {process.returncode}")
        return Running(process, Guest(int(child.read_text())), "10.0.2.2")


@dataclass
class Contender:
    name: str
    start: object
    needs: str          # the command without which it is left out
    about: str
    mtus: bool = True   # False: its MTU is its own affair, one row for all
    ipv6: bool = True
    outward: bool = True
    inward: bool = True
    compiles: bool = False  # as it runs: it is given traffic first
    figures: tuple = ()     # the only ones it takes part in; none: all that suit it
    keeps: bool = True      # may run on beside others of its kind
    asked: bool = False     # only where --only names it
    repetitions: int = 9    # at most, where their number was not given: less for those who only show where the others are

    @property
    def present(self):
        return shutil.which(self.needs) is not None


ALL = {c.name: c for c in (
    Contender("loopback", loopback, "iperf3", "client and server on the host: no translation at all", mtus=False, repetitions=2),
    Contender("veth", veth, "ip", "the kernel alone: a veth pair, which needs root", keeps=False, repetitions=1),
    Contender("dnsmasq", dnsmasq, "dnsmasq", "dnsmasq behind a veth pair, with a cache for 10,000 names", mtus=False, outward=False, inward=False),
    Contender("ceiling", ceiling, "cc", "bench/tools/ceiling.c: a lossless forwarder in C without protocol work", ipv6=False, inward=False),
    Contender("slirp4netns", slirp4netns, SLIRP, "libslirp; forwards by its API socket", repetitions=1),
    Contender("pasta", pasta, PASTA, "passt's namespace mode; for virtual machines passt itself", repetitions=2),
    Contender("rootlesskit", rootlesskit, ROOTLESSKIT, "its builtin port driver, for forwards only", outward=False, ipv6=False),
    Contender("qemu", None, "qemu-system-x86_64", "QEMU's own user net (libslirp), for virtual machines only", mtus=False, outward=False, inward=False),
    Contender("gvproxy", None, GVPROXY, "of gvisor-tap-vsock, for virtual machines only", outward=False, inward=False),
    Contender("lan", lan, "ip", "module net, the library's host stack, as iperf3's server on the TAP itself", ipv6=False, inward=False, compiles=True, figures=("tcp",), asked=True),
    Contender("sluice", sluice, SLUICE, "sluice attach; for virtual machines sluice serve", compiles=True),
)}
