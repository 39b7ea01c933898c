package dev.sluice.it.lab;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Virtual machines with Debian's cloud kernel and busybox, whose only device besides the serial line is a network card. */
public final class Vm {
    /** Kept between runs: making it takes a download of 27 MB. */
    private static final Path IMAGE = Path.of("/var/tmp/sluice-it-vm-1");

    private Vm() {}

    /** Makes kernel and RAM disk unless an earlier run did; the test is skipped with the reason if that can't be done here. */
    public static void prepare() {
        Needs.programs("qemu-system-x86_64", "busybox", "cpio", "gzip", "xz", "apt-get", "dpkg", "modprobe", "depmod");
        if (Files.exists(IMAGE.resolve("initrd"))) {
            return;
        }
        try {
            Path script = Files.createTempFile("vm-image", ".sh");
            try (InputStream in = Vm.class.getResourceAsStream("vm-image.sh")) {
                Files.copy(Objects.requireNonNull(in), script, StandardCopyOption.REPLACE_EXISTING);
            }
            Program build = Program.start(List.of("sh", script.toString(), IMAGE.toString()), Map.of(), null);
            boolean built = build.exitCode() == 0;
            Files.delete(script);
            Needs.check(
                    built,
                    "needs Debian's cloud kernel from apt: "
                            + build.err().lines().reduce("", (a, b) -> b));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Boots a VM on the lab's host whose network card is a QEMU stream socket.
     *
     * @param socket where {@code sluice serve --listen qemu:} listens
     * @param mac of the card
     * @param script run by the VM's busybox shell; its output is the returned program's
     */
    public static Program start(Lab lab, String name, Path socket, String mac, String script) throws IOException {
        Path initrd = lab.folder().resolve(name + ".initrd");
        Path test = Files.createDirectories(lab.folder().resolve(name)).resolve("test");
        Files.writeString(test, script);
        Files.copy(IMAGE.resolve("initrd"), initrd, StandardCopyOption.REPLACE_EXISTING);
        Program archive = Program.start(
                List.of(
                        "sh",
                        "-c",
                        "cd " + test.getParent() + " && echo test | cpio --quiet -o -H newc | gzip -1 >../" + name
                                + ".more"),
                Map.of(),
                null);
        archive.output();
        Files.write(initrd, Files.readAllBytes(lab.folder().resolve(name + ".more")), StandardOpenOption.APPEND);
        return lab.onHost(
                "qemu-system-x86_64",
                "-M",
                "q35",
                "-accel",
                "tcg",
                "-cpu",
                "max",
                "-m",
                "256",
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-no-reboot",
                "-serial",
                "stdio",
                "-kernel",
                IMAGE.resolve("vmlinuz").toString(),
                "-initrd",
                initrd.toString(),
                "-append",
                "console=ttyS0 quiet panic=-1",
                "-netdev",
                "stream,id=net0,server=off,addr.type=unix,addr.path=" + socket,
                "-device",
                "virtio-net-pci,netdev=net0,romfile=,mac=" + mac);
    }
}
