package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;

/**
 * A zone transfer (AXFR, RFC 5936; IXFR, RFC 1995): a query over a stream that is answered by many messages. They are passed as they come, but
 * for the id. Blocks, on a virtual thread.
 */
final class Transfer {
    static final int TYPE_IXFR = 251;
    static final int TYPE_AXFR = 252;
    /** Larger zones are not handed through a desktop's name server. */
    static final long MAX_BYTES = 256L << 20;

    /** Takes the messages of a transfer, in order; may block. */
    interface Receiver {
        /** @throws IOException if nobody takes them any more */
        void accept(byte[] message) throws IOException;
    }

    private final DnsQuery query;
    private final int id;
    private final boolean incremental;
    private int soas;
    private long serial;
    private int records;
    /** Whether the second record was an SOA: then the transfer is of differences, and one more ends it. */
    private boolean differences;

    /** @param id of the query to the server */
    Transfer(DnsQuery query, int id) {
        this.query = query;
        this.id = id;
        this.incremental = query.type() == TYPE_IXFR;
    }

    static boolean is(DnsQuery query) {
        return query.type() == TYPE_AXFR || query.type() == TYPE_IXFR;
    }

    /**
     * Asks one server.
     *
     * @param patience for the connection, and for each message
     * @return whether there was a first message; the last has been passed then
     * @throws IOException if the server failed before its first message, or the transfer broke after it, which the guest has to be shown
     */
    boolean pass(InetSocketAddress server, Duration patience, Receiver receiver) throws IOException {
        boolean begun = false;
        try (Socket socket = new Socket()) {
            socket.connect(server, (int) patience.toMillis());
            socket.setSoTimeout((int) patience.toMillis());
            byte[] message = query.message();
            byte[] framed = new byte[2 + message.length];
            DnsMessage.put16(framed, 0, message.length);
            System.arraycopy(message, 0, framed, 2, message.length);
            DnsMessage.put16(framed, 2, id);
            socket.getOutputStream().write(framed);
            InputStream in = socket.getInputStream();
            long bytes = 0;
            boolean whole = false;
            while (!whole) {
                byte[] reply = read(in);
                bytes += reply.length;
                if (bytes > MAX_BYTES || !belongs(reply, begun)) {
                    throw new Broken(bytes > MAX_BYTES ? "the zone is too large" : "the server sent something else");
                }
                whole = isLast(reply);
                begun = true;
                DnsMessage.put16(reply, 0, DnsMessage.u16(message, 0));
                receiver.accept(reply);
            }
            return true;
        } catch (IOException e) {
            throw begun ? new Broken(String.valueOf(e.getMessage())) : new IOException(e.getMessage(), e);
        }
    }

    /** A transfer has begun and cannot be ended as it should: another server cannot go on with it. */
    static final class Broken extends IOException {
        private static final long serialVersionUID = 1L;

        Broken(String message) {
            super(message);
        }
    }

    private static byte[] read(InputStream in) throws IOException {
        byte[] prefix = in.readNBytes(2);
        byte[] message = prefix.length < 2 ? new byte[0] : in.readNBytes(DnsMessage.u16(prefix, 0));
        if (message.length < DnsHeader.LENGTH || message.length < DnsMessage.u16(prefix, 0)) {
            throw new EOFException("the server closed the connection before the end of the zone");
        }
        return message;
    }

    /** Later messages need not repeat the question (RFC 5936 §2.2.1). */
    private boolean belongs(byte[] reply, boolean begun) {
        return Exchange.answers(query, id, reply, reply.length)
                || begun
                        && DnsMessage.u16(reply, 0) == id
                        && (DnsMessage.flags(reply) & DnsHeader.RESPONSE) != 0
                        && DnsMessage.u16(reply, 4) == 0;
    }

    /** A zone begins and ends with its SOA; what is no transfer at all (refused, up to date) ends at once. */
    boolean isLast(byte[] m) throws IOException {
        int count = DnsMessage.u16(m, 6);
        if ((DnsMessage.flags(m) & DnsMessage.RCODE_MASK) != DnsHeader.NOERROR || records == 0 && count == 0) {
            return true;
        }
        int at = DnsMessage.u16(m, 4) == 0 ? DnsHeader.LENGTH : DnsMessage.recordsAt(m);
        for (int i = 0; i < count; i++) {
            int type = at < 0 ? -1 : DnsMessage.skipName(m, at);
            int end = at < 0 ? -1 : DnsMessage.skipRecord(m, at);
            if (type < 0 || end < 0 || type + 10 > m.length) {
                throw new Broken("the server sent a broken message");
            }
            if (DnsMessage.u16(m, type) == DnsMessage.TYPE_SOA) {
                long now = serial(m, type + 10, end);
                differences |= records == 1;
                serial = records == 0 ? now : serial;
                soas += now == serial ? 1 : 0;
            } else if (records == 0) {
                return true; // no zone begins like this
            }
            records++;
            at = end;
            if (soas == (differences ? 3 : 2)) {
                return true;
            }
        }
        return incremental && records == 1;
    }

    private static long serial(byte[] m, int data, int end) throws IOException {
        int at = DnsMessage.skipName(m, data);
        at = at < 0 ? -1 : DnsMessage.skipName(m, at);
        if (at < 0 || at + 4 > end) {
            throw new Broken("the server sent a broken SOA record");
        }
        return DnsMessage.u32(m, at);
    }
}
