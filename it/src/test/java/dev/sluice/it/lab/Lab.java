package dev.sluice.it.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Host, router and Internet in namespaces of their own:
 *
 * <pre>
 *   host 192.0.2.1 ── 192.0.2.254 router 198.51.100.254 ── 198.51.100.10 Internet (servers; names by DNS)
 * </pre>
 *
 * Its folder is gone with it. A class whose tests share one declares it, and JUnit opens and closes it:
 *
 * <pre>
 *   &#64;RegisterExtension
 *   static final Lab lab = Lab.needing("curl", "python3");
 * </pre>
 *
 * It is there in the class's own {@code @BeforeAll}, and each of its tests has to leave nothing running of what it started: what is left is
 * ended, and that test fails. Where the field is not static, each test has a lab of its own. A single test opens one with {@link #open}.
 */
public final class Lab
        implements AutoCloseable, BeforeAllCallback, BeforeEachCallback, AfterEachCallback, AfterAllCallback {
    /** Where the servers are. */
    public static final String SERVER = "198.51.100.10";

    /** The same over IPv6, after {@link #addIpv6}. */
    public static final String SERVER6 = "2001:db8::10";

    public static final String ROUTER6 = "2001:db8:1::fe";
    public static final String ROUTER = "192.0.2.254";
    public static final String HOST = "192.0.2.1";
    private static final Path SLUICE =
            Path.of(System.getProperty("sluice", "../sluice")).toAbsolutePath().normalize();
    private static final List<Lab> OPEN = new CopyOnWriteArrayList<>();
    private static final AtomicLong PROGRAMS = new AtomicLong();
    private static boolean sluiceIsBuilt;

    private final String[] needed;
    private final Network network = new Network();
    private final Mark mark = new Mark(network.id);
    private final Path folder = Path.of(System.getProperty("java.io.tmpdir", "/tmp"), network.id);
    private final List<Started> programs = new CopyOnWriteArrayList<>();
    private final Set<Program> servers = ConcurrentHashMap.newKeySet();
    private final Thread atExit = new Thread(this::remove);
    private boolean isOpen;
    private boolean ofOneTest;
    private long firstOfTest;

    /** A program and its number among all that labs have started. */
    private record Started(long number, Program program) {}

    private Lab(String... needed) {
        this.needed = needed.clone();
    }

    /** One for JUnit to open, if the machine has these programs; else what it is for is skipped. */
    public static Lab needing(String... programs) {
        return new Lab(programs);
    }

    /** Opens one without servers, if the machine has these programs; else the test is skipped. */
    public static Lab open(String... programs) {
        Lab lab = new Lab(programs);
        lab.build();
        return lab;
    }

    private void build() {
        Needs.lab(needed);
        buildSluice();
        isOpen = true;
        OPEN.add(this);
        Runtime.getRuntime().addShutdownHook(atExit);
        try {
            Files.createDirectory(folder);
            // readable by the ordinary user that some tests become
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            network.build();
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        } catch (IOException e) {
            close();
            throw new AssertionError(e);
        }
    }

    /** If it is not: before anybody waits for it to do anything. */
    private static synchronized void buildSluice() {
        if (!sluiceIsBuilt) {
            Program built = Program.start(List.of(SLUICE.toString(), "--version"), Map.of(), null);
            if (built.exitCode(Duration.ofMinutes(10)) != 0) {
                throw new AssertionError("can't be built: " + built);
            }
            sluiceIsBuilt = true;
        }
    }

    @Override
    public void beforeAll(ExtensionContext tests) {
        build();
    }

    @Override
    public void beforeEach(ExtensionContext test) {
        if (!isOpen) {
            ofOneTest = true;
            build();
        }
        firstOfTest = programsSoFar();
    }

    @Override
    public void afterEach(ExtensionContext test) {
        if (ofOneTest) {
            close();
            return;
        }
        String name = test.getRequiredTestMethod().getName() + " " + test.getDisplayName();
        endSince(firstOfTest, name, Await.PATIENCE);
    }

    @Override
    public void afterAll(ExtensionContext tests) {
        close();
    }

    /** Gives host, router and Internet IPv6 addresses and routes; without it the host's IPv6 leads nowhere. */
    public void addIpv6() {
        Needs.check(Files.exists(Path.of("/proc/net/if_inet6")), "needs a kernel with IPv6");
        network.addIpv6();
    }

    /** A folder for this lab's files; it goes with the lab. */
    public Path folder() {
        return folder;
    }

    /** The namespace's file of the host. */
    public Path hostNamespace() {
        return Path.of("/run/netns", network.host);
    }

    /** Starts a program on the host. */
    public Program onHost(String... command) {
        return start(network.host, null, command);
    }

    /** Starts a program on the host that reads {@code input}. */
    public Program onHostReading(Path input, String... command) {
        return start(network.host, input, command);
    }

    /** Starts a program on the Internet. */
    public Program onInternet(String... command) {
        return start(network.internet, null, command);
    }

    /** Runs a command on the router, where packets between host and Internet pass. */
    public String onRouter(String... command) {
        return Network.in(network.router, command);
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

    /** Starts a program on the host that does nothing, in new namespaces of such kinds, as in {@code --net}; they are there when this returns. */
    public Program inNew(String... namespaces) {
        String[] nothing = {"sh", "-c", "echo ready; exec sleep 1000"};
        Program program = onHost(join(join("unshare", namespaces), nothing));
        Await.until(
                "the namespace is there", program::toString, () -> program.out().contains("ready"));
        return program;
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
        return asOrdinaryUser(join(new String[] {SLUICE.toString()}, arguments));
    }

    /** The same of any program. */
    public Program asOrdinaryUser(String... command) {
        Path device = folder.resolve("tun");
        if (!Files.exists(device)) {
            Network.root("mknod", "-m", "666", device.toString(), "c", "10", "200");
        }
        String[] become = {
            "sh",
            "-c",
            "mount --bind " + device + " /dev/net/tun && exec setpriv --reuid=65534 --regid=65534 --clear-groups "
                    + "env HOME=" + folder + " XDG_RUNTIME_DIR= \"$0\" \"$@\""
        };
        return onHost(join(become, command));
    }

    private Program start(String namespace, @Nullable Path input, String... command) {
        long number = PROGRAMS.getAndIncrement();
        Program program = Program.start(Network.command(namespace, command), mark.on(number), input);
        programs.add(new Started(number, program));
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
        Program server = onInternet(join(jvm, arguments));
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
        BooleanSupplier listens = () ->
                Network.in(network.internet, "ss", "-Hltn", "sport = :" + port).contains(place);
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

    /** Another text for a file that a program follows, in one step: of a file that is written anew it might see the half, which is one, too. */
    public static void replace(Path file, String text) throws IOException {
        Path fresh = Files.writeString(file.resolveSibling(file.getFileName() + ".new"), text);
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    }

    /** A shell's line for iperf3's client. Its server serves one at a time and does not listen for a moment between two, so it asks again. */
    public static String iperf3(String arguments) {
        return "while out=$(iperf3 " + arguments + " 2>&1); code=$?; [ $code != 0 ]; do case \"$out\" in"
                + " *'server is busy'*|*refused*|*reset*) sleep 0.1;; *) break;; esac; done; echo \"$out\"; exit $code";
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
        Await.until("nothing is left running", () -> left(0).toString(), () -> left(0).isEmpty());
    }

    /** The same of the programs since the {@code first}; what is left in spite of it is ended, and whose it was is in the failure. */
    void endSince(long first, String test, Duration patience) {
        try {
            Await.until(
                    patience,
                    "nothing is left running of " + test,
                    () -> left(first).toString(),
                    () -> left(first).isEmpty());
        } catch (AssertionError e) {
            left(first).forEach(marked -> marked.process().destroyForcibly());
            throw e;
        }
    }

    /** The processes that descend from this lab's programs since the {@code first}, servers aside. */
    private List<Mark.Marked> left(long first) {
        Set<Long> aside = programs.stream()
                .filter(started -> servers.contains(started.program))
                .map(Started::number)
                .collect(Collectors.toSet());
        return mark.living(number -> number >= first && !aside.contains(number));
    }

    private static String[] join(String[] first, String... second) {
        return Stream.concat(Arrays.stream(first), Arrays.stream(second)).toArray(String[]::new);
    }

    private static String[] join(String first, String... rest) {
        return Stream.concat(Stream.of(first), Arrays.stream(rest)).toArray(String[]::new);
    }

    @Override
    public void close() {
        if (isOpen) {
            isOpen = false;
            remove();
            Runtime.getRuntime().removeShutdownHook(atExit);
        }
    }

    private void remove() {
        OPEN.remove(this);
        for (Started started : programs) {
            started.program.close();
        }
        network.remove();
        Network.deleteTree(folder);
    }
}
