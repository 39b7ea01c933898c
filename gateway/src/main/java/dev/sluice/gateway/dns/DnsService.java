package dev.sluice.gateway.dns;

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

    private final DnsCounters counters = new DnsCounters();
    private final List<NameSource> sources;
    private final Forwarder forwarder;
    private final Semaphore free;
    private final int perGuest;
    /** Lookups under way of each guest that has any. */
    private final ConcurrentMap<IpAddress, Integer> underWay = new ConcurrentHashMap<>();

    /** Threads of the lookups under way; made one by one, so that what virtual threads need is set up by the first lookup, not at start. */
    private final Set<Thread> lookups = ConcurrentHashMap.newKeySet();

    /** True while settings and hosts file are known, so that asking for them does not touch the disk. */
    private final BooleanSupplier settled;

    private volatile boolean closed;

    /** Takes servers and names from this host's files. */
    public static DnsService ofHost(AddressPlan plan, DnsNames names, Limits limits) {
        ResolvConf settings = new ResolvConf(ResolvConf.PATH);
        HostsFile hosts = new HostsFile(HostsFile.PATH);
        return new DnsService(
                plan, names, limits, settings::config, hosts, () -> settings.isFresh() && hosts.isFresh());
    }

    /** @param settings asked for each forwarded query; must not block for long */
    public DnsService(
            AddressPlan plan, DnsNames names, Limits limits, Supplier<ResolverConfig> settings, HostsFile hosts) {
        this(plan, names, limits, settings, hosts, hosts::isFresh);
    }

    private DnsService(
            AddressPlan plan,
            DnsNames names,
            Limits limits,
            Supplier<ResolverConfig> settings,
            HostsFile hosts,
            BooleanSupplier settled) {
        this.settled = settled;
        this.sources = List.of(new BuiltInNames(plan, names), new HostNames(hosts));
        this.forwarder = new Forwarder(settings, new Upstreams(plan.gateway(), System::nanoTime), counters);
        this.free = new Semaphore(limits.dnsQueries());
        this.perGuest = Math.max(1, limits.dnsQueries() / 2);
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
            case DnsQuery query -> start(query, transport, guest, tries, reply);
        }
    }

    private void start(
            DnsQuery query, Transport transport, IpAddress guest, @Nullable DirectTries tries, Consumer<byte[]> reply) {
        if (!acquire(guest)) {
            counters.overLimit.increment();
            reply.accept(failure(query));
            return;
        }
        if (tries == null || !answerDirectly(query, transport, guest, tries, reply)) {
            answerOnThread(query, transport, guest, reply);
        }
    }

    /** Without another thread; false if it takes one. */
    private boolean answerDirectly(
            DnsQuery query, Transport transport, IpAddress guest, DirectTries tries, Consumer<byte[]> reply) {
        if (closed || !settled.getAsBoolean()) {
            return false;
        }
        byte[] known = answerLocally(query);
        if (known != null) {
            reply.accept(fit(known, query, transport));
            release(guest);
            return true;
        }
        return forwarder.askDirectly(query, tries, answer -> {
            if (answer == null) {
                answerOnThread(query, transport, guest, reply);
                return;
            }
            counters.forwarded.increment();
            reply.accept(fit(answer, query, transport));
            release(guest);
        });
    }

    private void answerOnThread(DnsQuery query, Transport transport, IpAddress guest, Consumer<byte[]> reply) {
        Thread.startVirtualThread(() -> {
            lookups.add(Thread.currentThread());
            try {
                if (!closed) {
                    reply.accept(resolve(query, transport));
                }
            } finally {
                lookups.remove(Thread.currentThread());
                release(guest);
            }
        });
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

    private byte @Nullable [] answerLocally(DnsQuery query) {
        for (NameSource source : query.isInternet() ? sources : List.<NameSource>of()) {
            NameSource.Answer answer = source.answer(query);
            if (answer != null) {
                counters.answeredLocally.increment();
                return local(query, answer);
            }
        }
        return null;
    }

    private byte[] resolve(DnsQuery query, Transport transport) {
        byte[] known = answerLocally(query);
        if (known != null) {
            return fit(known, query, transport);
        }
        byte[] reply = forward(query, transport);
        if (reply == null) {
            counters.failed.increment();
            return failure(query);
        }
        counters.forwarded.increment();
        return fit(reply, query, transport);
    }

    private byte @Nullable [] forward(DnsQuery query, Transport transport) {
        try {
            return forwarder.ask(query, transport);
        } catch (RuntimeException e) {
            // A fault of ours, or of a settings source; the guest must not wait for its timeout because of it.
            System.getLogger(DnsService.class.getName())
                    .log(System.Logger.Level.WARNING, "a name lookup failed inside", e);
            return null;
        }
    }

    private static byte[] local(DnsQuery query, NameSource.Answer answer) {
        if (query.ednsVersion() != 0) {
            return DnsMessage.reply(query, DnsMessage.BADVERS, false, 0, List.of());
        }
        return switch (answer) {
            case NameSource.Records(int type, List<byte[]> data) ->
                DnsMessage.reply(query, DnsHeader.NOERROR, true, type, data);
            case NameSource.NoSuchName() -> DnsMessage.reply(query, DnsHeader.NXDOMAIN, true, 0, List.of());
        };
    }

    private static byte[] failure(DnsQuery query) {
        return DnsMessage.reply(query, DnsHeader.SERVFAIL, false, 0, List.of());
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
    }
}
