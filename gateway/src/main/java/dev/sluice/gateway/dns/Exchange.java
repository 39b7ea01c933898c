package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** One question to one server: a fresh socket, a fresh id, and the patience of one timeout. Blocks; used once, by one thread. */
final class Exchange {
    /**
     * When a datagram without an answer is sent again: it or its reply may have been lost. Guests that ask again in their own time wait for the
     * same lookup, so theirs would not go out; and some (musl) wait no longer than one of our tries.
     */
    static final long RESEND_NANOS = 1_000_000_000L;

    private final DnsQuery query;
    private final int id;
    private final byte[] sent;
    private final DnsCounters counters;
    private final long deadline;

    Exchange(DnsQuery query, int id, Duration timeout, DnsCounters counters) {
        this.query = query;
        this.id = id;
        this.sent = query.message().clone();
        DnsMessage.put16(sent, 0, id);
        this.counters = counters;
        this.deadline = System.nanoTime() + timeout.toNanos();
    }

    /**
     * The reply as it came, or cut to what the guest takes over UDP; null after the timeout.
     *
     * @throws IOException if the server's host refused or the socket failed
     */
    byte @Nullable [] overUdp(InetSocketAddress server) throws IOException {
        try (DatagramChannel channel = DatagramChannel.open()) {
            // Unbound, so that connect picks a random port; connected, so that the kernel drops what others send to it.
            channel.connect(server);
            channel.write(ByteBuffer.wrap(sent));
            long resendAt = System.nanoTime() + RESEND_NANOS;
            // One byte more than the guest can take tells a longer reply.
            int max = query.maxUdpReply();
            byte[] buffer = new byte[max + 1];
            DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
            DatagramSocket socket = channel.socket();
            for (int left = millisLeft(); left > 0; left = millisLeft()) {
                int until = (int) Math.max(1, (resendAt - System.nanoTime()) / 1_000_000);
                socket.setSoTimeout(Math.min(left, until));
                packet.setLength(buffer.length);
                try {
                    socket.receive(packet);
                } catch (SocketTimeoutException _) {
                    if (until < left) {
                        channel.write(ByteBuffer.wrap(sent));
                        resendAt = System.nanoTime() + RESEND_NANOS;
                    }
                    continue;
                }
                if (answers(query, id, buffer, packet.getLength())) {
                    byte[] reply = Arrays.copyOf(buffer, packet.getLength());
                    if (reply.length > max) {
                        counters.truncated.increment();
                    }
                    return DnsMessage.fit(reply, query.questionEnd(), max);
                }
                counters.upstreamMismatches.increment();
            }
            return null;
        }
    }

    /** The same over a connection of its own (RFC 7766), which also takes replies of any size. */
    byte @Nullable [] overTcp(InetSocketAddress server) throws IOException {
        try (Socket socket = new Socket()) {
            socket.setTcpNoDelay(true);
            socket.connect(server, Math.max(1, millisLeft()));
            byte[] framed = new byte[2 + sent.length];
            DnsMessage.put16(framed, 0, sent.length);
            System.arraycopy(sent, 0, framed, 2, sent.length);
            socket.getOutputStream().write(framed);
            while (true) {
                byte[] prefix = read(socket, 2);
                byte[] reply = prefix == null ? null : read(socket, DnsMessage.u16(prefix, 0));
                if (reply == null || answers(query, id, reply, reply.length)) {
                    return reply;
                }
                counters.upstreamMismatches.increment();
            }
        } catch (SocketTimeoutException _) {
            return null;
        }
    }

    /** Exactly {@code length} bytes; null if the time is up first, even if the server keeps trickling. */
    private byte @Nullable [] read(Socket socket, int length) throws IOException {
        InputStream in = socket.getInputStream();
        byte[] bytes = new byte[length];
        int got = 0;
        while (got < length) {
            int left = millisLeft();
            if (left <= 0) {
                return null;
            }
            socket.setSoTimeout(left);
            int n = in.read(bytes, got, length - got);
            if (n < 0) {
                throw new EOFException("the server closed the connection");
            }
            got += n;
        }
        return bytes;
    }

    private int millisLeft() {
        return (int) Math.ceilDiv(deadline - System.nanoTime(), 1_000_000L);
    }

    /** True if the first {@code length} bytes of {@code reply} answer the query sent with {@code id}: id and question match, byte for byte. */
    static boolean answers(DnsQuery query, int id, byte[] reply, int length) {
        if (length < DnsHeader.LENGTH
                || DnsMessage.u16(reply, 0) != id
                || (DnsMessage.flags(reply) & DnsHeader.RESPONSE) == 0) {
            return false;
        }
        if (length == DnsHeader.LENGTH) {
            // Old servers refuse what they do not know (EDNS above all) with a bare header; the guest must hear it to
            // try without.
            int rcode = DnsMessage.flags(reply) & DnsMessage.RCODE_MASK;
            return rcode == DnsHeader.FORMERR || rcode == DnsHeader.NOTIMP;
        }
        int end = query.questionEnd();
        return DnsMessage.u16(reply, 4) == 1
                && length >= end
                && Arrays.equals(reply, DnsHeader.LENGTH, end, query.message(), DnsHeader.LENGTH, end);
    }
}
