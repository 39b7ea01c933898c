package dev.sluice.gateway.dns;

import dev.sluice.host.DatagramHost;
import dev.sluice.host.DatagramSocket;
import dev.sluice.host.Opening;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.posix.KernelRandom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The first try of a lookup, over UDP and straight from the loop: a good server answers it within the round trip, and no other thread
 * is woken for it. Whatever else happens (silence, refusal, an error) ends the try, and the lookup goes on in the {@link Forwarder}.
 * Confined to the loop.
 *
 * <p>Against forged replies (RFC 5452) a try has an unpredictable id, a source port the kernel picked, and accepts nothing but the echo of
 * its question from the server's address and port. Tries share a socket, but only {@value #TRIES_PER_SOCKET} of them and for one
 * second, so that a port is gone before it can be found out.
 */
final class DirectTries {
    private static final RandomGenerator RANDOM = new KernelRandom();

    private static final int TRIES_PER_SOCKET = 64;
    private static final long SOCKET_LIFE = 1_000_000_000L;
    /** Longer questions are rare, and not worth memory here. */
    private static final int MAX_QUERY = 1232;

    private static final int TIME_TO_LIVE = 64;

    private final Loop loop;
    private final DatagramHost host;
    private final DnsCounters counters;
    private final MemorySegment room = Arena.ofAuto().allocate(MAX_QUERY, 8);
    /** Tries under way: as many as the service lets be. */
    private final LinkedHashSet<Try> waiting = new LinkedHashSet<>();

    private final Timer impatience = Timer.of(this::look);
    /** The socket for the next try; others are there until their last try has ended. */
    private @Nullable Port current;

    DirectTries(Loop loop, DatagramHost host, DnsCounters counters) {
        this.loop = loop;
        this.host = host;
        this.counters = counters;
    }

    /** One question on its way to one server. */
    private static final class Try {
        final Port port;
        final int slot;
        final DnsQuery query;
        final int id;
        final InetSocketAddress server;
        final long high;
        final long low;
        final long deadline;
        final Consumer<byte @Nullable []> outcome;
        /** When it is sent again. */
        long resendAt;

        Try(
                Port port,
                int slot,
                DnsQuery query,
                int id,
                InetSocketAddress server,
                long high,
                long low,
                long deadline,
                Consumer<byte @Nullable []> outcome) {
            this.port = port;
            this.slot = slot;
            this.query = query;
            this.id = id;
            this.server = server;
            this.high = high;
            this.low = low;
            this.deadline = deadline;
            this.outcome = outcome;
        }

        /** When it has to be looked at. */
        long due() {
            return deadline - resendAt < 0 ? deadline : resendAt;
        }
    }

    /**
     * Asks {@code server}.
     *
     * @param patience how long it may take, in nanoseconds
     * @param outcome called once, later on the loop's thread: the reply as it came from the server, with its id; or null
     * @return false if it can't be tried, and {@code outcome} won't be called
     */
    boolean ask(DnsQuery query, InetSocketAddress server, long patience, Consumer<byte @Nullable []> outcome) {
        long high;
        long low;
        switch (server.getAddress()) {
            case Inet4Address four -> {
                high = DatagramHost.MAPPED_HIGH;
                low = DatagramHost.mapped(ByteBuffer.wrap(four.getAddress()).getInt());
            }
            case Inet6Address six -> {
                ByteBuffer bytes = ByteBuffer.wrap(six.getAddress());
                high = bytes.getLong();
                low = bytes.getLong();
                if (six.isLinkLocalAddress()) {
                    return false; // It needs a zone, which these sockets do not know.
                }
            }
            default -> {
                return false;
            }
        }
        Port port = query.message().length <= MAX_QUERY ? port(DatagramHost.isIpv4(high, low)) : null;
        if (port == null) {
            return false;
        }
        Try attempt = port.add(query, server, high, low, loop.now() + patience, outcome);
        if (!send(attempt)) {
            port.remove(attempt);
            return false;
        }
        waiting.add(attempt);
        if (!impatience.isArmed() || attempt.due() - impatience.deadline() < 0) {
            loop.schedule(impatience, attempt.due());
        }
        return true;
    }

    private boolean send(Try attempt) {
        byte[] message = attempt.query.message();
        MemorySegment.copy(message, 0, room, ValueLayout.JAVA_BYTE, 0, message.length);
        room.set(ValueLayout.JAVA_BYTE, 0, (byte) (attempt.id >>> 8));
        room.set(ValueLayout.JAVA_BYTE, 1, (byte) attempt.id);
        attempt.resendAt = loop.now() + Exchange.RESEND_NANOS;
        return attempt.port
                .socket()
                .send(attempt.high, attempt.low, attempt.server.getPort(), TIME_TO_LIVE, 0, room, 0, message.length);
    }

    /** A socket for one more try. */
    private @Nullable Port port(boolean ipv4) {
        Port port = current;
        if (port != null && port.ipv4 == ipv4 && port.mayTake(loop.now())) {
            return port;
        }
        retire();
        Port fresh = new Port(ipv4, loop.now());
        if (host.openDatagram(0, ipv4 ? DatagramHost.mapped(0) : 0, 0, fresh)
                instanceof Opening.Open<DatagramSocket>(DatagramSocket socket)) {
            fresh.socket = socket;
            current = fresh;
            return fresh;
        }
        return null; // The Forwarder will say what is wrong, if it is.
    }

    /** Sends again what nobody has answered for a while, and gives up what nobody has answered in time. */
    private void look() {
        long now = loop.now();
        for (Try attempt : List.copyOf(waiting)) {
            if (attempt.deadline - now <= 0) {
                end(attempt, null);
            } else if (attempt.resendAt - now <= 0) {
                boolean _ = send(attempt); // if it can't be sent now, then perhaps in a second
            }
        }
        Try next = null;
        for (Try attempt : waiting) {
            next = next == null || attempt.due() - next.due() < 0 ? attempt : next;
        }
        if (next == null) {
            retire(); // Nobody asks any more: an idle gateway owns no socket.
        } else {
            loop.schedule(impatience, next.due());
        }
    }

    private void retire() {
        if (current != null) {
            current.retire();
            current = null;
        }
    }

    private void end(Try attempt, byte @Nullable [] reply) {
        waiting.remove(attempt);
        attempt.port.remove(attempt);
        attempt.outcome.accept(reply);
    }

    /** Ends every try and closes the sockets. */
    void close() {
        loop.cancel(impatience);
        for (Try attempt : List.copyOf(waiting)) {
            end(attempt, null);
        }
        retire();
    }

    /** A socket and the tries that share it. */
    private final class Port implements DatagramSocket.Events {
        final boolean ipv4;
        private final long opened;
        private final @Nullable Try[] tries = new @Nullable Try[TRIES_PER_SOCKET];
        private int taken;
        private int underWay;
        private boolean retired;
        private @Nullable DatagramSocket socket;

        Port(boolean ipv4, long opened) {
            this.ipv4 = ipv4;
            this.opened = opened;
        }

        DatagramSocket socket() {
            if (socket == null) {
                throw new IllegalStateException("a try without a socket");
            }
            return socket;
        }

        boolean mayTake(long now) {
            return taken < TRIES_PER_SOCKET && now - opened < SOCKET_LIFE;
        }

        Try add(
                DnsQuery query,
                InetSocketAddress server,
                long high,
                long low,
                long deadline,
                Consumer<byte @Nullable []> outcome) {
            int id = RANDOM.nextInt(1 << 16);
            while (find(id) != null) {
                id = RANDOM.nextInt(1 << 16);
            }
            Try attempt = new Try(this, taken++, query, id, server, high, low, deadline, outcome);
            tries[attempt.slot] = attempt;
            underWay++;
            return attempt;
        }

        void remove(Try attempt) {
            tries[attempt.slot] = null;
            underWay--;
            closeIfDone();
        }

        void retire() {
            retired = true;
            closeIfDone();
        }

        private void closeIfDone() {
            if (retired && underWay == 0 && socket != null) {
                socket.close();
                socket = null;
            }
        }

        private @Nullable Try find(int id) {
            for (int i = 0; i < taken; i++) {
                Try attempt = tries[i];
                if (attempt != null && attempt.id == id) {
                    return attempt;
                }
            }
            return null;
        }

        @Override
        public void onDatagram(
                long high, long low, int port, int typeOfService, MemorySegment memory, long at, int length) {
            Try attempt = length < 2
                    ? null
                    : find((memory.get(ValueLayout.JAVA_BYTE, at) & 0xff) << 8
                            | memory.get(ValueLayout.JAVA_BYTE, at + 1) & 0xff);
            if (attempt == null || attempt.high != high || attempt.low != low || attempt.server.getPort() != port) {
                counters.upstreamMismatches.increment();
                return;
            }
            byte[] reply = memory.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
            if (!Exchange.answers(attempt.query, attempt.id, reply, length)) {
                counters.upstreamMismatches.increment();
                return;
            }
            end(attempt, reply);
        }

        @Override
        public void onError(
                int errno,
                int icmpType,
                int icmpCode,
                int mtu,
                long offenderHigh,
                long offenderLow,
                long high,
                long low,
                int port,
                MemorySegment memory,
                long at,
                int length) {
            for (int i = 0; i < taken; i++) {
                Try attempt = tries[i];
                if (attempt != null && attempt.high == high && attempt.low == low && attempt.server.getPort() == port) {
                    end(attempt, null);
                }
            }
        }

        @Override
        public void onDropped(int datagrams) {
            // As if it were lost on the way: the Forwarder tries again.
        }
    }
}
