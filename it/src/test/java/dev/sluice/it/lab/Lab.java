package dev.sluice.it.lab;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Host, router and Internet in namespaces of their own:
 *
 * <pre>
 *   host 192.0.2.1 ── 192.0.2.254 router 198.51.100.254 ── 198.51.100.10 Internet (servers; names by DNS)
 * </pre>
 *
 * Its folder is gone with it.
 */
public final class Lab implements AutoCloseable {
    /** Where the servers are. */
    public static final String SERVER = "198.51.100.10";

    /** The same over IPv6, after {@link #addIpv6}. */
    public static final String SERVER6 = "2001:db8::10";

    public static final String ROUTER6 = "2001:db8:1::fe";
    public static final String ROUTER = "192.0.2.254";
    public static final String HOST = "192.0.2.1";
    private static final String PREFIX = "sluice-it-";
    private static final String MARK = "SLUICE_IT";
    private static final Path SLUICE =
            Path.of(System.getProperty("sluice", "../sluice")).toAbsolutePath().normalize();
    private static final List<Lab> OPEN = new CopyOnWriteArrayList<>();
    private static int labs;
    private static final AtomicLong PROGRAMS = new AtomicLong();

    private final String id;
    private final String host;
    private final String router;
    private final String internet;
    private final Path folder;
    private final List<Started> programs = new CopyOnWriteArrayList<>();
    private final List<Program> servers = new ArrayList<>();
    private final Thread atExit = new Thread(this::remove);

    /** A program and its number among all that labs have started. */
    private record Started(long number, Program program) {}

    private Lab() throws IOException {
        synchronized (Lab.class) {
            id = PREFIX + ProcessHandle.current().pid() + "-" + labs++;
        }
        host = id + "-host";
        router = id + "-router";
        internet = id + "-internet";
        folder = Files.createTempDirectory(id + "-");
        // readable by the ordinary user that some tests become
        folder.toFile().setExecutable(true, false);
        folder.toFile().setReadable(true, false);
    }

    /** Makes one without servers. */
    public static Lab open() {
        removeLeftovers();
        try {
            Lab lab = new Lab();
            OPEN.add(lab);
            Runtime.getRuntime().addShutdownHook(lab.atExit);
            try {
                lab.build();
            } catch (RuntimeException | Error | IOException e) {
                lab.close();
                throw e;
            }
            return lab;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void build() throws IOException {
        for (String namespace : List.of(host, router, internet)) {
            root("ip", "netns", "add", namespace);
            in(namespace, "ip", "link", "set", "lo", "up");
        }
        cable(host, "up0", HOST + "/24", router, "down0", ROUTER + "/24");
        cable(router, "up0", "198.51.100.254/24", internet, "down0", SERVER + "/24");
        in(host, "ip", "route", "add", "default", "via", ROUTER);
        in(internet, "ip", "route", "add", "default", "via", "198.51.100.254");
        in(router, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward");
        // replies of traceroute's hops and echo requests, without limits for tests that send many
        for (String namespace : List.of(host, router, internet)) {
            in(
                    namespace,
                    "sh",
                    "-c",
                    "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range");
        }
        Path etc = Files.createDirectories(Path.of("/etc/netns", host));
        Files.writeString(etc.resolve("resolv.conf"), "nameserver " + SERVER + "\nsearch example.test\n");
    }

    /** Gives host, router and Internet IPv6 addresses and routes; without it the host's IPv6 leads nowhere. */
    public void addIpv6() {
        Needs.check(Files.exists(Path.of("/proc/net/if_inet6")), "needs a kernel with IPv6");
        in(router, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
        for (String namespace : List.of(host, router, internet)) {
            in(namespace, "sh", "-c", "echo 0 >/proc/sys/net/ipv6/icmp/ratelimit");
        }
        in(host, "ip", "addr", "add", "2001:db8:1::1/64", "dev", "up0", "nodad");
        in(router, "ip", "addr", "add", ROUTER6 + "/64", "dev", "down0", "nodad");
        in(router, "ip", "addr", "add", "2001:db8::fe/64", "dev", "up0", "nodad");
        in(internet, "ip", "addr", "add", SERVER6 + "/64", "dev", "down0", "nodad");
        in(host, "ip", "-6", "route", "add", "default", "via", ROUTER6);
        in(internet, "ip", "-6", "route", "add", "default", "via", "2001:db8::fe");
    }

    private void cable(
            String left, String leftEnd, String leftAddress, String right, String rightEnd, String rightAddress) {
        in(left, "ip", "link", "add", leftEnd, "type", "veth", "peer", "name", rightEnd, "netns", right);
        in(left, "ip", "addr", "add", leftAddress, "dev", leftEnd);
        in(right, "ip", "addr", "add", rightAddress, "dev", rightEnd);
        in(left, "ip", "link", "set", leftEnd, "up");
        in(right, "ip", "link", "set", rightEnd, "up");
    }

    /** A folder for this lab's files; it goes with the lab. */
    public Path folder() {
        return folder;
    }

    /** The namespace's file of the host. */
    public Path hostNamespace() {
        return Path.of("/run/netns", host);
    }

    /** Starts a program on the host. */
    public Program onHost(String... command) {
        return start(host, null, command);
    }

    /** Starts a program on the host that reads {@code input}. */
    public Program onHostReading(Path input, String... command) {
        return start(host, input, command);
    }

    /** Starts a program on the Internet. */
    public Program onInternet(String... command) {
        return start(internet, null, command);
    }

    /** Runs a command on the router, where packets between host and Internet pass. */
    public String onRouter(String... command) {
        return in(router, command);
    }

    /** Starts {@code sluice} with these arguments on the host, as root. */
    public Program sluice(String... arguments) {
        return onHost(join(SLUICE.toString(), arguments));
    }

    /** Starts {@code sluice serve} with these arguments on the host; it serves when this returns. */
    public Program serve(String... arguments) {
        return awaitServing(sluice(join("serve", arguments)));
    }

    /** Waits until a {@code sluice serve} that was started in some other way serves. */
    public Program awaitServing(Program serve) {
        Await.until("sluice serves", serve::toString, () -> serve.err().contains("serving ") || !serve.alive());
        if (!serve.alive()) {
            throw new AssertionError("does not serve: " + serve);
        }
        return serve;
    }

    /** The launcher of the checkout under test. */
    public static Path launcher() {
        return SLUICE;
    }

    /**
     * Starts {@code sluice attach} for the guest's namespace by a file it is mounted on, as {@code ip netns add} does. The mount is in a
     * mount namespace that only this program has.
     */
    public Program sluiceAttachedToMount(Path file, Program guest) {
        return onHost(
                "sh",
                "-c",
                "touch $1 && mount --bind /proc/$2/ns/net $1 && exec $3 attach --configure --ready-fd 1 --netns $1",
                "sh",
                file.toString(),
                Long.toString(guest.pid()),
                SLUICE.toString());
    }

    /** Starts {@code sluice} on the host as an ordinary user, where /dev/net/tun is open to everybody, as it usually is. */
    public Program sluiceAsOrdinaryUser(String... arguments) {
        Path device = folder.resolve("tun");
        if (!Files.exists(device)) {
            root("mknod", "-m", "666", device.toString(), "c", "10", "200");
        }
        String[] become = {
            "sh",
            "-c",
            "mount --bind " + device + " /dev/net/tun && exec setpriv --reuid=65534 --regid=65534 --clear-groups "
                    + "env HOME=" + folder + " XDG_RUNTIME_DIR= \"$0\" \"$@\"",
            SLUICE.toString()
        };
        return onHost(
                Stream.concat(Arrays.stream(become), Arrays.stream(arguments)).toArray(String[]::new));
    }

    private Program start(String namespace, @Nullable Path input, String... command) {
        Program program =
                Program.start(List.of(join(join("ip", "netns", "exec", namespace), command)), Map.of(MARK, id), input);
        programs.add(new Started(PROGRAMS.getAndIncrement(), program));
        return program;
    }

    /** Starts this test JVM's kind of Java with its class path on the Internet; ready when it says so on standard output. */
    public Program server(Class<?> main, String... arguments) {
        String java =
                Path.of(System.getProperty("java.home", ""), "bin", "java").toString();
        String[] jvm = {
            java,
            "-XX:+UseSerialGC",
            "-Xmx128m",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-cp",
            System.getProperty("java.class.path", ""),
            main.getName()
        };
        Program server = onInternet(
                Stream.concat(Arrays.stream(jvm), Arrays.stream(arguments)).toArray(String[]::new));
        Await.until(
                main.getSimpleName() + " is ready",
                server::toString,
                () -> server.out().contains("ready"));
        servers.add(server);
        return server;
    }

    /** Starts a server program on the Internet; it listens on {@code port} when this returns. */
    public Program server(int port, String... command) {
        return listening(port, ":" + port, command);
    }

    /** The same at one of the Internet's addresses. */
    public Program server(String address, int port, String... command) {
        return listening(port, address + ":" + port, command);
    }

    private Program listening(int port, String place, String... command) {
        Program server = onInternet(command);
        BooleanSupplier listens =
                () -> in(internet, "ss", "-Hltn", "sport = :" + port).contains(place);
        Await.until(
                command[0] + " listens on " + place, server::toString, () -> listens.getAsBoolean() || !server.alive());
        if (!listens.getAsBoolean()) {
            throw new AssertionError("does not serve: " + server);
        }
        servers.add(server);
        return server;
    }

    /** How many programs labs have started so far. */
    static long programsSoFar() {
        return PROGRAMS.get();
    }

    /** Ends those of open labs that were started after so many and still run, and shows what they said. */
    static void endProgramsSince(long count) {
        for (Lab lab : OPEN) {
            for (Started started : lab.programs) {
                if (started.number >= count && started.program.alive()) {
                    System.out.println("ended after a failure: " + started.program);
                    started.program.close();
                }
            }
        }
    }

    /** Waits until all of this stands in a file behind its first {@code from} characters: servers write their logs when they get to it. */
    public static void awaitText(Path file, int from, String... wanted) {
        Await.until(
                file.getFileName() + " has " + List.of(wanted),
                () -> textFrom(file, from),
                () -> Stream.of(wanted).allMatch(textFrom(file, from)::contains));
    }

    private static String textFrom(Path file, int from) {
        try {
            return Files.readString(file).substring(from);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Waits until no process that this lab started is left, servers aside. */
    public void awaitNothingLeft() {
        Await.until("nothing is left running", () -> marked().toString(), () -> marked().isEmpty());
    }

    /** Command lines of the processes that descend from this lab's programs, servers aside. */
    private List<String> marked() {
        byte[] mark = (MARK + "=" + id + "\0").getBytes(StandardCharsets.UTF_8);
        List<String> found = new ArrayList<>();
        ProcessHandle.allProcesses()
                .filter(p -> servers.stream().noneMatch(s -> isOf(s, p)))
                .forEach(p -> {
                    try {
                        byte[] environment = Files.readAllBytes(Path.of("/proc/" + p.pid() + "/environ"));
                        if (indexOf(environment, mark) >= 0) {
                            found.add(p.pid() + " "
                                    + Files.readString(Path.of("/proc/" + p.pid() + "/cmdline"))
                                            .replace('\0', ' '));
                        }
                    } catch (IOException e) {
                        // it has just ended
                    }
                });
        return found;
    }

    private static boolean isOf(Program server, ProcessHandle process) {
        return process.pid() == server.pid()
                || process.parent().filter(p -> p.pid() == server.pid()).isPresent();
    }

    private static int indexOf(byte[] text, byte[] part) {
        for (int i = 0; i + part.length <= text.length; i++) {
            if (Arrays.equals(text, i, i + part.length, part, 0, part.length)) {
                return i;
            }
        }
        return -1;
    }

    private static String in(String namespace, String... command) {
        return root(join(join("ip", "netns", "exec", namespace), command));
    }

    static String root(String... command) {
        return Program.start(List.of(command), Map.of(), null).output();
    }

    private static String[] join(String[] first, String... second) {
        return Stream.concat(Arrays.stream(first), Arrays.stream(second)).toArray(String[]::new);
    }

    private static String[] join(String a, String... rest) {
        return Stream.concat(Stream.of(a), Arrays.stream(rest)).toArray(String[]::new);
    }

    @Override
    public void close() {
        remove();
        Runtime.getRuntime().removeShutdownHook(atExit);
    }

    private void remove() {
        OPEN.remove(this);
        for (Started started : programs) {
            started.program.close();
        }
        for (String namespace : List.of(host, router, internet)) {
            removeNamespace(namespace);
        }
        deleteTree(folder);
    }

    private static void removeNamespace(String namespace) {
        Program.start(
                        List.of(
                                "sh",
                                "-c",
                                "ip netns pids " + namespace + " | xargs -r kill -9; ip netns del " + namespace),
                        Map.of(),
                        null)
                .exitCode();
        deleteTree(Path.of("/etc/netns", namespace));
    }

    /** Namespaces of test runs that were killed: their names carry the process id. */
    private static void removeLeftovers() {
        try (Stream<Path> all = Files.list(Path.of("/run/netns"))) {
            for (Path path : all.toList()) {
                String name = path.getFileName().toString();
                if (name.startsWith(PREFIX)
                        && ProcessHandle.of(Long.parseLong(
                                        name.substring(PREFIX.length()).split("-")[0]))
                                .isEmpty()) {
                    removeNamespace(name);
                }
            }
        } catch (IOException e) {
            // no namespace was ever made here
        }
    }

    private static void deleteTree(Path root) {
        if (!Files.exists(root)) {
            return;
        }
        try (Stream<Path> all = Files.walk(root)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            System.out.println("left behind: " + root + " (" + e + ")");
        }
    }
}
