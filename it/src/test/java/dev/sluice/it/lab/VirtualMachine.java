package dev.sluice.it.lab;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A real computer, but simulated: QEMU without KVM, one virtio network card on a Unix stream socket, its console read line by line. */
public final class VirtualMachine implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final Program qemu;

    private VirtualMachine(Program qemu) {
        this.qemu = qemu;
    }

    /**
     * Boots one on the lab's host.
     *
     * @param initialFileSystem from {@link GuestKernel#initialFileSystem}
     * @param socket where sluice serves {@code qemu:}
     * @param steps what it does, in this order: {@code dhcp}, {@code nslookup:NAME}, {@code get:URL}, {@code ping:ADDRESS}, {@code wait};
     *     then it turns itself off
     */
    public static VirtualMachine start(
            Lab lab,
            GuestKernel kernel,
            Path initialFileSystem,
            Path socket,
            String name,
            String mac,
            String... steps) {
        return new VirtualMachine(lab.onHost(
                "qemu-system-x86_64",
                "-accel",
                "tcg",
                "-M",
                "q35,sata=off,smbus=off",
                "-cpu",
                "max",
                "-m",
                "256",
                "-nodefaults",
                "-no-user-config",
                "-nographic",
                "-no-reboot",
                "-serial",
                "stdio",
                "-kernel",
                kernel.image().toString(),
                "-initrd",
                initialFileSystem.toString(),
                "-append",
                "console=ttyS0 panic=-1 quiet loglevel=1 mitigations=off host=" + name + " steps="
                        + String.join(",", steps),
                "-netdev",
                "stream,id=n,server=off,addr.type=unix,addr.path=" + socket,
                "-device",
                "virtio-net-pci,netdev=n,romfile=,mac=" + mac));
    }

    /** What it said about each {@code kind} of step so far, in order. */
    public List<String> results(String kind) {
        String console = qemu.out();
        return console.substring(0, console.lastIndexOf('\n') + 1) // the last line may still grow
                .lines()
                .filter(line -> line.startsWith("@" + kind))
                .map(line -> line.substring(kind.length() + 1).strip())
                .toList();
    }

    /** Waits until it has said {@code count} results of this kind; the last. */
    public String await(String kind, int count) {
        Await.until(
                PATIENCE,
                "the machine's " + kind + " number " + count,
                this::toString,
                () -> results(kind).size() >= count || !qemu.alive());
        if (results(kind).size() < count) {
            throw new AssertionError("the machine ended before its " + kind + " number " + count + ": " + this);
        }
        return results(kind).get(count - 1);
    }

    /** Waits until it has turned itself off. */
    public void awaitOff() {
        if (qemu.exitCode(PATIENCE) != 0) {
            throw new AssertionError("QEMU failed: " + this);
        }
    }

    /** Pulls the plug. */
    @Override
    public void close() {
        qemu.close();
    }

    @Override
    public String toString() {
        return qemu.toString();
    }
}
