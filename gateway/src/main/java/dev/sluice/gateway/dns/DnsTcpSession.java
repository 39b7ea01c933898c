package dev.sluice.gateway.dns;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.loop.Offload;
import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One guest's stream of length-prefixed messages (RFC 7766): many queries in flight, answered in the order they are ready.
 *
 * <p>Two virtual threads: one reads and stops at {@link #MAX_IN_FLIGHT} unanswered queries, which the guest feels as back-pressure; one
 * writes. A reply never waits for the guest on a lookup's thread: it is queued, and a guest that leaves too many bytes of replies
 * lying loses its session.
 */
final class DnsTcpSession {
    /** Queries read and not yet answered on the stream. */
    static final int MAX_IN_FLIGHT = 32;
    /** Bytes of replies that may wait for the guest to read them. */
    static final int MAX_WAITING_BYTES = 512 << 10;

    /** Messages of transfers that may wait for the guest; the server waits meanwhile. */
    private static final int MAX_WAITING_TRANSFERS = 4;

    /**
     * A message for the guest.
     *
     * @param last of its query
     * @param transfer whether it is part of one
     */
    private record Reply(byte[] message, boolean last, boolean transfer) {}

    /** What follows would look whole and is not. */
    private static final Reply BROKEN = new Reply(new byte[0], false, false);

    private static final Reply END = new Reply(new byte[0], false, false);

    private final DnsService service;
    private final IpAddress guest;
    private final InputStream in;
    private final OutputStream out;
    private final Semaphore inFlight = new Semaphore(MAX_IN_FLIGHT);
    private final BlockingQueue<Reply> replies = new LinkedBlockingQueue<>();
    private final Semaphore transferRoom = new Semaphore(MAX_WAITING_TRANSFERS);
    private final AtomicInteger waitingBytes = new AtomicInteger();
    private final AtomicBoolean closed = new AtomicBoolean();
    /** When the last whole message came or went, as {@link System#nanoTime}. */
    private volatile long lastActive = System.nanoTime();

    private volatile boolean writing;

    DnsTcpSession(DnsService service, IpAddress guest, InputStream in, OutputStream out) {
        this.service = service;
        this.guest = guest;
        this.in = in;
        this.out = out;
    }

    IpAddress guest() {
        return guest;
    }

    /** Reads until the guest ends its stream or the session is closed; then lets the replies under way out. */
    void read() {
        try {
            while (true) {
                byte[] prefix = in.readNBytes(2);
                int length = prefix.length < 2 ? 0 : DnsMessage.u16(prefix, 0);
                if (length < DnsHeader.LENGTH) {
                    if (prefix.length == 2) {
                        cut(); // no message is that short: the stream is something else, or out of step
                    }
                    break;
                }
                byte[] message = in.readNBytes(length);
                if (message.length < length) {
                    break;
                }
                lastActive = System.nanoTime();
                inFlight.acquire();
                ask(message);
            }
            inFlight.acquire(MAX_IN_FLIGHT);
        } catch (IOException _) {
            // The stream broke: nobody is left to answer.
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            replies.add(END);
        }
    }

    private void ask(byte[] message) {
        if ((DnsMessage.flags(message) & DnsHeader.RESPONSE) != 0) {
            inFlight.release(); // gets no reply that would release it
            return;
        }
        if (DnsRequest.parse(message) instanceof DnsQuery query && Transfer.is(query)) {
            if (!Offload.start("dns-transfer", () -> transfer(query))) {
                add(new Reply(DnsService.failure(query), true, false));
            }
            return;
        }
        service.query(message, Transport.TCP, guest, reply -> add(new Reply(reply, true, false)));
    }

    private void add(Reply reply) {
        if (waitingBytes.addAndGet(reply.message.length) > MAX_WAITING_BYTES) {
            cut();
        }
        replies.add(reply);
    }

    /** A zone that is not whole must not look as if it were: then the stream is broken off (RFC 5936 §2.2). */
    private void transfer(DnsQuery query) {
        try {
            service.transfer(query, guest, message -> {
                transferRoom.acquireUninterruptibly();
                if (closed.get()) {
                    throw new IOException("the guest has gone");
                }
                add(new Reply(message, false, true));
            });
            add(new Reply(new byte[0], true, false));
        } catch (Throwable _) {
            replies.add(BROKEN); // whatever it was, else its place is never free again
        }
    }

    /** Writes replies until the reader has ended and all are out. */
    void write() {
        try {
            while (true) {
                Reply next = replies.take();
                byte[] reply = next.message;
                if (next == END) {
                    break;
                }
                if (next == BROKEN) {
                    cut();
                    break;
                }
                if (reply.length == 0) {
                    inFlight.release();
                    continue;
                }
                byte[] framed = new byte[2 + reply.length];
                DnsMessage.put16(framed, 0, reply.length);
                System.arraycopy(reply, 0, framed, 2, reply.length);
                lastActive = System.nanoTime();
                writing = true;
                out.write(framed);
                out.flush();
                writing = false;
                lastActive = System.nanoTime();
                waitingBytes.addAndGet(-reply.length);
                if (next.last) {
                    inFlight.release();
                }
                if (next.transfer) {
                    transferRoom.release();
                }
            }
        } catch (IOException _) {
            // As above.
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            close();
        }
    }

    /** True if nothing moved for {@code idleNanos} and the guest is to blame: no lookup of ours is under way, or a write is stuck. */
    boolean isIdle(long now, long idleNanos) {
        return now - lastActive > idleNanos && (writing || inFlight.availablePermits() == MAX_IN_FLIGHT);
    }

    /** Ends the session because of what the guest did or did not do. */
    void cut() {
        if (!closed.getAndSet(true)) {
            service.counters().tcpSessionsCut.increment();
            closeStreams();
        }
    }

    /** Closes both streams, which ends both threads. */
    void close() {
        if (!closed.getAndSet(true)) {
            closeStreams();
        }
    }

    private void closeStreams() {
        inFlight.release(2 * MAX_IN_FLIGHT); // a reader that waits for replies would wait for ever
        transferRoom.release(2 * MAX_WAITING_TRANSFERS * MAX_IN_FLIGHT); // as would transfers
        try {
            in.close();
        } catch (IOException _) {
            // It is of no use any more.
        }
        try {
            out.close();
        } catch (IOException _) {
            // As above.
        }
    }
}
