package dev.sluice.gateway.dns;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Lookups under way, so that equal ones share one: a page's twenty connections ask for one name. Bounded by the lookups that may be under
 * way at all, since each waiter counts as one. Any thread.
 */
final class Flights {
    /**
     * A guest that waits for an answer.
     *
     * @param asked the cache's generation when it asked
     */
    record Waiter(DnsQuery query, Transport transport, IpAddress guest, int asked, Consumer<byte[]> reply) {}

    /** What makes two queries equal: everything a server can see of them but id and letter case. */
    private record Question(
            String name, int type, int klass, int flags, int maxUdpReply, int optFlags, Transport transport) {}

    /** The first waiter stands first. */
    private final Map<Question, List<Waiter>> underWay = new HashMap<>();

    /** True if {@code waiter} has to ask; false if somebody does already, and it will be told as well. */
    boolean lead(Waiter waiter) {
        Question question = question(waiter);
        if (question == null) {
            return true;
        }
        synchronized (this) {
            List<Waiter> waiters = underWay.get(question);
            if (waiters != null) {
                waiters.add(waiter);
                return false;
            }
            waiters = new ArrayList<>(1);
            waiters.add(waiter);
            underWay.put(question, waiters);
            return true;
        }
    }

    /** Everybody whom the answer to {@code leader} concerns, itself included; they wait no more. */
    List<Waiter> landed(Waiter leader) {
        Question question = question(leader);
        if (question == null) {
            return List.of(leader);
        }
        synchronized (this) {
            List<Waiter> waiters = underWay.get(question);
            if (waiters == null || waiters.getFirst() != leader) {
                return List.of(leader);
            }
            underWay.remove(question);
            return waiters;
        }
    }

    /** Null for a query that is its asker's alone: options (cookies, client subnets) are between it and the server. */
    private static @Nullable Question question(Waiter waiter) {
        DnsQuery query = waiter.query;
        if (query.hasOptions()) {
            return null;
        }
        return new Question(
                query.name(),
                query.type(),
                query.klass(),
                DnsMessage.flags(query.message()) & ~DnsHeader.RESPONSE,
                query.hasOpt() ? query.maxUdpReply() : 0,
                query.optFlags() | query.ednsVersion(),
                waiter.transport);
    }
}
