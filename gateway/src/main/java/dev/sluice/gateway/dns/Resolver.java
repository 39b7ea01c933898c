package dev.sluice.gateway.dns;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.wire.DnsHeader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjIntConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Who knows a name: the sources here one after the other, then the servers of its zone, the configured ones, or those of the host. The
 * same code decides for guests and for {@code explain}. Any thread; what blocks says so.
 */
final class Resolver implements AutoCloseable {
    /** Aliases followed one after the other. */
    private static final int MAX_ALIASES = 8;

    private static final int TYPE_HINFO = 13;
    /** "RFC8482" and an empty string (RFC 8482 §4.2). */
    private static final byte[] ANY_REFUSED = {7, 'R', 'F', 'C', '8', '4', '8', '2', 0};

    private static final int ANY_TTL = 3600;
    /** Longest that answers of a server on this machine are kept, seconds. */
    private static final int NEAR_SECONDS = 10;

    private final Supplier<List<NameSource>> sources;
    private final DnsTable table;
    private final HostServers host;
    private final Forwarder forwarder;
    /** Servers for everything without a zone of its own; empty for the host's. */
    private volatile Upstreams configured;

    /** @param sources asked for with each question: they may be others later */
    Resolver(
            Supplier<List<NameSource>> sources,
            DnsTable table,
            Upstreams configured,
            HostServers host,
            Forwarder forwarder) {
        this.sources = sources;
        this.table = table;
        this.configured = configured;
        this.host = host;
        this.forwarder = forwarder;
    }

    /** Looks at what the loop must not wait for. */
    void look() {
        host.look();
    }

    /** Whether what has no zone of its own is asked of the host's servers. */
    boolean asksHost() {
        return configured.servers().isEmpty();
    }

    void configured(Upstreams upstreams) {
        configured = upstreams;
    }

    /**
     * Whom a name is asked of.
     *
     * @param why for people
     * @param host whether they are the host's own servers, so that its other ways to find a name apply as well
     */
    record Route(String why, Upstreams upstreams, boolean host) {}

    Route route(DnsQuery query) {
        DnsTable.Match zone = table.zoneOf(query.name());
        if (zone != null) {
            return new Route("zone " + zone.zone(), zone.upstreams(), false);
        }
        Upstreams own = configured;
        return own.servers().isEmpty()
                ? new Route("servers of this host", host.upstreams(), true)
                : new Route("configured servers", own, false);
    }

    /** How long an answer may be kept. A server on this machine keeps answers itself, and knows before us when they change (VPN). */
    int keepSeconds(DnsQuery query) {
        return keepSeconds(query, route(query));
    }

    private int keepSeconds(DnsQuery query, Route route) {
        boolean near = route.host
                && (host.isForResolved(query)
                        || route.upstreams.servers().stream()
                                .allMatch(
                                        server -> server.address().getAddress().isLoopbackAddress()));
        return near ? NEAR_SECONDS : AnswerCache.MAX_SECONDS;
    }

    /** What the sources here say, as a reply; null if servers have to be asked. */
    byte @Nullable [] local(DnsQuery query, Trail trail) {
        if (!query.isInternet()) {
            return null;
        }
        Chase chase = new Chase(query);
        return chase.followHere(trail) ? chase.reply() : null;
    }

    /** Blocks: the answer of whoever knows the name; null if nobody answered in time. */
    byte @Nullable [] ask(DnsQuery query, Transport transport, Trail trail) {
        Chase chase = new Chase(query);
        if (query.isInternet() && chase.followHere(trail)) {
            return chase.reply();
        }
        if (chase.records.isEmpty()) {
            return forward(query, transport, trail);
        }
        byte[] reply = forward(chase.current, transport, trail);
        return reply == null ? null : chase.append(reply);
    }

    /** Passes a zone transfer; false if no server has said anything. Blocks. */
    boolean transfer(DnsQuery query, Transfer.Receiver receiver) throws IOException {
        return forwarder.transfer(query, route(query).upstreams, receiver);
    }

    void networkChanged() {
        host.networkChanged();
        forwarder.networkChanged();
    }

    private byte @Nullable [] forward(DnsQuery query, Transport transport, Trail trail) {
        Route route = route(query);
        trail.step("route", route.why);
        if (route.host && host.owns(query)) {
            byte[] found = bySwitch(query, trail);
            return found != null ? found : DnsMessage.reply(query, DnsHeader.NXDOMAIN, false, List.of());
        }
        byte[] resolved = route.host ? host.askResolved(query, trail) : null;
        byte[] reply = resolved == null ? forwarder.ask(query, transport, route.upstreams, trail) : resolved;
        if (!route.host || reply != null && !isUnknown(reply)) {
            return reply;
        }
        // resolved has tried the search domains itself.
        byte[] found = reply == null || resolved != null ? null : searched(query, transport, route, trail);
        if (found == null && host.mayKnow(query)) {
            found = bySwitch(query, trail);
        }
        return found == null ? reply : found;
    }

    /** What the name service switch knows, as a reply; null for nothing. */
    private byte @Nullable [] bySwitch(DnsQuery query, Trail trail) {
        String who = "name service switch of this host";
        if (!(host.ask(query) instanceof NameSource.Records(List<ResourceRecord> records))) {
            trail.step(who, "does not know " + query.name());
            return null;
        }
        byte[] reply = DnsMessage.reply(query, DnsHeader.NOERROR, false, records);
        trail.step(who, DnsText.describe(reply));
        return reply;
    }

    /**
     * A short name as programs of the host would find it, which try the host's search domains (resolv.conf(5)): guests that were not told of
     * those find it as well. One that is there without such a record exists, as musl's resolver believes whoever says that it does not.
     */
    private byte @Nullable [] searched(DnsQuery query, Transport transport, Route route, Trail trail) {
        byte[] without = null;
        for (String domain : isShort(query) ? host.config().search() : List.<String>of()) {
            Chase chase = new Chase(query);
            if (!chase.alias(query.name() + "." + domain, 0)) {
                continue;
            }
            byte[] found = forwarder.ask(chase.current, transport, route.upstreams, trail);
            if (found == null || (DnsMessage.flags(found) & DnsMessage.RCODE_MASK) != DnsHeader.NOERROR) {
                continue;
            }
            if (DnsMessage.u16(found, 6) > 0 || DnsMessage.isTruncated(found)) {
                trail.step("search domain " + domain, "found");
                return chase.append(found);
            }
            if (without == null) {
                trail.step("search domain " + domain, "has the name without such a record");
                without = chase.append(found);
            }
        }
        return without;
    }

    private boolean mayBeFoundOtherwise(DnsQuery query) {
        return isShort(query) && !host.config().search().isEmpty() || host.mayKnow(query);
    }

    private boolean isShort(DnsQuery query) {
        return query.isInternet()
                && (query.type() == DnsHeader.TYPE_A || query.type() == DnsHeader.TYPE_AAAA)
                && !query.name().isEmpty()
                && query.name().chars().filter(c -> c == '.').count()
                        < host.config().ndots();
    }

    private static boolean isUnknown(byte @Nullable [] reply) {
        return reply != null && (DnsMessage.flags(reply) & DnsMessage.RCODE_MASK) == DnsHeader.NXDOMAIN;
    }

    /**
     * Starts the first try from the loop. What needs the host's settings is found out now, while they are known without a look at the disk.
     *
     * @param outcome called once, later on the loop's thread: a reply with the guest's id, or null if {@link #ask} has to be called; and how
     *     long the reply may be kept
     * @return false if that has to be called at once
     */
    boolean askDirectly(DnsQuery query, DirectTries tries, ObjIntConsumer<byte @Nullable []> outcome) {
        Route route = route(query);
        if (table.answer(query) != null
                || route.host && (host.owns(query) || host.isForResolved(query))
                || route.upstreams.choice() == Upstreams.Choice.RACE
                        && route.upstreams.servers().size() > 1) {
            return false; // An alias, no server's name, resolved's, or several servers at a time.
        }
        int keepSeconds = keepSeconds(query, route);
        boolean mayBeFoundOtherwise = route.host && mayBeFoundOtherwise(query);
        return forwarder.askDirectly(
                query,
                tries,
                route.upstreams,
                reply -> outcome.accept(mayBeFoundOtherwise && isUnknown(reply) ? null : reply, keepSeconds));
    }

    @Override
    public void close() {
        forwarder.close();
    }

    /** A question on its way along aliases. */
    private final class Chase {
        private final DnsQuery query;
        /** The question for the present name. */
        private DnsQuery current;
        /** What was found so far. */
        private final List<ResourceRecord> records = new ArrayList<>();

        private byte[] owner = {};
        private int rcode = DnsHeader.NOERROR;
        private int aliases;

        Chase(DnsQuery query) {
            this.query = query;
            this.current = query;
        }

        /** Asks the sources, from alias to alias; false if the last name is none of theirs. */
        boolean followHere(Trail trail) {
            while (true) {
                NameSource.Answer answer = null;
                for (NameSource source : sources.get()) {
                    answer = source.answer(current);
                    if (answer != null) {
                        trail.step(source.title(), describe(answer));
                        break;
                    }
                    trail.step(source.title(), "does not know " + current.name());
                }
                switch (answer) {
                    case NameSource.Alias(String target, int ttl) -> {
                        if (!alias(target, ttl)) {
                            rcode = DnsHeader.SERVFAIL;
                            return true;
                        }
                    }
                    case NameSource.Records(List<ResourceRecord> found) -> {
                        found.forEach(r -> records.add(new ResourceRecord(owner, r.type(), r.ttl(), r.data())));
                        return true;
                    }
                    case NameSource.NoSuchName() -> {
                        rcode = DnsHeader.NXDOMAIN;
                        return true;
                    }
                    case null -> {
                        if (current.type() == DnsMessage.TYPE_ANY && current.isInternet()) {
                            // Amplification and nothing else is what it is used for.
                            trail.step("queries of type ANY", "are not passed on (RFC 8482)");
                            records.add(new ResourceRecord(owner, TYPE_HINFO, ANY_TTL, ANY_REFUSED));
                            return true;
                        }
                        return false;
                    }
                }
            }
        }

        /** Goes on with another name; false if there were too many, or it cannot be written. */
        boolean alias(String target, int ttl) {
            byte[] name = DnsMessage.encodeName(target);
            if (name.length == 0 || ++aliases > MAX_ALIASES) {
                return false;
            }
            records.add(new ResourceRecord(owner, DnsMessage.TYPE_CNAME, ttl, name));
            owner = name;
            current = DnsMessage.query(target, query.type());
            return true;
        }

        byte[] reply() {
            if (query.ednsVersion() != 0) {
                return DnsMessage.reply(query, DnsMessage.BADVERS, false, List.of());
            }
            return DnsMessage.reply(query, rcode, true, records);
        }

        /** The aliases so far, then what a server says of the last. */
        byte[] append(byte[] reply) {
            records.addAll(DnsMessage.records(reply, query.type(), owner));
            byte[] whole = DnsMessage.reply(query, DnsMessage.flags(reply) & DnsMessage.RCODE_MASK, false, records);
            if (DnsMessage.isTruncated(reply)) {
                DnsMessage.put16(whole, 2, DnsMessage.flags(whole) | DnsHeader.TRUNCATED);
            }
            return whole;
        }

        private String describe(NameSource.Answer answer) {
            return switch (answer) {
                case NameSource.Alias(String target, int _) -> current.name() + " is an alias of " + target;
                case NameSource.NoSuchName() -> DnsText.rcode(DnsHeader.NXDOMAIN);
                case NameSource.Records(List<ResourceRecord> found) ->
                    DnsText.describe(DnsMessage.reply(current, DnsHeader.NOERROR, true, found));
            };
        }
    }
}
