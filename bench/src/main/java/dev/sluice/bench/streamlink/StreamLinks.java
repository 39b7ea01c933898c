package dev.sluice.bench.streamlink;

import com.sun.management.ThreadMXBean;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.link.Guests;
import dev.sluice.link.Link;
import dev.sluice.link.LinkCounters;
import dev.sluice.link.LinkServer;
import dev.sluice.link.LinkUrl;
import dev.sluice.link.vmnet.VmnetIdentity;
import dev.sluice.link.vmnet.VmnetTable;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Measures every kind of stream link, MTU and direction; a line of JSON for each on standard output. {@code StreamLinks SECONDS [WORDS…]} */
public final class StreamLinks implements AutoCloseable {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int[] MTUS = {1500, 65520};
    private static final double WARM_UP = 1.5;

    private final GuestLink.Kind kind;
    private final AddressPlan plan;
    private final Gateway gateway;
    private final LinkServer server;
    private final CompletableFuture<Link> arrived = new CompletableFuture<>();
    private final GuestLink guest;
    private int lastPort = 40_000;

    StreamLinks(GuestLink.Kind kind, int mtu, Path folder) throws IOException {
        this.kind = kind;
        this.plan = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, mtu, true);
        this.gateway = Gateway.builder().plan(plan).start();
        String path = folder.resolve(kind + "-" + mtu).toString();
        VmnetTable vmnet = new VmnetTable(
                plan.firstGuest(),
                plan.lastGuest(),
                Set.of(plan.gateway(), plan.host()),
                gateway.claims(),
                UUID::randomUUID);
        LinkUrl url = kind == GuestLink.Kind.QEMU ? new LinkUrl.Qemu(path) : new LinkUrl.Vmnet(path);
        this.server = LinkServer.open(gateway.loop(), url, mtu, vmnet, new Arrival());
        this.guest = GuestLink.connect(kind, path, plan.firstGuest());
    }

    private final class Arrival implements Guests {
        @Override
        public void onGuest(Link link, @Nullable VmnetIdentity identity) {
            try {
                gateway.attach(link, identity == null ? null : identity.mac());
                arrived.complete(link);
            } catch (IOException e) {
                arrived.completeExceptionally(e);
            }
        }
    }

    /** What has happened so far: bytes, nanoseconds of processor time, bytes allocated, frames. */
    private record Account(
            long at, long bytes, long loop, long loopUser, long guest, long host, long allocated, long frames) {}

    private Account account(boolean inward, GuestTcp tcp, Thread client, HostEnd host) throws Exception {
        LinkCounters counters = arrived.join().counters();
        long[] loop = onLoop(() -> {
            long id = Thread.currentThread().threadId();
            return new long[] {
                THREADS.getThreadCpuTime(id),
                THREADS.getThreadUserTime(id),
                THREADS.getThreadAllocatedBytes(id),
                counters.framesIn + counters.framesOut
            };
        });
        return new Account(
                System.nanoTime(),
                inward ? tcp.received() : host.bytes(),
                loop[0],
                loop[1],
                THREADS.getThreadCpuTime(client.threadId()),
                THREADS.getThreadCpuTime(host.thread.threadId()),
                loop[2],
                loop[3]);
    }

    private <T> T onLoop(Callable<T> task) throws Exception {
        CompletableFuture<T> result = new CompletableFuture<>();
        gateway.loop().execute(() -> {
            try {
                result.complete(task.call());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        return result.get();
    }

    /** One row. @param warmUp seconds that do not count */
    Row measure(boolean inward, double warmUp, double seconds) throws Exception {
        try (HostEnd host = new HostEnd(inward)) {
            Ipv4Address local = plan.firstGuest();
            GuestTcp tcp = new GuestTcp(guest, plan.mtu(), local, ++lastPort, plan.host(), host.port(), plan.mac());
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
            done.get();
            host.thread.join();
            return Row.of(
                    kind.toString().toLowerCase(Locale.ROOT) + ":, MTU " + plan.mtu() + ", "
                            + (inward ? "host to guest" : "guest to host"),
                    before,
                    after);
        }
    }

    /** A line of the result: times of processors are seconds per gigabyte of payload. */
    record Row(
            String name,
            double gigabits,
            double loop,
            double loopUser,
            double guest,
            double host,
            double bytesPerFrame) {
        private static Row of(String name, Account before, Account after) {
            double bytes = after.bytes - before.bytes;
            return new Row(
                    name,
                    bytes * 8 / (after.at - before.at),
                    (after.loop - before.loop) / bytes,
                    (after.loopUser - before.loopUser) / bytes,
                    (after.guest - before.guest) / bytes,
                    (after.host - before.host) / bytes,
                    (double) (after.allocated - before.allocated) / (after.frames - before.frames));
        }

        String json() {
            return String.format(
                    Locale.ROOT,
                    "{\"row\": \"%s\", \"gbps\": %.3f, \"cpu_s_per_gb\": %.4f, \"user_s_per_gb\": %.4f, \"guest_s_per_gb\": %.4f,"
                            + " \"host_s_per_gb\": %.4f, \"bytes_per_frame\": %.3f}",
                    name,
                    gigabits,
                    loop,
                    loopUser,
                    guest,
                    host,
                    bytesPerFrame);
        }
    }

    @Override
    public void close() {
        server.close();
        gateway.close();
        guest.close();
    }

    /** {@code SECONDS} of each row; further words choose among the rows: {@code qemu}, {@code vmnet}, an MTU, {@code in}, {@code out}. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 0) {
            System.err.println("usage: bench/streamlink SECONDS [qemu|vmnet|1500|65520|out|in …]");
            System.exit(64);
        }
        double seconds = Double.parseDouble(arguments[0]);
        Set<String> words = Set.of(java.util.Arrays.copyOfRange(arguments, 1, arguments.length));
        Path folder = Files.createTempDirectory("sluice-bench-");
        for (GuestLink.Kind kind : GuestLink.Kind.values()) {
            for (int mtu : MTUS) {
                if (!chosen(words, kind.toString().toLowerCase(Locale.ROOT), "qemu", "vmnet")
                        || !chosen(words, "" + mtu, "1500", "65520")) {
                    continue;
                }
                try (StreamLinks links = new StreamLinks(kind, mtu, folder)) {
                    for (String way : new String[] {"out", "in"}) {
                        if (chosen(words, way, "out", "in")) {
                            System.out.println(links.measure(way.equals("in"), WARM_UP, seconds)
                                    .json());
                        }
                    }
                }
            }
        }
        Files.delete(folder);
    }

    /** Whether no word of this family was said, or this one was. */
    private static boolean chosen(Set<String> words, String word, String... family) {
        return words.contains(word) || java.util.Arrays.stream(family).noneMatch(words::contains);
    }
}
