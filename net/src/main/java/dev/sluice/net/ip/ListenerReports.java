package dev.sluice.net.ip;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.MldMessage;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Tells multicast routers, and switches that listen in, which groups this host takes (RFC 3810 §6): each change at once and once more a
 * second later, and all of them when a router asks. As many groups as the host has addresses; confined to the loop.
 *
 * <p>A query of version 1 is answered as one of version 2: its router hears its group's members again when it asks so.
 */
final class ListenerReports {
    private static final long SECOND = 1_000_000_000L;
    /** No answer is put off for longer: whoever asks with more patience does not mind. */
    private static final long LONGEST_DELAY = 10_000;

    /** How many addresses make us listen to a group, and whether its report is to be repeated. */
    private static final class Group {
        int users;
        boolean again = true;
    }

    private final Loop loop;
    private final Icmpv6Sender sender;
    private final RandomGenerator random;
    private final Supplier<@Nullable LocalAddress> source;
    private final Map<Ipv6Address, Group> groups = new LinkedHashMap<>();
    private final Timer repeating = Timer.of(this::repeat);
    private final Timer answering = Timer.of(this::answer);

    /** @param source the link-local address, null while there is none (RFC 3590) */
    ListenerReports(HostLink link, int mostGroups, RandomGenerator random, Supplier<@Nullable LocalAddress> source) {
        this.loop = link.loop;
        this.sender = new Icmpv6Sender(link, MldMessage.reportLength(mostGroups));
        this.random = random;
        this.source = source;
    }

    void join(Ipv6Address address) {
        Ipv6Address name = address.solicitedNode();
        Group group = groups.computeIfAbsent(name, _ -> new Group());
        if (group.users++ == 0) {
            report(MldMessage.TO_EXCLUDE, name);
            loop.schedule(repeating, loop.now() + SECOND);
        }
    }

    void leave(Ipv6Address address) {
        Ipv6Address name = address.solicitedNode();
        Group group = groups.get(name);
        if (group != null && --group.users == 0) {
            groups.remove(name);
            report(MldMessage.TO_INCLUDE, name);
        }
    }

    boolean has(long high, long low) {
        for (Ipv6Address group : groups.keySet()) {
            if (group.low() == low && group.high() == high) {
                return true;
            }
        }
        return false;
    }

    /** A router asks, and wants to hear within {@code delay} milliseconds, but not from all at once (§6.2). */
    void onQuery(long delay) {
        if (!answering.isArmed()) {
            long most = Math.min(delay, LONGEST_DELAY) * 1_000_000;
            loop.schedule(answering, loop.now() + (most == 0 ? 0 : random.nextLong(most)));
        }
    }

    private void repeat() {
        groups.forEach((name, group) -> {
            if (group.again) {
                group.again = false;
                report(MldMessage.TO_EXCLUDE, name);
            }
        });
    }

    private void report(int type, Ipv6Address group) {
        MldMessage.writeReport(sender.memory(), Icmpv6Sender.MESSAGE_AT, 1);
        MldMessage.putRecord(sender.memory(), Icmpv6Sender.MESSAGE_AT, 0, type, group.high(), group.low());
        send(1);
    }

    private void answer() {
        if (groups.isEmpty()) {
            return;
        }
        int n = 0;
        MldMessage.writeReport(sender.memory(), Icmpv6Sender.MESSAGE_AT, groups.size());
        for (Ipv6Address group : groups.keySet()) {
            MldMessage.putRecord(
                    sender.memory(), Icmpv6Sender.MESSAGE_AT, n++, MldMessage.IS_EXCLUDE, group.high(), group.low());
        }
        send(n);
    }

    private void send(int records) {
        LocalAddress from = source.get();
        Ipv6Address to = MldMessage.ROUTERS;
        sender.sendWithAlert(
                Icmpv6Sender.groupMac(to.low()),
                MldMessage.HOP_LIMIT,
                from == null ? 0 : from.high,
                from == null ? 0 : from.low,
                to.high(),
                to.low(),
                MldMessage.reportLength(records));
    }

    void close() {
        loop.cancel(repeating);
        loop.cancel(answering);
        groups.clear();
    }
}
