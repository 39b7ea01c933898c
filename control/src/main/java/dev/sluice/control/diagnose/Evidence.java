package dev.sluice.control.diagnose;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import jdk.jfr.Recording;

/** What a process and its machine can tell about themselves. Slow; for the threads of whoever asked. */
public final class Evidence {
    /** Variables whose values say nothing about anybody, and often explain something. */
    private static final Set<String> HARMLESS =
            Set.of("PATH", "LANG", "LC_ALL", "TERM", "TZ", "SHELL", "JAVA_HOME", "SLUICE_JAVA_HOME", "XDG_RUNTIME_DIR");

    /** Kinds of events; none holds environment, properties or command lines, as others of the JVM do. */
    private static final List<String> EVENTS = List.of(
            "jdk.CPULoad",
            "jdk.ThreadCPULoad",
            "jdk.ExecutionSample",
            "jdk.NativeMethodSample",
            "jdk.GarbageCollection",
            "jdk.GCHeapSummary",
            "jdk.ResidentSetSize",
            "jdk.ThreadAllocationStatistics",
            "jdk.ThreadPark",
            "jdk.JavaMonitorEnter",
            "jdk.VirtualThreadPinned",
            "jdk.Compilation");

    /** This program's; they become known to the recorder with the first that happens while it records. */
    private static final List<String> OWN_EVENTS = List.of(
            "dev.sluice.FlowOpen",
            "dev.sluice.FlowClose",
            "dev.sluice.DnsLookup",
            "dev.sluice.Drops",
            "dev.sluice.LoopStall");

    private Evidence() {}

    /** The environment: all names; values where they are harmless, or those of proxies without their users. */
    public static Map<String, Object> environment(Map<String, String> variables) {
        Map<String, Object> shown = new TreeMap<>();
        variables.forEach((name, value) -> {
            boolean proxy = name.toLowerCase(java.util.Locale.ROOT).endsWith("_proxy");
            shown.put(name, HARMLESS.contains(name) ? value : proxy ? Secret.ofProxy(value) : new Secret(value));
        });
        return shown;
    }

    /** Stacks of all threads, virtual ones included. */
    public static byte[] threads() throws IOException {
        Path folder = Files.createTempDirectory("sluice-threads");
        Path file = folder.resolve("threads.txt");
        try {
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                    .dumpThreads(file.toString(), HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
            return Files.readAllBytes(file);
        } finally {
            Files.deleteIfExists(file);
            Files.delete(folder);
        }
    }

    /** What the JVM did for so long from now on: where time went, memory, locks, and this program's own events. */
    public static byte[] recording(Duration length) throws IOException, InterruptedException {
        Path file = Files.createTempFile("sluice", ".jfr");
        try (Recording recording = new Recording()) {
            for (String event : EVENTS) {
                recording.enable(event);
            }
            recording.setName("sluice diagnose");
            OWN_EVENTS.forEach(recording::enable);
            recording.start();
            Thread.sleep(length);
            recording.stop();
            recording.dump(file);
            return Files.readAllBytes(file);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /** Kernel, JDK, memory and limits. */
    public static String machine() {
        StringBuilder text = new StringBuilder();
        text.append("time: ").append(Instant.now()).append('\n');
        for (String property : List.of("java.vendor", "java.vm.version", "os.name", "os.version", "os.arch")) {
            text.append(property)
                    .append(": ")
                    .append(System.getProperty(property, "?"))
                    .append('\n');
        }
        text.append("processors: ").append(Runtime.getRuntime().availableProcessors());
        file(text, "/proc/version", "");
        file(text, "/etc/os-release", "^(PRETTY_NAME|ID|VERSION_ID)=.*");
        file(text, "/proc/self/limits", "");
        file(text, "/proc/self/status", "^(State|Threads|Vm|Rss|Cap|Seccomp|NoNewPrivs|FDSize|Uid|Gid).*");
        file(text, "/proc/self/cgroup", "");
        file(text, "/proc/meminfo", "^(MemTotal|MemAvailable|Swap).*");
        file(text, "/proc/loadavg", "");
        file(text, "/proc/sys/net/ipv4/ping_group_range", "");
        file(text, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "");
        file(text, "/proc/sys/user/max_user_namespaces", "");
        file(text, "/proc/self/net/sockstat", "");
        file(text, "/etc/resolv.conf", "^(nameserver|search|options).*");
        text.append("\n== open descriptors ==\n").append(descriptors()).append('\n');
        return text.toString();
    }

    private static String descriptors() {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return Long.toString(all.count());
        } catch (IOException e) {
            return "unknown: " + e.getMessage();
        }
    }

    /** @param lines which of its lines; empty for all */
    private static void file(StringBuilder text, String path, String lines) {
        text.append("\n== ").append(path).append(" ==\n");
        try {
            // not readString: files under /proc/sys answer one read only, and its first is of a single byte
            Files.readAllLines(Path.of(path)).stream()
                    .filter(line -> lines.isEmpty() || line.matches(lines))
                    .forEach(line -> text.append(line).append('\n'));
        } catch (IOException e) {
            text.append("not to be had: ").append(e.getMessage()).append('\n');
        }
    }

    /** The last lines that the process has said. */
    public static String log() {
        StringBuilder text = new StringBuilder();
        for (String line : LogTail.lines()) {
            int blank = line.indexOf(' ');
            text.append(Instant.ofEpochMilli(Long.parseLong(line, 0, blank, 10)))
                    .append(Secret.withoutCredentials(line.substring(blank)))
                    .append('\n');
        }
        return text.toString();
    }
}
