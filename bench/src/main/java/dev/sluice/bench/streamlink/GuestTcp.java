package dev.sluice.bench.streamlink;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One TCP connection of a guest, as little of RFC 9293 as a link without reordering needs, and without loss wants: either a source or a sink of bytes.
 * One thread's, but for {@link #stop} and {@link #received}.
 */
final class GuestTcp {
    private static final int IP = EthernetHeader.LENGTH;
    private static final int TCP = IP + Ipv4Header.MIN_LENGTH;
    private static final int PAYLOAD = TCP + TcpHeader.MIN_LENGTH;
    /** MSS and window scale (RFC 9293 §3.7.1, RFC 7323 §2.2), padded. */
    private static final int SYN_OPTIONS = 8;

    private static final int WINDOW_SHIFT = 8;
    private static final int WINDOW = 0xffff;
    /** Bytes of frames per write, and room for what is read. */
    private static final int BATCH = 256 * 1024;

    private static final int READ = 1024 * 1024;
    /** Without progress for so long, or after so many equal acknowledgments, what is not acknowledged is sent again (RFC 5681 §3.2). */
    private static final long STALL_NANOS = 200_000_000;

    private static final int DUPLICATES = 3;
    private static final long PARTING_NANOS = 2_000_000_000;

    private final GuestLink link;
    private final GuestArp arp;
    private final int prefix;
    private final int mss;
    private final MemorySegment in = Arena.ofAuto().allocate(READ);
    /** Bytes of a frame that has not come whole. */
    private int held;

    /** One frame without payload, the header of all that we send. */
    private final MemorySegment bare = Arena.ofAuto().allocate(128);

    private final long pseudo;
    private final int localPort;
    private final int remotePort;

    private int sendNext;
    private int unacknowledged;
    private int duplicates;
    private long progressAt;
    /** Where the last repetition began. */
    private int repeatedFrom;

    private long repeated;
    private long window;
    private int windowShift;
    private int receiveNext;
    private boolean connected;
    /** Segments with payload arrived since the last acknowledgment. */
    private boolean owing;

    private final AtomicLong received = new AtomicLong();
    private volatile boolean stopped;
    private boolean over;
    private volatile boolean released;

    /** @param mtu largest IP packet to send and receive */
    GuestTcp(
            GuestLink link,
            int mtu,
            Ipv4Address local,
            int localPort,
            Ipv4Address remote,
            int remotePort,
            MacAddress to) {
        this.link = link;
        this.arp = new GuestArp(link, local);
        this.prefix = link.kind.prefix;
        this.mss = mtu - Ipv4Header.MIN_LENGTH - TcpHeader.MIN_LENGTH;
        this.localPort = localPort;
        this.remotePort = remotePort;
        this.pseudo = Checksum.pseudoHeader(local.bits(), remote.bits(), Ipv4Header.PROTOCOL_TCP, 0);
        this.sendNext = 0x7fff_f000; // around the sign's change, as ever
        EthernetHeader.write(bare, prefix, to.bits(), link.mac, EthernetHeader.TYPE_IPV4);
        Ipv4Header.write(
                bare,
                prefix + IP,
                0,
                0,
                0,
                Ipv4Header.DONT_FRAGMENT,
                64,
                Ipv4Header.PROTOCOL_TCP,
                local.bits(),
                remote.bits());
    }

    /** Payload bytes that arrived in order. Any thread. */
    long received() {
        return received.get();
    }

    /** Bytes that had to be sent again, once {@link #send} or {@link #receive} has returned. */
    long repeated() {
        return repeated;
    }

    /** Has {@link #send} or {@link #receive} end the connection. Any thread. */
    void stop() {
        stopped = true;
    }

    /** Makes {@link #send} or {@link #receive} return, now that the end has been heard. Any thread. */
    void release() {
        released = true;
    }

    void connect() throws IOException {
        long options = prefix + PAYLOAD;
        Bytes.put64(bare, options, 2L << 56 | 4L << 48 | (long) mss << 32 | 1 << 24 | 3 << 16 | 3 << 8 | WINDOW_SHIFT);
        writeBare(TcpHeader.SYN, SYN_OPTIONS);
        sendNext++;
        unacknowledged = sendNext;
        long until = System.nanoTime() + 5_000_000_000L;
        while (!connected) {
            if (System.nanoTime() > until) {
                throw new IOException("the gateway did not answer our SYN");
            }
            link.await(false);
            absorb();
            arp.answer();
        }
        writeBare(TcpHeader.ACK, 0);
    }

    /** Sends as fast as link and window allow, until stopped; then resets. */
    void send() throws IOException {
        int frame = prefix + PAYLOAD + mss;
        int frames = BATCH / frame;
        MemorySegment out = Arena.ofAuto().allocate((long) frames * frame);
        long sum = buildFrames(out, frames, frame);
        int at = 0;
        int end = 0;
        int highest = sendNext;
        long until = Long.MAX_VALUE;
        // a frame that has begun must end; and a reset counts where everything before it has come (RFC 5961 §3.2)
        while (at < end || !stopped || sendNext != unacknowledged && System.nanoTime() < until) {
            if (stopped && until == Long.MAX_VALUE) {
                until = System.nanoTime() + PARTING_NANOS;
            }
            if (at == end) {
                arp.answer();
                repeatIfLost();
                int count = (int) Math.min(frames, (window - (sendNext - unacknowledged)) / mss);
                if (stopped) {
                    count = Math.min(count, (highest - sendNext) / mss);
                }
                at = 0;
                end = Math.max(0, count) * frame;
                for (int i = 0; i < end; i += frame) {
                    long tcp = i + prefix + TCP;
                    Bytes.put32(out, tcp + 4, sendNext);
                    Bytes.put16(out, tcp + TcpHeader.CHECKSUM, Checksum.finish(Checksum.add32(sum, sendNext)));
                    sendNext += mss;
                }
                highest = sendNext - highest > 0 ? sendNext : highest;
            }
            boolean room = at < end;
            if (room) {
                at += link.write(out, at, end - at);
            }
            boolean more = absorb();
            if (at < end || !room && !more) {
                link.await(room);
            }
        }
        reset();
    }

    private void repeatIfLost() {
        if (sendNext == unacknowledged) {
            progressAt = System.nanoTime();
        } else if (duplicates >= DUPLICATES && repeatedFrom != unacknowledged
                || System.nanoTime() - progressAt > STALL_NANOS) {
            repeated += sendNext - unacknowledged;
            repeatedFrom = unacknowledged;
            sendNext = unacknowledged;
            duplicates = 0;
            progressAt = System.nanoTime();
        }
    }

    /** Writes equal frames behind each other; returns the checksum's sum without the sequence number. */
    private long buildFrames(MemorySegment out, int frames, int frame) {
        MemorySegment.copy(bare, 0, out, 0, prefix + PAYLOAD);
        link.kind.putLength(out, 0, frame - prefix);
        finishIp(out, PAYLOAD - IP + mss);
        long tcp = prefix + TCP;
        TcpHeader.write(out, tcp, localPort, remotePort, 0, receiveNext, TcpHeader.MIN_LENGTH, TcpHeader.ACK, WINDOW);
        for (int i = 0; i < mss; i++) {
            Bytes.put8(out, prefix + PAYLOAD + i, i * 31);
        }
        for (int i = 1; i < frames; i++) {
            MemorySegment.copy(out, 0, out, (long) i * frame, frame);
        }
        int segment = TcpHeader.MIN_LENGTH + mss;
        return Checksum.add(Checksum.add16(pseudo, segment), out, tcp, segment);
    }

    private void finishIp(MemorySegment s, int total) {
        Bytes.put16(s, prefix + IP + 2, total);
        Ipv4Header.updateChecksum(s, prefix + IP);
    }

    /** Takes what comes and acknowledges once per read, until stopped; then resets. */
    void receive() throws IOException {
        while (!stopped) {
            if (absorb()) {
                arp.answer();
                if (owing) {
                    owing = false;
                    writeBare(TcpHeader.ACK, 0);
                }
            } else {
                link.await(false);
            }
        }
        reset();
    }

    /** Ends it, and reads on until the host's end has heard: who writes frames to us and waits for room hears nothing. */
    private void reset() throws IOException {
        over = true;
        writeBare(TcpHeader.RST | TcpHeader.ACK, 0);
        while (!released) {
            if (!absorb()) {
                link.await(false);
            }
        }
    }

    /** Sends a segment without payload. The options stand behind the header already. */
    private void writeBare(int flags, int options) throws IOException {
        int segment = TcpHeader.MIN_LENGTH + options;
        int frame = TCP + segment;
        long tcp = prefix + TCP;
        link.kind.putLength(bare, 0, frame);
        finishIp(bare, frame - IP);
        TcpHeader.write(bare, tcp, localPort, remotePort, sendNext, receiveNext, segment, flags, WINDOW);
        Bytes.put16(
                bare,
                tcp + TcpHeader.CHECKSUM,
                Checksum.finish(Checksum.add(Checksum.add16(pseudo, segment), bare, tcp, segment)));
        for (int at = 0; at < prefix + frame; ) {
            int n = link.write(bare, at, prefix + frame - at);
            at += n;
            if (n == 0) {
                link.await(true);
            }
        }
    }

    /** Reads once; false if there was nothing. */
    private boolean absorb() throws IOException {
        int n = link.read(in, held, READ - held);
        if (n == 0) {
            return false;
        }
        int end = held + n;
        int at = 0;
        while (end - at >= prefix) {
            int length = link.kind.length(in, at);
            if (end - at - prefix < length) {
                break;
            }
            onFrame(at + prefix);
            at += prefix + length;
        }
        held = end - at;
        MemorySegment.copy(in, at, in, 0, held);
        return true;
    }

    private void onFrame(long at) throws IOException {
        arp.onFrame(in, at);
        if (EthernetHeader.type(in, at) != EthernetHeader.TYPE_IPV4
                || Ipv4Header.protocol(in, at + IP) != Ipv4Header.PROTOCOL_TCP
                || TcpHeader.destinationPort(in, at + TCP) != localPort
                || over) {
            return;
        }
        long tcp = at + TCP;
        int header = TcpHeader.headerLength(in, tcp);
        int flags = TcpHeader.flags(in, tcp);
        if ((flags & (TcpHeader.RST | TcpHeader.FIN)) != 0) {
            throw new IOException("the gateway ended the connection");
        }
        int sequence = TcpHeader.sequence(in, tcp);
        acknowledged(TcpHeader.acknowledgment(in, tcp), (long) TcpHeader.window(in, tcp) << windowShift);
        if ((flags & TcpHeader.SYN) != 0) {
            connected = true;
            receiveNext = sequence + 1;
            windowShift = windowShift(tcp + TcpHeader.MIN_LENGTH, header - TcpHeader.MIN_LENGTH);
            window = TcpHeader.window(in, tcp);
            return;
        }
        window = (long) TcpHeader.window(in, tcp) << windowShift;
        int payload = Ipv4Header.totalLength(in, at + IP) - Ipv4Header.MIN_LENGTH - header;
        if (payload > 0) {
            owing = true;
            if (sequence == receiveNext) {
                receiveNext += payload;
                received.lazySet(received.getPlain() + payload);
            } else if (sequence - receiveNext > 0) {
                repeated += payload; // something before it was dropped: it must come again
            }
        }
    }

    private void acknowledged(int now, long room) {
        if (now == unacknowledged) {
            duplicates += room == window && sendNext != now ? 1 : 0;
        } else if (now - unacknowledged > 0) {
            duplicates = 0;
            progressAt = System.nanoTime();
            unacknowledged = now;
            if (now - sendNext > 0) {
                sendNext = now; // it had come after all
            }
        }
    }

    /** The scale in a SYN's options; 0 if there is none. */
    private int windowShift(long at, int length) {
        for (int i = 0; i < length && Bytes.u8(in, at + i) != 0; ) {
            int kind = Bytes.u8(in, at + i);
            if (kind == 3) {
                return Bytes.u8(in, at + i + 2);
            }
            i += kind == 1 ? 1 : Math.max(2, Bytes.u8(in, at + i + 1));
        }
        return 0;
    }
}
