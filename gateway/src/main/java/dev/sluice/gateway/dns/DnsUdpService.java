package dev.sluice.gateway.dns;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.DatagramHost;
import dev.sluice.loop.Loop;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** Connects guests' datagrams to port 53 with the name server. Confined to the loop. */
public final class DnsUdpService {
    /** Longest query taken over UDP; what is longer has no business there and is cut off, which makes it malformed. */
    private static final int MAX_QUERY = 4096;

    private final DnsService service;
    private final Loop loop;
    private final Reply reply;
    private final @Nullable DirectTries tries;
    /** Longest query that may have a cached answer; names are shorter. */
    private final byte[] query = new byte[512];

    private final byte[] answer = new byte[AnswerCache.ROOM];
    private final CacheProbe probe = new CacheProbe();

    /** Sends a datagram from the gateway's port 53; called on the loop's thread. */
    @FunctionalInterface
    public interface Reply {
        /**
         * @param high the gateway's address that was asked, with {@code low}
         * @param message up to 65,535 bytes, the receiver's to keep
         */
        void send(Guest guest, long high, long low, int port, byte[] message);

        /** @param buffer holds the message at its start, during this call only */
        default void send(Guest guest, long high, long low, int port, byte[] buffer, int length) {
            send(guest, high, low, port, Arrays.copyOf(buffer, length));
        }
    }

    /** @param host where first tries are made from the loop; null for none, so that each query takes a thread */
    public DnsUdpService(DnsService service, Loop loop, @Nullable DatagramHost host, Reply reply) {
        this.tries = host == null ? null : new DirectTries(loop, host, service.counters());
        this.service = service;
        this.loop = loop;
        this.reply = reply;
    }

    /**
     * Takes one datagram; its bytes are copied before this returns.
     *
     * @param sourcePort where the reply goes
     * @param high the address that was asked, with {@code low}, where the reply comes from
     * @param at where the payload starts
     * @param length payload bytes
     */
    public void onDatagram(
            Guest guest, int sourcePort, long high, long low, MemorySegment memory, long at, int length) {
        if (tries != null && length <= query.length) {
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, query, 0, length);
            int kept = service.cached(query, length, probe, answer);
            if (kept > 0) {
                reply.send(guest, high, low, sourcePort, answer, kept);
                return;
            }
        }
        byte[] message = new byte[Math.min(length, MAX_QUERY)];
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, message, 0, message.length);
        service.query(message, Transport.UDP, guest.ipAddress(), tries, answer -> {
            if (tries != null && loop.isCurrent()) {
                reply.send(guest, high, low, sourcePort, answer);
                return;
            }
            try {
                loop.execute(() -> reply.send(guest, high, low, sourcePort, answer));
            } catch (RejectedExecutionException _) {
                // The loop has ended, and the guest's link with it.
            }
        });
    }

    /** Ends the tries under way. */
    public void close() {
        if (tries != null) {
            tries.close();
        }
    }
}
