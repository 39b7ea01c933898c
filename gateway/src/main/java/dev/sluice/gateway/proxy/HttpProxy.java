package dev.sluice.gateway.proxy;

import dev.sluice.gateway.dns.AddressLookup;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestShares;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.gateway.tcp.GuestStream;
import dev.sluice.gateway.tcp.Interceptor;
import dev.sluice.gateway.tcp.TcpFlows;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Offload;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/** The proxy of one guest network; see the package. Confined to the loop, but for what says otherwise. */
public final class HttpProxy implements Interceptor {
    private static final int SCRATCH = 64 << 10;
    /** Upstreams whose challenges are remembered. */
    private static final int MAX_CHALLENGES = 64;

    private final Loop loop;
    private final TcpFlows flows;
    private final StreamHost host;
    private final AddressPlan plan;
    private final Limits limits;
    private final Shares shares;
    private final AddressLookup names;
    private final ProxyCounters counters = new ProxyCounters();
    private volatile ProxySettings settings = ProxySettings.NONE;
    /** Changed on the loop only. */
    private volatile int active;

    private @Nullable MemorySegment scratch;
    /** What upstreams have asked for, so that a request that cannot be repeated answers before it is asked. */
    private final Map<Upstream, List<String>> challenges = new ConcurrentHashMap<>();

    /** One without any port; {@link #settings(ProxySettings)} opens it. */
    public HttpProxy(Loop loop, TcpFlows flows, StreamHost host, AddressPlan plan, Shares shares, AddressLookup names) {
        this.loop = loop;
        this.flows = flows;
        this.host = host;
        this.plan = plan;
        this.limits = shares.limits();
        this.shares = shares;
        this.names = names;
    }

    /** What holds now; any thread. */
    public ProxySettings settings() {
        return settings;
    }

    /**
     * From now on these hold, for connections and requests that come; what is under way goes on.
     *
     * @throws IOException if the gateway uses one of the ports itself; then nothing has changed
     */
    public void settings(ProxySettings next) throws IOException {
        ProxySettings before = settings;
        for (int port : next.ports()) {
            if (!before.ports().contains(port) && flows.isService(port)) {
                throw new IOException("port " + port + " of the gateway has a service already; choose another");
            }
        }
        for (int port : before.ports()) {
            if (!next.ports().contains(port)) {
                flows.removeService(port);
            }
        }
        for (int port : next.ports()) {
            if (!before.ports().contains(port)) {
                flows.service(port, this::openExplicit);
            }
        }
        settings = next;
        flows.interceptor(this);
    }

    /** Any thread. */
    public ProxyCounters.Snapshot status() {
        return counters.snapshot(active);
    }

    @Override
    public boolean takes(int port) {
        ProxySettings now = settings;
        return now.transparentPorts().contains(port) && now.policy().active();
    }

    @Override
    public StreamSocket open(GuestStream stream, FlowPolicy.Allow direct) {
        return open(stream.guest(), stream, direct);
    }

    private StreamSocket openExplicit(Guest guest, GuestStream stream) {
        return open(guest, stream, null);
    }

    private StreamSocket open(Guest guest, GuestStream stream, FlowPolicy.@Nullable Allow direct) {
        GuestEnd end = new GuestEnd(loop, stream);
        GuestShares holder = shares.of(guest);
        if (!holder.mayStartProxySession()) {
            counters.sessionsRefused.increment();
            if (direct == null) {
                end.refuse(ErrorPage.of(503, "This guest has too many connections to the proxy.", "", false, true));
            } else {
                loop.execute(() -> stream.abort("proxy-limit"));
            }
            return end;
        }
        active = active + 1;
        holder.proxySessions.take(1);
        counters.sessions.increment();
        boolean started = Offload.start("proxy", () -> {
            try {
                new Session(this, end, direct).run();
            } finally {
                end.onLoop(() -> ended(holder));
            }
        });
        if (!started) {
            counters.sessionsRefused.increment();
            ended(holder);
            loop.execute(() -> stream.abort("no-thread"));
        }
        return end;
    }

    private void ended(GuestShares holder) {
        active = active - 1;
        holder.proxySessions.give(1);
    }

    // ---- for sessions

    /** What was said of an upstream's last challenge; empty if it has not asked. Any thread. */
    List<String> challenges(Upstream upstream) {
        return challenges.getOrDefault(upstream, List.of());
    }

    void challenged(Upstream upstream, List<String> said) {
        if (challenges.size() >= MAX_CHALLENGES) {
            challenges.clear();
        }
        challenges.put(upstream, said);
    }

    Loop loop() {
        return loop;
    }

    TcpFlows flows() {
        return flows;
    }

    StreamHost host() {
        return host;
    }

    AddressPlan plan() {
        return plan;
    }

    Limits limits() {
        return limits;
    }

    AddressLookup names() {
        return names;
    }

    ProxyCounters counters() {
        return counters;
    }

    /** On the loop. */
    MemorySegment scratch() {
        MemorySegment made = scratch == null ? Arena.ofAuto().allocate(SCRATCH, 64) : scratch;
        scratch = made;
        return made;
    }

    /** With the JDK's own trust store, or what {@code javax.net.ssl.trustStore} names. */
    SSLSocketFactory tls() throws IOException {
        try {
            return SSLContext.getDefault().getSocketFactory();
        } catch (NoSuchAlgorithmException e) {
            throw new IOException("TLS is not to be had: " + e.getMessage(), e);
        }
    }
}
