"""7. What a start takes, and what it costs to stand idle."""
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from . import Variant, failures_to
from .. import contenders
from ..lab import Failed, await_true, context_switches, cpu_seconds, end, memory_mb
from ..session import session

ID, TITLE = "start", "Start, and standing idle"
REPETITIONS = 1
TABLES = [("ms", "Time", "ms", "lower"), ("wakeups_per_s", "Wake-ups (context switches of all threads)", "1/s", "lower"), ("cpu_ms_per_s", "CPU time while idle", "ms/s", "lower"),
          ("rss_mb", "Resident memory", "MB", "lower")]
HTTP, STARTS = 8099, 5
SETTLED, RESTED = 6, 5  # seconds, until what starting, and a load, needed has been given back by who compiles

RUN = {  # contender: (a command in a network of its own, where that reaches the host's loopback)
    "pasta": ([contenders.PASTA, "--config-net", "--quiet", "--runas", "0", "--address", "10.0.2.15", "--netmask", "24", "--gateway", "10.0.2.2", "-t", "none", "-u", "none", "-T", "none", "-U", "none", "--"], "10.0.2.2"),
    "rootlesskit": ([contenders.ROOTLESSKIT, "--net=slirp4netns"], "10.0.2.2"),
    "sluice": ([contenders.SLUICE, "run", "--host-loopback", "--"], "192.168.65.2"),
}


def variants(options):
    return [Variant(max(options.mtu))]


def takes(contender, variant):
    return contender.name in RUN


def measure(contender, variant, options, record):
    command, host = RUN[contender.name]
    with failures_to(record, "starts"), web_server() as answered:
        for row, inside in (("a command that does nothing", ["true"]), ("to the first byte (curl of a local server)", ["curl", "-s", "-m", "20", f"http://{host}:{HTTP}/"])):
            for i in range(1 + (1 if options.quick else STARTS)):
                took = run(command + inside, answered if inside[0] == "curl" else None)
                if i:  # the first found cold files
                    record(row, ms=took)
    if contender.outward and record.repetition == 0:
        with failures_to(record, "standing idle"), session(contender, variant.mtu, warm_up=0) as s:
            standing(s, contender.compiles, options, record)
    if contender.name == "sluice" and record.repetition == 0:
        with failures_to(record, "serving nobody"):
            serving(options, record)


def run(command, answered):
    """Milliseconds from the start of the command to its end, or to when the server had the request."""
    begin = time.monotonic()
    r = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    took = time.monotonic() - begin
    if r.returncode or (answered is not None and r.stdout != "first byte\n"):
        raise Failed(f"{' '.join(command)} ended with {r.returncode}: {r.stderr.strip()[-200:]}")
    return (answered[-1] - begin if answered else took) * 1000


@contextmanager
def web_server():
    answered = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "11")
            self.end_headers()
            self.wfile.write(b"first byte\n")
            answered.append(time.monotonic())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", HTTP), Answer)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    try:
        yield answered
    finally:
        server.shutdown()
        server.server_close()


def serving(options, record):
    """`sluice serve` that waits for a virtual machine."""
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "vm.sock"
        process = subprocess.Popen([contenders.SLUICE, "serve", "--listen", f"qemu:{socket}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            await_true("sluice serve", socket.exists, 60)
            time.sleep(1)
            still(process.pid, "serving nobody", options, record)
            record("memory, serving nobody", rss_mb=memory_mb(process.pid))
        finally:
            end(process)


def standing(s, compiles, options, record):
    pid = s.running.process.pid
    time.sleep(SETTLED if compiles else 1)
    still(pid, "fresh", options, record)
    record("memory, fresh", rss_mb=memory_mb(pid))
    peak = []
    for direction in ("out", "in"):
        s.tcp(direction, 8, 1 if options.quick else max(2, options.seconds))
        peak.append(memory_mb(pid))
    record("memory, straight after 8 streams each way", rss_mb=max(peak))
    time.sleep(RESTED if compiles and not options.quick else 2)
    still(pid, "after load", options, record)
    record("memory, some seconds after load", rss_mb=memory_mb(pid))
    record("memory, peak", rss_mb=memory_mb(pid, "VmHWM"))


def still(pid, when, options, record):
    switches, cpu, begin = context_switches(pid), cpu_seconds(pid), time.monotonic()
    time.sleep(options.idle)
    took = time.monotonic() - begin
    record(f"idle for {options.idle} s, {when}", wakeups_per_s=(context_switches(pid) - switches) / took, cpu_ms_per_s=(cpu_seconds(pid) - cpu) * 1000 / took)
