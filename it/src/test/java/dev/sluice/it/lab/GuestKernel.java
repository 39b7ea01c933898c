package dev.sluice.it.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Debian's cloud kernel for virtual machines: unpacked from its package once, and kept for later runs.
 *
 * @param image what QEMU boots
 * @param modules of virtio-net, in the order in which they load
 */
public record GuestKernel(Path image, List<Path> modules) {
    private static final Path CACHE = Path.of("/var/tmp/sluice-it");
    private static final String META_PACKAGE = "linux-image-cloud-amd64";
    private static final List<String> MODULES = List.of(
            "drivers/virtio/virtio_ring",
            "drivers/virtio/virtio",
            "drivers/virtio/virtio_pci_modern_dev",
            "drivers/virtio/virtio_pci_legacy_dev",
            "drivers/virtio/virtio_pci",
            "net/core/failover",
            "drivers/net/net_failover",
            "drivers/net/virtio_net");

    /** The kernel; the test is skipped where it can't be had. */
    public static GuestKernel find() {
        Needs.check("amd64".equals(System.getProperty("os.arch")), "needs an x86-64 machine for the virtual one");
        try {
            Files.createDirectories(CACHE);
            Needs.check(
                    Files.getOwner(CACHE).getName().equals(System.getProperty("user.name")),
                    CACHE + " belongs to another user");
            Optional<Path> cached = cached();
            Path folder = cached.isPresent() ? cached.get() : fetch();
            return new GuestKernel(
                    folder.resolve("vmlinuz"),
                    MODULES.stream().map(m -> folder.resolve(fileName(m))).toList());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static String fileName(String module) {
        return module.substring(module.lastIndexOf('/') + 1) + ".ko";
    }

    private static Optional<Path> cached() throws IOException {
        try (Stream<Path> folders = Files.list(CACHE)) {
            return folders.filter(f -> Files.exists(f.resolve("vmlinuz"))).max(Path::compareTo);
        }
    }

    private static Path fetch() throws IOException {
        Needs.programs("apt-get", "apt-cache", "dpkg", "xz");
        String name = "";
        for (String line :
                run("apt-cache", "depends", META_PACKAGE).out().lines().toList()) {
            if (line.strip().startsWith("Depends: linux-image-")) {
                name = line.strip().substring("Depends: ".length());
            }
        }
        Needs.check(!name.isEmpty(), "needs Debian's package " + META_PACKAGE + ", which apt does not know");
        Path work = Files.createTempDirectory(CACHE, "new-");
        try {
            Program download = run("sh", "-c", "cd " + work + " && exec apt-get -q download " + name);
            Needs.check(download.exitCode() == 0, "needs Debian's package " + name + ", which apt can't download");
            run("sh", "-c", "dpkg -x " + work + "/*.deb " + work + "/unpacked").output();
            Path ready = Files.createDirectory(work.resolve("ready"));
            String version = name.substring("linux-image-".length());
            Path unpacked = work.resolve("unpacked");
            for (String module : MODULES) {
                Path plain = unpacked.resolve("lib/modules/" + version + "/kernel/" + module + ".ko");
                if (!Files.exists(plain)) {
                    run("xz", "-d", plain + ".xz").output();
                }
                Files.move(plain, ready.resolve(fileName(module)));
            }
            Files.move(unpacked.resolve("boot/vmlinuz-" + version), ready.resolve("vmlinuz"));
            return Files.move(ready, CACHE.resolve(name), StandardCopyOption.ATOMIC_MOVE);
        } finally {
            run("rm", "-rf", work.toString()).output();
        }
    }

    private static Program run(String... command) {
        Program program = Program.start(List.of(command), Map.of(), null);
        program.exitCode();
        return program;
    }

    /** Makes the file system a machine boots into: busybox, the modules, and the script that does what the kernel's command line says. */
    public Path initialFileSystem(Path folder) {
        try {
            Path root = Files.createDirectories(folder.resolve("initrd"));
            for (String name : List.of("bin", "m", "dev", "proc", "sys", "etc", "tmp")) {
                Files.createDirectories(root.resolve(name));
            }
            Path busybox =
                    Path.of(run("sh", "-c", "command -v busybox").output().strip());
            Files.copy(busybox, root.resolve("bin/busybox"), StandardCopyOption.REPLACE_EXISTING);
            List<String> order = new ArrayList<>();
            for (Path module : modules) {
                order.add(module.getFileName().toString());
                Files.copy(
                        module, root.resolve("m").resolve(module.getFileName()), StandardCopyOption.REPLACE_EXISTING);
            }
            Files.writeString(root.resolve("m/order"), String.join("\n", order) + "\n");
            Files.writeString(root.resolve("init"), INIT).toFile().setExecutable(true);
            Files.writeString(root.resolve("dhcp"), DHCP).toFile().setExecutable(true);
            Path image = folder.resolve("initrd.cpio");
            run("sh", "-c", "cd " + root + " && find . | cpio --quiet -o -H newc >" + image)
                    .output();
            return image;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Every result is a line that starts with @. */
    private static final String INIT = """
            #!/bin/busybox sh
            /bin/busybox --install -s /bin
            echo # the firmware's last line has no end
            mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev
            for m in $(cat /m/order); do insmod /m/$m || echo "@error insmod $m"; done
            for word in $(cat /proc/cmdline); do
              case $word in steps=*) steps=${word#steps=} ;; host=*) host=${word#host=} ;; esac
            done
            ip link set lo up; ip link set eth0 up
            for step in $(echo "$steps" | tr , ' '); do
              kind=${step%%:*}; what=${step#*:}
              case $kind in
                dhcp)
                  udhcpc -i eth0 -n -q -f -t 30 -T 2 -x hostname:$host -O mtu -O search -s /dhcp >/tmp/log 2>&1 || cat /tmp/log
                  echo "@dhcp $(cat /tmp/lease)"
                  echo "@route $(ip route | tr '\\n' ';')" ;;
                nslookup) echo "@nslookup $(nslookup $what | sed -n 's/^Address: *\\([0-9.]*\\)$/\\1/p' | tail -n 1)" ;;
                get) echo "@get $(wget -q -O - $what | sha256sum)" ;;
                ping)
                  n=0
                  until ping -c 1 -W 1 $what >/dev/null || [ $n = 300 ]; do n=$((n + 1)); sleep 1; done
                  echo "@ping $what $([ $n = 300 ] && echo silent || echo answers)" ;;
                wait) sleep 100000 ;;
              esac
            done
            echo @done
            poweroff -f
            """;

    private static final String DHCP = """
            #!/bin/sh
            case $1 in bound | renew) ;; *) exit 0 ;; esac
            ip addr flush dev $interface
            ip addr add $ip/$mask broadcast $broadcast dev $interface
            ip link set mtu $mtu dev $interface
            ip route add default via $router
            for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
            echo "$ip/$mask mtu=$mtu router=$router dns=$dns server=$serverid lease=$lease search=$search" >/tmp/lease
            """;
}
