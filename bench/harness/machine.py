"""What a run was made on."""
import os
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from . import contenders, lab
from .contenders import ROOT

BUSY = 0.5


def first(*command, pattern=None):
    try:
        r = subprocess.run(command, capture_output=True, text=True, timeout=60)
        text = (r.stdout + r.stderr).strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if pattern:
        found = re.search(pattern, text)
        return found.group(1) if found else ""
    return text.splitlines()[0] if text else ""


def package(name):
    """The Debian package's version, for programs that do not know their own."""
    return first("dpkg-query", "-W", "-f", "${Version}", name, pattern=r"^(\d\S*)")


def peers():
    pasta = first(contenders.PASTA, "--version", pattern=r"^pasta (?!unknown)(\S+)") or (package("passt") if contenders.PASTA == "pasta" else "given by $PASTA")
    return {"loopback": first("iperf3", "--version"), "veth": os.uname().release, "ceiling": first("cc", "--version"),
            "slirp4netns": first(contenders.SLIRP, "--version", pattern=r"version (\S+)"), "pasta": pasta,
            "qemu": first("qemu-system-x86_64", "--version", pattern=r"version (\S+)"), "gvproxy": first(contenders.GVPROXY, "-version", pattern=r"version (\S+)"),
            "rootlesskit": first(contenders.ROOTLESSKIT, "--version", pattern=r"version (\S+)"), "sluice": first(contenders.SLUICE, "--version", pattern=r"(\S+)$")}


def describe():
    """Call it before the measurements: the load average is of the minute before."""
    congestion = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    load = os.getloadavg()[0]
    processors = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()) or [os.uname().machine]
    commit = first("git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD")
    dirty = " and changes" if first("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no") else ""
    return {"date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "commit": commit + dirty, "processor": f"{os.cpu_count()} × {processors[0]}",
            "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB", "kernel": f"{os.uname().sysname} {os.uname().release}",
            "congestion control": lab.CONGESTION or f"{congestion}, as the system has it",
            "load average before": round(load, 2), "busy": load > BUSY, "peers": peers()}
