package dev.sluice.gateway.flow;

import dev.sluice.host.DatagramHost;
import dev.sluice.host.DatagramSocket;
import dev.sluice.host.HostError;
import dev.sluice.host.Opening;
import dev.sluice.host.PingSocket;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Address;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A host whose sockets exist only in the test. */
public final class SimulatedDatagrams implements DatagramHost {
    public final List<Socket> sockets = new ArrayList<>();
    public final List<Ping> pings = new ArrayList<>();
    /** The addresses that the sockets were opened for. */
    public final List<String> bound = new ArrayList<>();
    /** What the next openings fail with. */
    public @Nullable HostError failure;

    public int attempts;
    private int nextPort = 40_000;
    private final MemorySegment memory = Arena.ofAuto().allocate(70_000, 8);

    @Override
    public Opening<DatagramSocket> openDatagram(
            long bindHigh, long bindLow, int bindPort, DatagramSocket.Events events) {
        attempts++;
        if (failure != null) {
            return new Opening.Failed<>(failure, "as the test wants it");
        }
        Socket socket = new Socket(events, bindPort == 0 ? nextPort++ : bindPort);
        sockets.add(socket);
        bound.add(IpHeader.address(bindHigh, bindLow).toString());
        return new Opening.Open<>(socket);
    }

    @Override
    public Opening<DatagramSocket> listenDatagram(
            long bindHigh, long bindLow, int bindPort, DatagramSocket.Events events) {
        return openDatagram(bindHigh, bindLow, bindPort, events);
    }

    @Override
    public Opening<PingSocket> openPing(boolean ipv6, PingSocket.Events events) {
        attempts++;
        if (failure != null) {
            return new Opening.Failed<>(failure, "as the test wants it");
        }
        Ping ping = new Ping(events, 500 + pings.size());
        pings.add(ping);
        return new Opening.Open<>(ping);
    }

    public long open() {
        return sockets.stream().filter(s -> !s.closed).count()
                + pings.stream().filter(p -> !p.closed).count();
    }

    private MemorySegment room(byte[] payload) {
        MemorySegment.copy(payload, 0, memory, ValueLayout.JAVA_BYTE, HEADROOM, payload.length);
        return memory;
    }

    private static long low(String address) {
        return DatagramHost.mapped(Ipv4Address.parse(address).bits());
    }

    /** A UDP socket: what was sent through it, and a way to receive. */
    public final class Socket implements DatagramSocket {
        public final List<String> sent = new ArrayList<>();
        public boolean closed;
        private final Events events;
        private final int port;

        Socket(Events events, int port) {
            this.events = events;
            this.port = port;
        }

        @Override
        public boolean send(
                long high,
                long low,
                int port,
                int timeToLive,
                int typeOfService,
                MemorySegment from,
                long at,
                int length) {
            byte[] payload = from.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
            sent.add(IpHeader.address(high, low) + ":" + port + " ttl " + timeToLive + " tos " + typeOfService + " "
                    + new String(payload, StandardCharsets.US_ASCII));
            return !closed;
        }

        public void receive(String from, int fromPort, String text) {
            byte[] payload = text.getBytes(StandardCharsets.US_ASCII);
            IpAddress address = IpAddress.parse(from);
            events.onDatagram(address.high(), address.low(), fromPort, 0, room(payload), HEADROOM, payload.length);
        }

        public void fail(int errno, int type, int code, int mtu, @Nullable String offender, String to, int toPort) {
            IpAddress by = IpAddress.parse(offender == null ? "::" : offender);
            IpAddress peer = IpAddress.parse(to);
            events.onError(
                    errno,
                    type,
                    code,
                    mtu,
                    by.high(),
                    by.low(),
                    peer.high(),
                    peer.low(),
                    toPort,
                    room(new byte[20]),
                    HEADROOM,
                    20);
        }

        @Override
        public int localPort() {
            return port;
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    /** A ping socket whose host answers when told to. */
    public final class Ping implements PingSocket {
        public final List<String> sent = new ArrayList<>();
        public boolean closed;
        /** What sending results in. */
        public int errno;

        private final Events events;
        private final int identifier;
        private byte[] last = new byte[0];

        Ping(Events events, int identifier) {
            this.events = events;
            this.identifier = identifier;
        }

        @Override
        public int send(
                long high, long low, int timeToLive, int typeOfService, MemorySegment from, long at, int length) {
            last = from.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
            sent.add(new Ipv4Address((int) low) + " ttl " + timeToLive + " sequence " + IcmpHeader.sequence(from, at)
                    + " length " + length);
            return errno;
        }

        /** The last request as it was on the wire, and as a reply. */
        private MemorySegment message(int type) {
            MemorySegment s = room(last);
            IcmpHeader.write(s, HEADROOM, type, 0, identifier << 16 | IcmpHeader.sequence(s, HEADROOM));
            IcmpHeader.updateChecksum(s, HEADROOM, last.length);
            return s;
        }

        public void reply(String from) {
            events.onReply(0, SimulatedDatagrams.low(from), 0, message(IcmpHeader.ECHO_REPLY), HEADROOM, last.length);
        }

        public void fail(int errno, int type, int code, String offender, String to) {
            events.onError(
                    errno,
                    type,
                    code,
                    0,
                    0,
                    SimulatedDatagrams.low(offender),
                    0,
                    SimulatedDatagrams.low(to),
                    message(IcmpHeader.ECHO_REQUEST),
                    HEADROOM,
                    Math.min(last.length, 28));
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}
