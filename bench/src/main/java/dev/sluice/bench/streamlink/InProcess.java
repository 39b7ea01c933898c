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
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A gateway in this process, as {@code sluice serve} starts one. */
final class InProcess implements Translator {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final GuestLink.Kind kind;
    private final AddressPlan plan;
    private final Gateway gateway;
    private final LinkServer server;
    private final CompletableFuture<Link> arrived = new CompletableFuture<>();
    private final GuestLink guest;

    InProcess(GuestLink.Kind kind, int mtu, Path folder) throws IOException {
        this.kind = kind;
        this.plan = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, mtu, true);
        this.gateway = Gateway.builder().plan(plan).start();
        String path = folder.resolve(kind + "-" + mtu).toString();
        LinkUrl url = kind == GuestLink.Kind.QEMU ? new LinkUrl.Qemu(path) : new LinkUrl.Vmnet(path);
        this.server = LinkServer.open(gateway.loop(), url, mtu, gateway.vmnet(), new Arrival());
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

    @Override
    public String name() {
        return kind.toString().toLowerCase(Locale.ROOT) + ":, MTU " + plan.mtu();
    }

    @Override
    public GuestLink guest() {
        return guest;
    }

    @Override
    public Ipv4Address guestAddress() {
        return plan.firstGuest();
    }

    @Override
    public Ipv4Address host() {
        return plan.host();
    }

    @Override
    public MacAddress mac() {
        return plan.mac();
    }

    @Override
    public int mtu() {
        return plan.mtu();
    }

    @Override
    public Usage usage() throws Exception {
        LinkCounters counters = arrived.join().counters();
        return onLoop(() -> {
            long id = Thread.currentThread().threadId();
            return new Usage(
                    THREADS.getThreadCpuTime(id),
                    THREADS.getThreadUserTime(id),
                    THREADS.getThreadAllocatedBytes(id),
                    counters.framesIn + counters.framesOut);
        });
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

    @Override
    public void close() {
        server.close();
        gateway.close();
        guest.close();
    }
}
