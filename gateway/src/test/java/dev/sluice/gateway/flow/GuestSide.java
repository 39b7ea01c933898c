package dev.sluice.gateway.flow;

import dev.sluice.testkit.NowhereLink;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** What guests send and receive, without links: writes their packets, keeps what would have been sent to them. */
public final class GuestSide implements PacketOutput, IcmpErrors {
    /** A packet to a guest. */
    public record Packet(
            Guest guest,
            String source,
            int protocol,
            int timeToLive,
            int typeOfService,
            byte[] transport,
            int checksumOffset) {

        public String udp() {
            MemorySegment s = MemorySegment.ofArray(transport);
            return source + ":" + UdpHeader.sourcePort(s, 0) + " > " + guest.ipAddress() + ":"
                    + UdpHeader.destinationPort(s, 0) + " "
                    + new String(payload(), java.nio.charset.StandardCharsets.US_ASCII);
        }

        public byte[] payload() {
            return java.util.Arrays.copyOfRange(transport, 8, transport.length);
        }
    }

    /** An ICMP error to a guest. */
    public record Failure(Guest guest, String source, int type, int code, int rest, byte[] quoted) {

        /** The quoted packet's addresses and ports, read as a guest's kernel would. */
        public String udp() {
            MemorySegment s = MemorySegment.ofArray(quoted);
            int udp = IpHeader.isIpv4(s, 0) ? Ipv4Header.headerLength(s, 0) : Ipv6Header.LENGTH;
            return type + "/" + code + " by " + source + ": "
                    + IpHeader.address(IpHeader.sourceHigh(s, 0), IpHeader.sourceLow(s, 0)) + ":"
                    + UdpHeader.sourcePort(s, udp) + " > "
                    + IpHeader.address(IpHeader.destinationHigh(s, 0), IpHeader.destinationLow(s, 0)) + ":"
                    + UdpHeader.destinationPort(s, udp);
        }

        /** The quoted echo request. */
        public String echo() {
            MemorySegment s = MemorySegment.ofArray(quoted);
            int icmp = Ipv4Header.headerLength(s, 0);
            return type + "/" + code + " by " + source + ": " + new Ipv4Address(Ipv4Header.source(s, 0)) + " > "
                    + new Ipv4Address(Ipv4Header.destination(s, 0)) + " type " + IcmpHeader.type(s, icmp) + " id "
                    + IcmpHeader.identifier(s, icmp) + " sequence " + IcmpHeader.sequence(s, icmp);
        }

        public boolean headerIsGood() {
            MemorySegment s = MemorySegment.ofArray(quoted);
            return Ipv4Header.check(s, 0, quoted.length) == dev.sluice.wire.Flaw.NONE;
        }
    }

    public final LinkedBlockingQueue<Packet> packets = new LinkedBlockingQueue<>();
    public final LinkedBlockingQueue<Failure> failures = new LinkedBlockingQueue<>();
    /** When false nothing is kept: for measuring. */
    public volatile boolean recording = true;

    public volatile long count;
    public final MemorySegment memory = Arena.ofAuto().allocate(70_000, 8);
    public static final int IP = 64;

    public static Guest guest(String text) {
        IpAddress address = IpAddress.parse(text);
        return new Guest(address.high(), address.low(), 0x5254_0000_0001L, new NowhereLink());
    }

    /** Writes an IPv6 guest's UDP packet at {@link #IP}; the UDP length. */
    public int udp(Guest source, int sourcePort, String destination, int port, byte[] payload) {
        IpAddress to = IpAddress.parse(destination);
        int length = UdpHeader.LENGTH + payload.length;
        int protocol = Ipv4Header.PROTOCOL_UDP;
        Ipv6Header.write(memory, IP, 0, 0, length, protocol, 64, source.high, source.low, to.high(), to.low());
        UdpHeader.write(memory, IP + Ipv6Header.LENGTH, sourcePort, port, length);
        long at = IP + Ipv6Header.LENGTH + UdpHeader.LENGTH;
        MemorySegment.copy(payload, 0, memory, ValueLayout.JAVA_BYTE, at, payload.length);
        return length;
    }

    /** Writes a guest's UDP packet at {@link #IP}; the UDP length. */
    public int udp(int source, int sourcePort, String destination, int port, byte[] payload) {
        return udp(source, sourcePort, Ipv4Address.parse(destination).bits(), port, 64, 0, payload);
    }

    public int udp(
            int source, int sourcePort, int destination, int port, int timeToLive, int typeOfService, byte[] payload) {
        int length = UdpHeader.LENGTH + payload.length;
        int total = Ipv4Header.MIN_LENGTH + length;
        Ipv4Header.write(
                memory, IP, typeOfService, total, 7, 0, timeToLive, Ipv4Header.PROTOCOL_UDP, source, destination);
        UdpHeader.write(memory, IP + 20, sourcePort, port, length);
        MemorySegment.copy(payload, 0, memory, ValueLayout.JAVA_BYTE, IP + 28, payload.length);
        return length;
    }

    /** Writes a guest's echo request at {@link #IP}; the ICMP length. */
    public int echo(int source, String destination, int identifier, int sequence, int timeToLive, byte[] payload) {
        int length = IcmpHeader.LENGTH + payload.length;
        Ipv4Header.write(
                memory,
                IP,
                0,
                Ipv4Header.MIN_LENGTH + length,
                7,
                0,
                timeToLive,
                Ipv4Header.PROTOCOL_ICMP,
                source,
                Ipv4Address.parse(destination).bits());
        IcmpHeader.write(memory, IP + 20, IcmpHeader.ECHO_REQUEST, 0, identifier << 16 | sequence);
        MemorySegment.copy(payload, 0, memory, ValueLayout.JAVA_BYTE, IP + 28, payload.length);
        IcmpHeader.updateChecksum(memory, IP + 20, length);
        return length;
    }

    @Override
    public boolean send(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            int protocol,
            int timeToLive,
            int typeOfService,
            MemorySegment memory,
            long at,
            int length,
            int checksumOffset) {
        int first = protocol == Ipv4Header.PROTOCOL_UDP ? UdpHeader.length(memory, at) : length;
        if (first < length) {
            int sourcePort = UdpHeader.sourcePort(memory, at);
            int guestPort = UdpHeader.destinationPort(memory, at);
            for (int from = 0; from < length - 8; from += first - 8) {
                int bytes = Math.min(first, length - from);
                UdpHeader.write(memory, at + from, sourcePort, guestPort, bytes);
                send(
                        guest,
                        sourceHigh,
                        sourceLow,
                        protocol,
                        timeToLive,
                        typeOfService,
                        memory,
                        at + from,
                        bytes,
                        checksumOffset);
            }
            return true;
        }
        count++;
        for (int i = 1; i <= HEADROOM; i++) {
            memory.set(ValueLayout.JAVA_BYTE, at - i, (byte) 0xee);
        }
        if (recording) {
            byte[] transport = memory.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
            packets.add(new Packet(
                    guest,
                    IpHeader.address(sourceHigh, sourceLow).toString(),
                    protocol,
                    timeToLive,
                    typeOfService,
                    transport,
                    checksumOffset));
        }
        return true;
    }

    @Override
    public void send(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            int type,
            int code,
            int rest,
            MemorySegment packet,
            long at,
            int length) {
        boolean gateway = sourceHigh == GATEWAY && sourceLow == GATEWAY;
        String source = gateway
                ? "192.168.65.1"
                : IpHeader.address(sourceHigh, sourceLow).toString();
        byte[] quoted = packet.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
        failures.add(new Failure(guest, source, type, code, rest, quoted));
    }

    public Packet nextPacket() throws InterruptedException {
        Packet packet = packets.poll(60, TimeUnit.SECONDS);
        if (packet == null) {
            throw new AssertionError("no packet to a guest within ten seconds; failures: " + failures);
        }
        return packet;
    }

    public Failure nextFailure() throws InterruptedException {
        Failure failure = failures.poll(60, TimeUnit.SECONDS);
        if (failure == null) {
            throw new AssertionError("no ICMP error to a guest within ten seconds; packets: " + packets);
        }
        return failure;
    }

    public static boolean icmpChecksumIsGood(byte[] message) {
        return Checksum.finish(Checksum.add(0, MemorySegment.ofArray(message), 0, message.length)) == 0;
    }
}
