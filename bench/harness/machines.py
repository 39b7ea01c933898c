"""Virtual machines: QEMU without KVM, Debian's cloud kernel, and an initial file system that runs what it reads from its console."""
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .lab import Failed, end, load_tool, sh

CACHE = Path("/var/tmp/sluice-it")  # shared with the integration tests (GuestKernel), in the same form
PACKAGE = "linux-image-cloud-amd64"
MODULES = ("drivers/virtio/virtio_ring", "drivers/virtio/virtio", "drivers/virtio/virtio_pci_modern_dev", "drivers/virtio/virtio_pci_legacy_dev",
           "drivers/virtio/virtio_pci", "net/core/failover", "drivers/net/net_failover", "drivers/net/virtio_net")
DONE = "@done "

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
stty -echo
for m in $(cat /m/order); do insmod /m/$m; done
ip link set lo up; ip link set eth0 up
echo; echo '@done 0'
while read -r line; do eval "$line"; echo; echo "@done $?"; done
poweroff -f
"""


def kernel():
    """The folder with Debian's kernel and the modules of its network card; fetched once with apt."""
    CACHE.mkdir(exist_ok=True)
    if CACHE.stat().st_uid != os.getuid():
        raise Failed(f"{CACHE} belongs to another user")
    found = sorted(f for f in CACHE.iterdir() if (f / "vmlinuz").exists())
    return found[-1] if found else fetched()


def fetched():
    name = re.search(r"Depends: (linux-image-\S+)", sh("apt-cache", "depends", PACKAGE))
    if not name:
        raise Failed(f"needs Debian's package {PACKAGE}, which apt does not know")
    name = name.group(1)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="new-") as work:
        subprocess.run(["apt-get", "-q", "download", name], cwd=work, check=True, capture_output=True, timeout=300)
        sh("dpkg", "-x", *map(str, Path(work).glob("*.deb")), f"{work}/unpacked", timeout=120)
        ready = Path(work) / "ready"
        ready.mkdir()
        for module in MODULES:
            plain = Path(work) / "unpacked/lib/modules" / name.removeprefix("linux-image-") / "kernel" / f"{module}.ko"
            if not plain.exists():
                sh("xz", "-d", f"{plain}.xz")
            plain.rename(ready / plain.name)
        (Path(work) / "unpacked/boot" / f"vmlinuz-{name.removeprefix('linux-image-')}").rename(ready / "vmlinuz")
        ready.rename(CACHE / name)
    return CACHE / name


def file_system(folder, kernel_folder):
    """What a machine boots into: busybox, iperf3, the load generator, and the libraries these need."""
    root = Path(folder) / "initrd"
    for name in ("bin", "m", "dev", "proc", "sys", "etc", "tmp"):
        (root / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for program, name in ((shutil.which("iperf3"), "iperf3"), (load_tool(), "load")):
        shutil.copy(program, root / "bin" / name)
        for library in re.findall(r"(/\S+) \(0x", sh("ldd", program)):
            target = root / library[1:]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)
    for module in MODULES:
        shutil.copy(kernel_folder / f"{Path(module).name}.ko", root / "m")
    (root / "m/order").write_text("".join(f"{Path(m).name}.ko\n" for m in MODULES))
    (root / "init").write_text(INIT)
    (root / "init").chmod(0o755)
    image = Path(folder) / "initrd.cpio"
    sh("sh", "-c", f"cd {root} && find . | cpio --quiet -o -H newc >{image}")
    return image


class Machine:
    """One that has booted. Its commands' standard output comes back; the last line says how they ended."""

    def __init__(self, folder, netdev, card=""):
        found = kernel()
        self.qemu = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-M", "q35,sata=off,smbus=off", "-cpu", "max", "-m", "256", "-nodefaults", "-no-user-config", "-nographic", "-no-reboot",
             "-serial", "stdio", "-kernel", str(found / "vmlinuz"), "-initrd", str(file_system(folder, found)), "-append", "console=ttyS0 panic=-1 quiet loglevel=1 mitigations=off",
             "-netdev", netdev, "-device", f"virtio-net-pci,netdev=n,romfile=,mac=52:54:00:00:00:01{card}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.text = ""
        try:
            self.answer(120)
        except BaseException:
            self.close()
            raise

    def run(self, command, patience=60):
        self.qemu.stdin.write(command.encode() + b"\n")
        self.qemu.stdin.flush()
        text, status = self.answer(patience)
        if status:
            raise Failed(f"in the machine: {command}: ended with {status}: {text.strip()[-300:]}")
        return text

    def answer(self, patience):
        until = time.monotonic() + patience
        while not (found := re.search(rf"{DONE}(\d+)\r?\n", self.text)):
            ready, _, _ = select.select([self.qemu.stdout], [], [], max(0, until - time.monotonic()))
            more = os.read(self.qemu.stdout.fileno(), 65536) if ready else b""
            if not more:
                raise Failed(f"the machine {'ended' if ready else f'did not answer within {patience} s'}: {self.text.strip()[-300:]}")
            self.text += more.decode(errors="replace")
        text, self.text = self.text[:found.start()], self.text[found.end():]
        return text, int(found.group(1))

    def close(self):
        end(self.qemu)
