package dev.sluice.gateway.dns;

import dev.sluice.gateway.dns.Flights.Waiter;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.host.HostsFile;
import dev.sluice.host.NameSwitch;
import dev.sluice.host.Resolved;
import dev.sluice.host.ResolverConfig;
import dev.sluice.host.ResolverSettings;
import dev.sluice.loop.Offload;
import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
    private final NameSource knownNames = knownNames();
    private volatile List<NameSource> sources = List.of();
    private final Resolver resolver;
    private final GuestNames guests = new GuestNames(System::nanoTime);
    private final Flights flights = new Flights();
    private final AnswerCache cache = new AnswerCache(System::nanoTime);
    private final AddressPlan plan;
    private volatile boolean caching;
    private volatile HostNames hosts;
    private volatile BuiltInNames builtIn;
    /** What the settings say now. */
    private volatile DnsSettings settings;

    private final HostServers hostServers;
    /** What the cache's answers were learnt under. */
    private volatile @Nullable Object learntUnder;

    /** What the cache answers on the loop is not counted. */
    private final QueryRate rate;

    private final Semaphore free;
    private final int perGuest;
    /** Lookups under way of each guest that has any. */
    private final ConcurrentMap<IpAddress, Integer> underWay = new ConcurrentHashMap<>();

    /** Threads of the lookups under way; made one by one, so that what virtual threads need is set up by the first lookup, not at start. */
    private final Set<Thread> lookups = ConcurrentHashMap.newKeySet();

    /** True while the host's settings are known, so that asking for them does not touch the disk. */
    private final BooleanSupplier settled;

    private final SeenNames seen = new SeenNames(NAMES_REMEMBERED);
    private volatile LookupListener listener = (_, _, _, _, _) -> {};
    /** Whether somebody listens now: then answers of the cache take the longer way as well. */
    private volatile BooleanSupplier heeded = () -> false;

    private volatile boolean closed;

    /** Takes servers from this host's files where the settings name none. */
    public static DnsService ofHost(AddressPlan plan, DnsSettings settings, Limits limits) {
        ResolverSettings conf = new ResolverSettings();
        HostsFile hosts = new HostsFile(settings.hosts());
        NameSwitch names = NameSwitch.ofSystem();
        ResolvedNames resolved = new ResolvedNames(new Resolved(Resolved.SOCKET), conf::isStubless, System::nanoTime);
        return new DnsService(
                plan, settings, limits, conf::config, hosts, names, resolved, () -> conf.isFresh() && names.isFresh());
    }

    /** @param config asked for each forwarded query; must not block for long */
    DnsService(
            AddressPlan plan, DnsSettings settings, Limits limits, Supplier<ResolverConfig> config, HostsFile hosts) {
        this(plan, settings, limits, config, hosts, null, null, () -> true);
    }

    DnsService(
            AddressPlan plan,
            DnsSettings settings,
            Limits limits,
            Supplier<ResolverConfig> config,
            HostsFile hosts,
            @Nullable NameSwitch names,
            @Nullable ResolvedNames resolved,
            BooleanSupplier settled) {
        this.plan = plan;
        this.settings = settings;
        this.settled = settled;
        this.caching = settings.cache();
        this.hosts = new HostNames(hosts);
        this.hostServers = new HostServers(config, names, resolved);
        table.fill(settings.records(), settings.zones());
        this.builtIn = new BuiltInNames(plan, settings.names());
        this.resolver = new Resolver(
                this::sources,
                table,
                settings.servers(),
                hostServers,
                new Forwarder(
                        new ServerHealth(plan, System::nanoTime),
                        counters,
                        new StreamServers(StreamServers::defaultTls, counters)));
        sources = arranged();
        int perSecond = limits.dnsQueriesPerSecond();
        this.rate = new QueryRate(perSecond, perSecond, System.nanoTime());
        this.free = new Semaphore(limits.dnsQueries());
        this.perGuest = Math.max(1, limits.dnsQueries() / 2);
    }

    /** Who is asked for a name, one after the other. */
    private List<NameSource> arranged() {
        return List.of(knownNames, builtIn, hosts, table, guests, table.zonesHeldHere(), builtIn.nobodyElses());
    }

    private List<NameSource> sources() {
        return sources;
    }

    /**
     * From now on does as these settings say instead of those it was given before, in one step. Lookups under way are answered as they began;
     * records and zones that were added through {@link #directory} stay.
     *
     * @throws IllegalArgumentException if records or zones clash with those; then nothing has changed
     */
    public synchronized void change(DnsSettings to) {
        DnsSettings from = settings;
        table.change(from, to);
        if (!to.servers().equals(from.servers())) {
            resolver.configured(to.servers());
        }
        if (!to.hosts().equals(from.hosts())) {
            hosts = new HostNames(new HostsFile(to.hosts()));
        }
        if (!to.names().equals(from.names())) {
            builtIn = new BuiltInNames(plan, to.names());
        }
        caching = to.cache();
        sources = arranged();
        settings = to;
        changed();
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

    /**
     * The domains under which programs of this host try short names, as they are now; none where others than the host's servers are asked.
     * Looks at the host's settings once a second at most.
     */
    public List<String> searchDomains() {
        return resolver.asksHost() ? hostServers.config().search() : List.of();
    }

    /**
     * Adds zones whose servers are asked in a way of their own, in the place of those of the same names, and removes others: in one step.
     *
     * @throws IllegalArgumentException if one is no name, or there are too many; then nothing has changed
     */
    public void putZones(Map<String, Upstreams> zones, Collection<String> gone) {
        table.putZones(zones, gone);
    }

    /**
     * A guest has an address from now on.
     *
     * @param hostname what it calls itself, or null
     * @param seconds how long it may have the address
     */
    public void guestBound(IpAddress address, @Nullable String hostname, long seconds) {
        guests.bound(address, hostname, seconds);
    }

    /** No guest has the address any more. */
    public void guestReleased(IpAddress address) {
        guests.released(address);
    }

    /**
     * Looks a name up as for a guest, though never from the cache, and tells how. Blocks until there is an answer, or nobody has one.
     *
     * @param type as {@code A}
     * @throws IllegalArgumentException if one of them is none
     */
    public Explanation explain(String name, String type) {
        if (DnsMessage.encodeName(name).length == 0) {
            throw new IllegalArgumentException("'" + name + "' is not a name");
        }
        DnsQuery query = DnsMessage.query(name, RecordData.type(type));
        List<Explanation.Step> steps = Collections.synchronizedList(new ArrayList<>());
        noticeChanges();
        byte[] kept = cached(query, Transport.UDP);
        if (kept != null) {
            steps.add(new Explanation.Step("cache", "guests are told now: " + DnsText.describe(kept)));
        }
        byte[] reply = resolver.ask(query, Transport.UDP, (who, said) -> steps.add(new Explanation.Step(who, said)));
        synchronized (steps) {
            return new Explanation(
                    name,
                    type.toUpperCase(Locale.ROOT),
                    steps,
                    reply == null ? "nobody answered; guests are told SERVFAIL" : DnsText.describe(reply),
                    reply == null ? List.of() : DnsText.answers(reply));
        }
    }

    /** Something was configured: what was learnt before may be wrong now. */
    private void changed() {
        cache.flush();
    }

    /** The host's network is another one: a VPN came or went. What was learnt before may be wrong, and who was silent may answer. Any thread. */
    public void networkChanged() {
        resolver.networkChanged();
        changed();
    }

    /**
     * Answers a zone transfer. Blocks until its end, on a virtual thread.
     *
     * @param receiver takes the messages; where it fails, the transfer ends
     * @throws IOException if the guest must be shown that the zone is not whole
     */
    void transfer(DnsQuery query, IpAddress guest, Transfer.Receiver receiver) throws IOException {
        counters.queries.increment();
        if (!rate.take(guest, System.nanoTime())) {
            counters.overRate.increment();
            receiver.accept(DnsMessage.reply(query, DnsHeader.REFUSED, false, List.of()));
            return;
        }
        if (!acquire(guest)) {
            counters.overLimit.increment();
            receiver.accept(failure(query));
            return;
        }
        lookups.add(Thread.currentThread());
        try {
            noticeChanges();
            byte[] here = resolver.local(query, Trail.NONE);
            if (here != null) {
                counters.answeredLocally.increment();
                receiver.accept(here);
                return;
            }
            counters.transfers.increment();
            if (!resolver.transfer(query, receiver)) {
                counters.failed.increment();
                receiver.accept(failure(query));
            }
        } finally {
            lookups.remove(Thread.currentThread());
            release(guest);
        }
    }

    /** Looks whether the host's settings are still those that the cache's answers were learnt under. */
    private void noticeChanges() {
        record Host(ResolverConfig config, Object hosts) {}
        try {
            Host now = new Host(hostServers.config(), hosts.version());
            Object before = learntUnder;
            learntUnder = now;
            if (before != null && !before.equals(now)) {
                changed();
            }
            resolver.look();
        } catch (Throwable _) {
            // The lookup itself will say what is wrong with the settings.
        }
    }

    /**
     * Answers a datagram from the cache, on the loop and without allocation.
     *
     * @param message a buffer that holds the query at its start
     * @param probe the caller's
     * @param out {@link AnswerCache#ROOM} bytes
     * @return the reply's length; 0 if the query has to be given to {@link #query}
     */
    int cached(byte[] message, int length, CacheProbe probe, byte[] out) {
        if (!caching || closed || !isSettled() || heeded.getAsBoolean() || !probe.read(message, length)) {
            return 0;
        }
        int reply = cache.answer(probe, message, probe.maxReply, out);
        if (reply > 0) {
            counters.queries.increment();
            counters.cached.increment();
        }
        return reply;
    }

    private boolean isSettled() {
        return settled.getAsBoolean() && hosts.isFresh();
    }

    private byte @Nullable [] cached(DnsQuery query, Transport transport) {
        CacheProbe probe = new CacheProbe();
        if (!caching || !probe.read(query.message(), query.message().length)) {
            return null;
        }
        byte[] out = new byte[AnswerCache.ROOM];
        int max = transport == Transport.UDP ? query.maxUdpReply() : DnsMessage.MAX_MESSAGE;
        int length = cache.answer(probe, query.message(), max, out);
        return length == 0 ? null : Arrays.copyOf(out, length);
    }

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

    /**
     * Has {@code listener} told of every question that is answered from now on.
     *
     * @param heeded whether it wants to know now of those, too, that are answered from the cache
     */
    public void onLookups(LookupListener listener, BooleanSupplier heeded) {
        this.listener = listener;
        this.heeded = heeded;
    }

    private void start(
            DnsQuery query, Transport transport, IpAddress guest, @Nullable DirectTries tries, Consumer<byte[]> reply) {
        Waiter waiter = new Waiter(query, transport, guest, cache.generation(), reply);
        if (!rate.take(guest, System.nanoTime())) {
            counters.overRate.increment();
            reply.accept(DnsMessage.reply(query, DnsHeader.REFUSED, false, List.of()));
        } else if (!acquire(guest)) {
            counters.overLimit.increment();
            reply.accept(failure(query));
        } else if (tries == null || closed || !isSettled()) {
            onThread(waiter, () -> {
                noticeChanges();
                begin(waiter, null);
            });
        } else {
            begin(waiter, tries);
        }
    }

    /** Answers what is known here, and starts the lookup of what is not. */
    private void begin(Waiter waiter, @Nullable DirectTries tries) {
        byte[] here;
        try {
            here = resolver.local(waiter.query(), Trail.NONE);
        } catch (Throwable e) {
            failedInside(e); // a fault of whoever knows names; this must not use up what lookups may be under way
            counters.failed.increment();
            answer(waiter, failure(waiter.query()));
            return;
        }
        byte[] kept = here == null ? cached(waiter.query(), waiter.transport()) : null;
        if (here != null) {
            counters.answeredLocally.increment();
            answer(waiter, here);
        } else if (kept != null) {
            counters.cached.increment();
            answer(waiter, kept);
        } else if (!flights.lead(waiter)) {
            counters.shared.increment();
        } else if (tries == null) {
            ask(waiter);
        } else if (!askDirectly(waiter, tries)) {
            onThread(waiter, () -> ask(waiter));
        }
    }

    private boolean askDirectly(Waiter waiter, DirectTries tries) {
        try {
            return resolver.askDirectly(waiter.query(), tries, (reply, keepSeconds) -> {
                if (reply == null) {
                    onThread(waiter, () -> ask(waiter));
                } else {
                    landed(waiter, reply, keepSeconds);
                }
            });
        } catch (Throwable e) {
            failedInside(e);
            return false;
        }
    }

    private void onThread(Waiter waiter, Runnable lookup) {
        boolean started = Offload.start("dns-lookup", () -> {
            lookups.add(Thread.currentThread());
            try {
                if (closed) {
                    abandon(waiter);
                } else {
                    lookup.run();
                }
            } finally {
                lookups.remove(Thread.currentThread());
            }
        });
        if (!started) {
            landed(waiter, null, 0);
        }
    }

    /** Nobody is answered: the network has ended. */
    private void abandon(Waiter waiter) {
        flights.landed(waiter).forEach(other -> release(other.guest()));
    }

    /** Blocks until everybody who waits for it has been told. */
    private void ask(Waiter waiter) {
        byte[] reply = null;
        int keepSeconds = 0;
        try {
            reply = resolver.ask(waiter.query(), waiter.transport(), Trail.NONE);
            keepSeconds = resolver.keepSeconds(waiter.query());
        } catch (Throwable e) {
            // A fault of ours or of a settings source, or no thread left: the guest must not wait for its timeout
            // because of it, nor later ones
            // for a lookup that has ended.
            failedInside(e);
        }
        landed(waiter, reply, keepSeconds);
    }

    private static void failedInside(Throwable e) {
        try {
            System.getLogger(DnsService.class.getName())
                    .log(System.Logger.Level.WARNING, "a name lookup failed inside", e);
        } catch (Throwable _) {
            // no memory for words either
        }
    }

    /**
     * A lookup has ended: tells everybody who waits for it.
     *
     * @param reply null if nobody answered
     * @param keepSeconds how long it may be kept
     */
    private void landed(Waiter leader, byte @Nullable [] reply, int keepSeconds) {
        if (caching && reply != null && keepSeconds > 0) {
            cache.keep(leader.query(), reply, leader.asked(), keepSeconds);
        }
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

    static byte[] failure(DnsQuery query) {
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
