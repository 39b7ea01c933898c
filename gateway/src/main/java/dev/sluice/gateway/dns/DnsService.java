package dev.sluice.gateway.dns;

import dev.sluice.gateway.dns.Flights.Waiter;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.host.HostsFile;
import dev.sluice.host.ResolvConf;
import dev.sluice.host.ResolverConfig;
import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The name server of one guest network, without its sockets. Any thread. */
public final class DnsService implements AutoCloseable {
    /** How a guest asked. */
    public enum Transport {
        UDP,
        TCP
    }

    /** Addresses whose names are remembered, at least; twice as many at most. */
    private static final int NAMES_REMEMBERED = 4096;

    private final DnsCounters counters = new DnsCounters();
    private final DnsTable table = new DnsTable(this::changed);
    private volatile KnownNames known = _ -> null;
    private final Resolver resolver;
    private final Flights flights = new Flights();
    private final Semaphore free;
    private final int perGuest;
    /** Lookups under way of each guest that has any. */
    private final ConcurrentMap<IpAddress, Integer> underWay = new ConcurrentHashMap<>();

    /** Threads of the lookups under way; made one by one, so that what virtual threads need is set up by the first lookup, not at start. */
    private final Set<Thread> lookups = ConcurrentHashMap.newKeySet();

    /** True while settings and hosts file are known, so that asking for them does not touch the disk. */
    private final BooleanSupplier settled;

    private final SeenNames seen = new SeenNames(NAMES_REMEMBERED);
    private volatile LookupListener listener = (_, _, _, _, _) -> {};
    private volatile boolean closed;

    /** Takes servers from this host's files where the settings name none. */
    public static DnsService ofHost(AddressPlan plan, DnsSettings settings, Limits limits) {
        ResolvConf conf = new ResolvConf(ResolvConf.PATH);
        HostsFile hosts = new HostsFile(settings.hosts());
        return new DnsService(plan, settings, limits, conf::config, hosts, () -> conf.isFresh() && hosts.isFresh());
    }

    /** @param config asked for each forwarded query; must not block for long */
    DnsService(AddressPlan plan, DnsNames names, Limits limits, Supplier<ResolverConfig> config, HostsFile hosts) {
        this(plan, DnsSettings.defaults().withNames(names), limits, config, hosts);
    }

    DnsService(
            AddressPlan plan, DnsSettings settings, Limits limits, Supplier<ResolverConfig> config, HostsFile hosts) {
        this(plan, settings, limits, config, hosts, hosts::isFresh);
    }

    private DnsService(
            AddressPlan plan,
            DnsSettings settings,
            Limits limits,
            Supplier<ResolverConfig> config,
            HostsFile hosts,
            BooleanSupplier settled) {
        this.settled = settled;
        BuiltInNames builtIn = new BuiltInNames(plan, settings.names());
        this.resolver = new Resolver(
                List.of(
                        knownNames(),
                        builtIn,
                        new HostNames(hosts),
                        table,
                        table.zonesHeldHere(),
                        builtIn.nobodyElses()),
                table,
                settings.servers(),
                new HostServers(config),
                new Forwarder(
                        new ServerHealth(plan, System::nanoTime),
                        counters,
                        new StreamServers(StreamServers::defaultTls, counters)));
        this.free = new Semaphore(limits.dnsQueries());
        this.perGuest = Math.max(1, limits.dnsQueries() / 2);
    }

    /** The records and zones that can be changed while it runs. */
    public DnsDirectory directory() {
        return table;
    }

    /** From now on asks {@code names} before all else. */
    public void known(KnownNames names) {
        known = names;
        changed();
    }

    private NameSource knownNames() {
        return new NameSource() {
            @Override
            public String title() {
                return "names of the program";
            }

            @Override
            public @Nullable Answer answer(DnsQuery query) {
                List<IpAddress> addresses = known.find(query.name());
                if (addresses == null) {
                    return null;
                }
                return addresses.isEmpty() ? new NoSuchName() : NameSource.addresses(query, addresses);
            }
        };
    }

    /** From now on asks these servers for what has no zone of its own; none for the servers of this host. */
    public void servers(Upstreams servers) {
        resolver.configured(servers);
        changed();
    }

    /** Adds a zone whose servers are asked in a way of their own, in the place of one of the same name. */
    public void putZone(String name, Upstreams servers) {
        table.putZone(name, servers);
    }

    /** Something was configured: what was learnt before may be wrong now. */
    private void changed() {}

    public DnsCounters counters() {
        return counters;
    }

    /**
     * Takes one message from a guest and returns without blocking.
     *
     * <p>{@code reply} is called at most once, with a message that is the receiver's to keep: on this thread for what can be refused at
     * once, else later on a virtual thread. It is not called for what deserves no answer (too short for an id, itself a response), nor for
     * what comes after {@link #close}. It must not block: the lookup counts as under way until it returns.
     *
     * @param message ours from now on
     * @param guest whose lookups are counted together; one guest may have half of {@code limits.dnsQueries()}
     */
    public void query(byte[] message, Transport transport, IpAddress guest, Consumer<byte[]> reply) {
        query(message, transport, guest, null, reply);
    }

    /**
     * As above; called on the loop's thread if there are {@code tries}. Then what needs no waiting is answered at once, and a reply to a
     * try comes on the loop's thread too.
     */
    void query(
            byte[] message, Transport transport, IpAddress guest, @Nullable DirectTries tries, Consumer<byte[]> reply) {
        counters.queries.increment();
        switch (DnsRequest.parse(message)) {
            case DnsRequest.Ignored() -> counters.malformed.increment();
            case DnsRequest.Rejected(int rcode) -> {
                counters.malformed.increment();
                reply.accept(DnsMessage.headerReply(message, rcode));
            }
            case DnsQuery query -> start(query, transport, guest, tries, heard(query, guest, reply));
        }
    }

    /** Tells of a question when it is answered, and then answers it: a flow that follows from it has its name. */
    private Consumer<byte[]> heard(DnsQuery query, IpAddress guest, Consumer<byte[]> reply) {
        long began = System.nanoTime();
        return message -> {
            seen.learn(query.name(), message, query.questionEnd());
            listener.onLookup(guest, query.name(), query.type(), message, System.nanoTime() - began);
            reply.accept(message);
        };
    }

    /** Under which names guests have looked up addresses. */
    public SeenNames seenNames() {
        return seen;
    }

    /** Has {@code listener} told of every question that is answered from now on. */
    public void onLookups(LookupListener listener) {
        this.listener = listener;
    }

    private void start(
            DnsQuery query, Transport transport, IpAddress guest, @Nullable DirectTries tries, Consumer<byte[]> reply) {
        Waiter waiter = new Waiter(query, transport, guest, reply);
        if (!acquire(guest)) {
            counters.overLimit.increment();
            reply.accept(failure(query));
        } else if (tries == null || closed || !settled.getAsBoolean()) {
            onThread(waiter, () -> begin(waiter, null));
        } else {
            begin(waiter, tries);
        }
    }

    /** Answers what is known here, and starts the lookup of what is not. */
    private void begin(Waiter waiter, @Nullable DirectTries tries) {
        byte[] known = resolver.local(waiter.query(), Trail.NONE);
        if (known != null) {
            counters.answeredLocally.increment();
            answer(waiter, known);
        } else if (!flights.lead(waiter)) {
            counters.shared.increment();
        } else if (tries == null) {
            landed(waiter, ask(waiter));
        } else if (!resolver.askDirectly(waiter.query(), tries, reply -> {
            if (reply == null) {
                onThread(waiter, () -> landed(waiter, ask(waiter)));
            } else {
                landed(waiter, reply);
            }
        })) {
            onThread(waiter, () -> landed(waiter, ask(waiter)));
        }
    }

    private void onThread(Waiter waiter, Runnable lookup) {
        Thread.startVirtualThread(() -> {
            lookups.add(Thread.currentThread());
            try {
                if (closed) {
                    flights.landed(waiter).forEach(other -> release(other.guest()));
                } else {
                    lookup.run();
                }
            } finally {
                lookups.remove(Thread.currentThread());
            }
        });
    }

    /** Null if nobody answered. */
    private byte @Nullable [] ask(Waiter waiter) {
        try {
            return resolver.ask(waiter.query(), waiter.transport(), Trail.NONE);
        } catch (RuntimeException e) {
            // A fault of ours, or of a settings source; the guest must not wait for its timeout because of it.
            System.getLogger(DnsService.class.getName())
                    .log(System.Logger.Level.WARNING, "a name lookup failed inside", e);
            return null;
        }
    }

    /** A lookup has ended: tells everybody who waits for it. */
    private void landed(Waiter leader, byte @Nullable [] reply) {
        for (Waiter waiter : flights.landed(leader)) {
            if (reply == null) {
                counters.failed.increment();
                answer(waiter, failure(waiter.query()));
            } else {
                counters.forwarded.increment();
                answer(waiter, waiter == leader ? reply : DnsMessage.asReplyTo(waiter.query(), reply));
            }
        }
    }

    private void answer(Waiter waiter, byte[] reply) {
        try {
            waiter.reply().accept(fit(reply, waiter.query(), waiter.transport()));
        } finally {
            release(waiter.guest());
        }
    }

    private boolean acquire(IpAddress guest) {
        if (!free.tryAcquire()) {
            return false;
        }
        if (underWay.merge(guest, 1, Integer::sum) <= perGuest) {
            return true;
        }
        release(guest);
        return false;
    }

    private void release(IpAddress guest) {
        underWay.computeIfPresent(guest, (_, count) -> count == 1 ? null : count - 1);
        free.release();
    }

    private static byte[] failure(DnsQuery query) {
        return DnsMessage.reply(query, DnsHeader.SERVFAIL, false, List.of());
    }

    private byte[] fit(byte[] reply, DnsQuery query, Transport transport) {
        int max = transport == Transport.UDP ? query.maxUdpReply() : 0xffff;
        if (reply.length <= max) {
            return reply;
        }
        counters.truncated.increment();
        return DnsMessage.fit(reply, query.questionEnd(), max);
    }

    /** Ends every lookup under way, with SERVFAIL; later ones get no reply. */
    @Override
    public void close() {
        closed = true;
        lookups.forEach(Thread::interrupt);
        resolver.close();
    }
}
