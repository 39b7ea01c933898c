package dev.sluice.cli.namespace;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.link.tap.SetupShell;
import dev.sluice.loop.Loop;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Processes;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** Programs of the tests as root and as an ordinary user who may open /dev/net/tun; and looking for what they left behind. */
enum TestUser {
    ROOT,
    /** {@code nobody}, with a copy of the device in a mount namespace of its own; if tests don't run as root, whoever runs them. */
    ORDINARY;

    /** As on usual systems, the device is there for everybody; nothing outside of this mount namespace changes. */
    private static final String BECOME_NOBODY = """
            mount -t tmpfs tmpfs /mnt && mknod /mnt/tun c 10 200 && chmod 666 /mnt/tun &&
            mount --bind /mnt/tun /dev/net/tun && umount -l /mnt &&
            if [ -n "$MASK_PROC" ]; then mount -t tmpfs tmpfs /proc/fs; fi &&
            exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
            """;

    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(60);

    record Ended(int code, String out, String err) {}

    /** Skips the test, in words, where this user can't be had. */
    void assumePossible() throws Exception {
        String reason = null;
        if (!Files.exists(Path.of("/dev/net/tun"))) {
            reason = "there is no /dev/net/tun";
        } else if (this == ROOT && Processes.effectiveUid() != 0) {
            reason = "not run as root";
        } else {
            Ended tried = finish(start(command("unshare", this == ROOT ? "-n" : "-Urn", "true")));
            if (tried.code != 0) {
                reason = "namespaces are not possible here: " + tried.err.strip();
            } else if (finish(start(command("test", "-w", "/dev/net/tun"))).code != 0) {
                reason = "/dev/net/tun is not accessible";
            }
        }
        if (reason != null) {
            System.out.println("SKIPPED: namespaces as " + this + ": " + reason);
            assumeTrue(false, reason);
        }
    }

    /** A command line as this user; it keeps the process id that it is started with. */
    List<String> command(String... command) {
        List<String> line = new ArrayList<>();
        if (this == ORDINARY && Processes.effectiveUid() == 0) {
            line.addAll(List.of("unshare", "-m", "sh", "-c", BECOME_NOBODY, "sh"));
        }
        line.addAll(List.of(command));
        return line;
    }

    /** A JVM as this user that runs {@code program}. */
    List<String> java(Class<?> program, String... arguments) {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                Classes.PATH,
                program.getName()));
        line.addAll(List.of(arguments));
        return command(line.toArray(String[]::new));
    }

    static Process start(List<String> command) throws IOException {
        return new ProcessBuilder(command).start();
    }

    static Ended finish(Process process) throws Exception {
        process.getOutputStream().close();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), out, err);
    }

    /** Waits until something is true. */
    static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("not within 30 s: " + what);
            }
            Thread.sleep(10);
        }
    }

    /** Numbers of the processes that have {@code marker} in their command lines, helpers not counted. */
    static List<Long> processesWith(String marker) {
        try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
            return all.map(ProcessHandle::pid)
                    .filter(pid -> read("/proc/" + pid + "/cmdline").contains(marker))
                    .toList();
        }
    }

    /** Processes in the network namespace {@code name}, as {@code net:[4026532281]}. */
    static List<Long> processesIn(String name) {
        try (Stream<ProcessHandle> all = ProcessHandle.allProcesses()) {
            return all.map(ProcessHandle::pid)
                    .filter(pid -> link("/proc/" + pid + "/ns/net").equals(name))
                    .toList();
        }
    }

    static String read(String file) {
        try {
            return Files.readString(Path.of(file), StandardCharsets.ISO_8859_1);
        } catch (IOException gone) {
            return "";
        }
    }

    private static String link(String file) {
        try {
            return Files.readSymbolicLink(Path.of(file)).toString();
        } catch (IOException gone) {
            return "";
        }
    }

    /** Copies of our classes where every user can read them. */
    private static final class Classes {
        static final String PATH = copy();

        private static String copy() {
            try {
                Path directory = Files.createTempDirectory("sluice-test");
                Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
                Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(directory)));
                List<String> path = new ArrayList<>();
                for (Class<?> type : List.of(
                        ChildProgram.class,
                        ChildNamespace.class,
                        SetupShell.class,
                        Loop.class,
                        PosixException.class,
                        MacAddress.class)) {
                    Path from = Path.of(type.getProtectionDomain()
                            .getCodeSource()
                            .getLocation()
                            .toURI());
                    Path to = directory.resolve(path.size() + (Files.isDirectory(from) ? "" : ".jar"));
                    copyTree(from, to);
                    path.add(to.toString());
                }
                return String.join(":", path);
            } catch (IOException | URISyntaxException e) {
                throw new IllegalStateException(e);
            }
        }

        private static void copyTree(Path from, Path to) throws IOException {
            try (Stream<Path> files = Files.walk(from)) {
                for (Path file : files.toList()) {
                    Path copy = to.resolve(from.relativize(file).toString());
                    Files.copy(file, copy);
                    Files.setPosixFilePermissions(
                            copy, PosixFilePermissions.fromString(Files.isDirectory(copy) ? "rwxr-xr-x" : "rw-r--r--"));
                }
            }
        }

        private static void delete(Path directory) {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                    Files.delete(file);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
