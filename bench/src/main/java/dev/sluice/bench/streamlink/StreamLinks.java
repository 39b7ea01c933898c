package dev.sluice.bench.streamlink;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Measures every kind of stream link, MTU and direction; a line of JSON for each on standard output. {@code StreamLinks SECONDS [WORDS…]} */
public final class StreamLinks implements AutoCloseable {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int[] MTUS = {1500, 65520};
    private static final double WARM_UP = 1.5;
    private static final double WARMED_UP = 0.3;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Translator translator;
    private int lastPort = 40_000;

    StreamLinks(Translator translator) {
        this.translator = translator;
    }

    /** What has happened so far: bytes, nanoseconds of processor time, bytes allocated, frames. */
    private record Account(long at, long bytes, Translator.Usage translator, long guest, long host) {}

    private Account account(boolean inward, GuestTcp tcp, Thread client, HostEnd host) throws Exception {
        Translator.Usage usage = translator.usage();
        return new Account(
                System.nanoTime(),
                inward ? tcp.received() : host.bytes(),
                usage,
                THREADS.getThreadCpuTime(client.threadId()),
                THREADS.getThreadCpuTime(host.thread.threadId()));
    }

    /** One row. @param warmUp seconds that do not count */
    Row measure(boolean inward, double warmUp, double seconds) throws Exception {
        try (HostEnd host = new HostEnd(inward)) {
            GuestTcp tcp = new GuestTcp(
                    translator.guest(),
                    translator.mtu(),
                    translator.guestAddress(),
                    ++lastPort,
                    translator.host(),
                    host.port(),
                    translator.mac());
            tcp.connect();
            CompletableFuture<Boolean> done = new CompletableFuture<>();
            Thread client = Thread.ofPlatform().name("guest").daemon().start(() -> {
                try {
                    if (inward) {
                        tcp.receive();
                    } else {
                        tcp.send();
                    }
                    done.complete(true);
                } catch (Throwable t) {
                    done.completeExceptionally(t);
                }
            });
            Thread.sleep((long) (warmUp * 1000));
            Account before = account(inward, tcp, client, host);
            Thread.sleep((long) (seconds * 1000));
            Account after = account(inward, tcp, client, host);
            tcp.stop();
            boolean heard = host.thread.join(PATIENCE);
            tcp.release();
            done.get();
            if (!heard) {
                throw new IOException("the host's end does not hear of the guest's");
            }
            String way = inward ? "host to guest" : "guest to host";
            return Row.of(translator.name() + ", " + way, before, after, tcp.repeated());
        }
    }

    /** Of three connections, each measured for half of {@code seconds}, the one of the middle rate: where the first gets its memory from decides. */
    private Row median(boolean inward, double seconds) throws Exception {
        List<Row> rows = new ArrayList<>();
        for (double warmUp : new double[] {WARM_UP, WARMED_UP, WARMED_UP}) {
            rows.add(measure(inward, warmUp, seconds / 2));
        }
        rows.sort(Comparator.comparingDouble(Row::gigabits));
        return rows.get(1);
    }

    /**
     * A line of the result: times of processors are seconds per gigabyte of payload.
     *
     * @param loop of the gateway's thread, or of another process altogether
     * @param bytesPerFrame allocated; not a number where that is not known
     * @param repeated megabytes that had to be sent again, as they or something before them did not arrive: warm-up included
     */
    record Row(
            String name,
            double gigabits,
            double loop,
            double loopUser,
            double guest,
            double host,
            double bytesPerFrame,
            double repeated) {
        private static Row of(String name, Account before, Account after, long repeated) {
            double bytes = after.bytes - before.bytes;
            return new Row(
                    name,
                    bytes * 8 / (after.at - before.at),
                    (after.translator.cpu() - before.translator.cpu()) / bytes,
                    (after.translator.user() - before.translator.user()) / bytes,
                    (after.guest - before.guest) / bytes,
                    (after.host - before.host) / bytes,
                    (double) (after.translator.allocated() - before.translator.allocated())
                            / (after.translator.frames() - before.translator.frames()),
                    repeated / 1e6);
        }

        String json() {
            String line = String.format(
                    Locale.ROOT,
                    "{\"row\": \"%s\", \"gbps\": %.3f, \"cpu_s_per_gb\": %.4f, \"user_s_per_gb\": %.4f, \"guest_s_per_gb\": %.4f,"
                            + " \"host_s_per_gb\": %.4f, \"repeated_mb\": %.1f",
                    name,
                    gigabits,
                    loop,
                    loopUser,
                    guest,
                    host,
                    repeated);
            return Double.isNaN(bytesPerFrame)
                    ? line + "}"
                    : line + String.format(Locale.ROOT, ", \"bytes_per_frame\": %.3f}", bytesPerFrame);
        }
    }

    @Override
    public void close() {
        translator.close();
    }

    /**
     * {@code SECONDS} say how long a row is measured; further words choose among the rows: {@code qemu}, {@code vmnet}, an MTU, {@code in}, {@code out}. With
     * {@code at=SOCKET} and what {@link Outside} needs, the program that listens there is measured instead.
     */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 0) {
            System.err.println("usage: bench/streamlink SECONDS [qemu|vmnet|1500|65520|out|in …]\n"
                    + "       bench/streamlink SECONDS at=SOCKET guest=IP gateway=IP host=IP mtu=N pid=N [out|in]");
            System.exit(64);
        }
        double seconds = Double.parseDouble(arguments[0]);
        Set<String> words = Set.of(Arrays.copyOfRange(arguments, 1, arguments.length));
        Map<String, String> pairs = new HashMap<>();
        for (String word : words) {
            int equals = word.indexOf('=');
            if (equals > 0) {
                pairs.put(word.substring(0, equals), word.substring(equals + 1));
            }
        }
        if (pairs.containsKey("at")) {
            print(new Outside(pairs), words, seconds);
            return;
        }
        Path folder = Files.createTempDirectory("sluice-bench-");
        for (GuestLink.Kind kind : GuestLink.Kind.values()) {
            for (int mtu : MTUS) {
                if (chosen(words, kind.toString().toLowerCase(Locale.ROOT), "qemu", "vmnet")
                        && chosen(words, "" + mtu, "1500", "65520")) {
                    print(new InProcess(kind, mtu, folder), words, seconds);
                }
            }
        }
        Files.delete(folder);
    }

    private static void print(Translator translator, Set<String> words, double seconds) throws Exception {
        try (StreamLinks links = new StreamLinks(translator)) {
            for (String way : new String[] {"out", "in"}) {
                if (chosen(words, way, "out", "in")) {
                    System.out.println(links.median(way.equals("in"), seconds).json());
                }
            }
        }
    }

    /** Whether no word of this family was said, or this one was. */
    private static boolean chosen(Set<String> words, String word, String... family) {
        return words.contains(word) || Arrays.stream(family).noneMatch(words::contains);
    }
}
