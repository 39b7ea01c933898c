"""Namespaces, processes, and what processes cost."""
import atexit
import os
import re
import resource
import select
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent / "tools"
TICKS = os.sysconf("SC_CLK_TCK")
CONGESTION = None  # the kernels' congestion control; the system's own if None


class Failed(Exception):
    """A measurement that could not be made; says why."""


def sh(*command, timeout=30):
    """Runs a command that must succeed; returns what it printed."""
    r = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if r.returncode:
        raise Failed(f"{' '.join(command)}: ended with {r.returncode}: {(r.stderr or r.stdout).strip()[:300]}")
    return r.stdout


def compiled(name, *sources):
    """A C program of tools/, compiled unless that is done already."""
    files = [TOOLS / s for s in sources]
    exe = Path(tempfile.gettempdir()) / f"sluice-bench-{os.getuid()}-{name}"
    newest = max(f.stat().st_mtime for f in [*files, *TOOLS.glob("*.h")])
    if not exe.exists() or exe.stat().st_mtime < newest:
        fresh = exe.with_name(f"{exe.name}.{os.getpid()}")
        sh("cc", "-O2", "-o", str(fresh), *map(str, files), timeout=120)
        fresh.rename(exe)
    return str(exe)


def load_tool():
    return compiled("load", "load.c", "load-serve.c", "load-latency.c", "load-datagrams.c")


def start_of_the_host():
    """Furnishes the namespaces we are in: loopback, an uplink that leads nowhere, a resolver file naming our own name server."""
    for line in """link set lo up
                   link add up0 type veth peer name up1
                   addr add 192.0.2.1/24 dev up0
                   addr add 2001:db8::1/64 dev up0 nodad
                   link set up0 up
                   link set up1 up
                   route add default via 192.0.2.254 dev up0
                   -6 route add default via 2001:db8::fe dev up0""".splitlines():
        sh("ip", *line.split())
    kernel_settings([])
    for file in ("/etc/subuid", "/etc/subgid"):  # rootlesskit maps such ranges, for root too
        replaced(file, "root:100000:65536\n")
    return replaced("/etc/resolv.conf", "nameserver 127.0.0.1\n")


def many_descriptors():
    """For the translators, which inherit it: a flow takes one."""
    try:
        most = int(Path("/proc/sys/fs/nr_open").read_text())
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (OSError, ValueError):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def replaced(file, text):
    """Other contents for the file, in our mount namespace only; says whether that was possible."""
    with tempfile.NamedTemporaryFile("w", prefix="sluice-bench-", delete=False) as f:
        f.write(text)
    os.chmod(f.name, 0o644)
    atexit.register(os.unlink, f.name)  # not before: nothing could be mounted over it again
    try:
        sh("mount", "--bind", f.name, file)
        return True
    except Failed:
        return False


def kernel_settings(prefix):
    """The same for every contender, at both ends: short connections leave many ports in TIME-WAIT; how TCP sends is what was asked for."""
    congestion = f"; echo {CONGESTION} >tcp_congestion_control" if CONGESTION else ""
    subprocess.run([*prefix, "sh", "-c", f"cd /proc/sys/net/ipv4; echo 10000 65000 >ip_local_port_range; echo 1 >tcp_tw_reuse{congestion}"], capture_output=True)


@contextmanager
def ended_if_it_fails(*started):
    """What was started for a contender does not outlive its failure to start."""
    try:
        yield
    except BaseException:
        for s in started:
            s.close() if isinstance(s, Guest) else end(s)
        raise


class Guest:
    """A network namespace, seen through a process in it."""

    def __init__(self, pid=None):
        self.holder = None
        if pid is None:
            self.holder = subprocess.Popen(["unshare", "--map-root-user", "--net", "sh", "-c", "echo; exec sleep 3600"], stdout=subprocess.PIPE)
            self.holder.stdout.readline()
            pid = self.holder.pid
        self.pid = pid
        self.namespace = f"/proc/{pid}/ns/net"
        self.enter = ["nsenter", f"--net={self.namespace}"]
        kernel_settings(self.enter)

    def run(self, *command, timeout=30):
        return sh(*self.enter, *command, timeout=timeout)

    def close(self):
        if self.holder:
            end(self.holder)


def end(process, patience=5):
    """Ends a program that we started, and what it started."""
    rest = []
    if process.poll() is None:
        for pid in family(process.pid)[1:]:
            try:
                rest.append(os.pidfd_open(pid))
            except OSError:
                pass
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for descriptor in rest:
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.close(descriptor)
    for stream in (process.stdout, process.stdin):
        if stream:
            stream.close()


def first_line(process, patience=20):
    """What a program says when it is ready; '' where it ended or said nothing in time."""
    ready, _, _ = select.select([process.stdout], [], [], patience)
    return process.stdout.readline() if ready else b""


def listening(pid, port):
    """Says whether anything in the namespace of the process listens on the TCP port."""
    text = "".join(Path(f"/proc/{pid}/net/{f}").read_text() for f in ("tcp", "tcp6"))
    return re.search(rf":{port:04X} [0-9A-F:]+ 0A ", text) is not None


def await_true(what, condition, patience=20):
    until = time.monotonic() + patience
    while not condition():
        if time.monotonic() > until:
            raise Failed(f"{what}: not within {patience} s")
        time.sleep(0.02)


def family(pid):
    """The process and all that descend from it."""
    children = {}
    for p in Path("/proc").iterdir():
        if p.name.isdigit():
            try:
                children.setdefault(int((p / "stat").read_text().rsplit(")", 1)[1].split()[1]), []).append(int(p.name))
            except OSError:
                pass
    found = [pid]
    for p in found:
        found += children.get(p, [])
    return found


def cpu_seconds(pid):
    """User and system time of the process, its threads and its descendants, the ended ones too."""
    total = 0
    for p in family(pid):
        try:
            total += sum(map(int, Path(f"/proc/{p}/stat").read_text().rsplit(")", 1)[1].split()[11:15]))
        except OSError:
            pass
    return total / TICKS


def compiling_seconds(pid):
    """The same of a JVM's compiler threads only."""
    total = 0
    for p in family(pid):
        for thread in Path(f"/proc/{p}/task").glob("*/stat"):
            try:
                name, rest = thread.read_text().rsplit(")", 1)
                total += sum(map(int, rest.split()[11:13])) if "CompilerThre" in name else 0
            except OSError:
                pass
    return total / TICKS


def memory_mb(pid, which="VmRSS"):
    """Resident memory now (VmRSS) or its peak (VmHWM), summed over the process and its descendants."""
    total = 0
    for p in family(pid):
        try:
            found = re.search(rf"{which}:\s+(\d+)", Path(f"/proc/{p}/status").read_text())
            total += int(found.group(1)) if found else 0
        except OSError:
            pass
    return total / 1024


def context_switches(pid):
    total = 0
    for p in family(pid):
        for status in Path(f"/proc/{p}/task").glob("*/status"):
            try:
                total += sum(map(int, re.findall(r"voluntary_ctxt_switches:\s+(\d+)", status.read_text())))
            except OSError:
                pass
    return total
