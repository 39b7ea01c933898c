package dev.sluice.fuzz;

import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.LinkHandler;
import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.testkit.MemoryLink;
import dev.sluice.testkit.RawFrames;
import dev.sluice.testkit.VirtualLoop;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * A whole {@link NetStack} with a listener and a UDP port, under frames and time. Frames are raw, or begin as good ones of a station that
 * follows the numbers the stack sends; checksums are made right, or nothing would get past them.
 */
public final class HostFrames {
    private static final int MOST_STEPS = 100;
    private static final long MILLIS = 1_000_000L;
    private static final int IP = EthernetHeader.LENGTH;
    private static final int TRANSPORT = IP + Ipv4Header.MIN_LENGTH;
    private static final MacAddress OURS = MacAddress.parse("02:00:00:00:00:01");
    private static final MacAddress THEIRS = MacAddress.parse("02:00:00:00:00:02");
    private static final Ipv4Address OUR_ADDRESS = Ipv4Address.parse("10.0.0.1");
    private static final Ipv4Address THEIR_ADDRESS = Ipv4Address.parse("10.0.0.2");
    private static final int PORT = 9000;

    private final VirtualLoop loop = new VirtualLoop(1_000_000_000L);
    private final MemoryLink.Pair cable = MemoryLink.pair(loop, 1500, false);
    private final RawFrames frames = new RawFrames(OURS, THEIRS, THEIR_ADDRESS);
    private byte[] lastFromStack = {};
    private int sequence = 1000;
    private int acknowledgment;
    private int heard;

    private HostFrames() {
        cable.right().start(new LinkHandler() {
            @Override
            public void onFrame(Link link, Frame frame) {
                hear(frame);
            }

            @Override
            public void onRoom(Link link) {}

            @Override
            public void onClosed(Link link, String reason) {}
        });
    }

    /** Steps: what to do, and its bytes. */
    public static void fuzzerTestOneInput(byte[] data) {
        HostFrames target = new HostFrames();
        NetConfig config = NetConfig.of("10.0.0.1/24").with(OURS).with(ConflictDetection.none());
        NetStack stack = target.elsewhere(() -> NetStack.open(target.loop, target.cable.left(), config));
        target.elsewhere(() -> stack.tcp().listen(PORT, 4));
        target.elsewhere(() -> stack.udp().bind(PORT));
        target.run(new Input(data));
        target.elsewhere(() -> {
            stack.close();
            return true;
        });
    }

    /** What waits for the loop waits on another thread, while the loop turns here. */
    private <T> T elsewhere(Callable<T> call) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread thread = Thread.ofPlatform().daemon().start(() -> {
            try {
                result.complete(call.call());
            } catch (Exception e) {
                result.completeExceptionally(e);
            }
        });
        try {
            while (thread.isAlive()) {
                loop.turn();
                thread.join(0, 200_000);
            }
            loop.settle();
            return result.get();
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    private void run(Input input) {
        for (int i = 0; i < MOST_STEPS && input.more(); i++) {
            int what = input.u8();
            switch (what % 12) {
                case 0 -> loop.advance(input.u8() * 10 * MILLIS);
                case 1 -> loop.advance(input.u16() * 100 * MILLIS);
                case 2 -> send(input.take(input.u8() * 6));
                case 3 -> send(changed(frames.arpRequest(OUR_ADDRESS), input));
                case 4 -> send(changed(frames.arpReply(OUR_ADDRESS), input));
                case 5 -> send(changed(frames.udp(OUR_ADDRESS, 5000, PORT + input.u8() % 2, input.take(20)), input));
                case 6 -> send(changed(frames.echoRequest(OUR_ADDRESS, input.u8()), input));
                case 7 -> error(input);
                case 8 -> fragment(input);
                default -> tcp(input);
            }
        }
        loop.advance(200_000 * MILLIS);
        Memory.require(heard < 4000, "so few frames cannot make so many: " + heard);
    }

    private void tcp(Input input) {
        int flags = input.u8() & 0x3f;
        byte[] payload = new byte[input.u8() * 4];
        byte[] frame = frames.tcp(
                OUR_ADDRESS,
                5000 + input.u8() % 2,
                PORT,
                sequence + input.s8() / 8,
                acknowledgment + input.s8() / 16,
                flags,
                payload);
        send(changed(frame, input));
    }

    private void error(Input input) {
        byte[] about = lastFromStack.length < TRANSPORT + 8 ? frames.echoRequest(OUR_ADDRESS, 8) : lastFromStack;
        int type = input.u8() % 4 == 0 ? input.u8() : IcmpHeader.DESTINATION_UNREACHABLE;
        send(changed(frames.icmpError(OUR_ADDRESS, type, input.u8() % 16, input.u16(), about), input));
    }

    private void fragment(Input input) {
        byte[] whole = frames.udp(OUR_ADDRESS, 5000, PORT, new byte[1000]);
        int offset = input.u8() % 128 * 8;
        byte[] part = Arrays.copyOf(whole, Math.min(whole.length, TRANSPORT + 8 * (1 + input.u8() % 32)));
        MemorySegment.ofArray(part).set(ValueLayout.JAVA_BYTE, IP + 2, (byte) (part.length - IP >>> 8));
        part[IP + 3] = (byte) (part.length - IP);
        send(changed(RawFrames.fragment(part, offset, input.u8() % 4 != 0), input));
    }

    /** Changes a few bytes, then makes the checksums right again. */
    private static byte[] changed(byte[] frame, Input input) {
        int changes = input.u8() % 4;
        for (int i = 0; i < changes; i++) {
            frame[input.u16() % frame.length] = (byte) input.u8();
        }
        if (changes > 0 && frame.length >= TRANSPORT && frame[12] == 8 && frame[13] == 0) {
            RawFrames.updateIpv4Checksum(frame);
            transport(frame);
        }
        return frame;
    }

    private static void transport(byte[] frame) {
        MemorySegment s = MemorySegment.ofArray(frame);
        if (Ipv4Header.check(s, IP, frame.length - IP) != Flaw.NONE || Ipv4Header.isFragment(s, IP)) {
            return;
        }
        int at = IP + Ipv4Header.headerLength(s, IP);
        int length = IP + Ipv4Header.totalLength(s, IP) - at;
        int protocol = Ipv4Header.protocol(s, IP);
        int field = switch (protocol) {
            case Ipv4Header.PROTOCOL_TCP -> TcpHeader.CHECKSUM;
            case Ipv4Header.PROTOCOL_UDP -> UdpHeader.CHECKSUM;
            case Ipv4Header.PROTOCOL_ICMP -> 2;
            default -> -1;
        };
        if (field < 0 || length < field + 2) {
            return;
        }
        frame[at + field] = 0;
        frame[at + field + 1] = 0;
        long sum = protocol == Ipv4Header.PROTOCOL_ICMP
                ? 0
                : Checksum.pseudoHeader(Ipv4Header.source(s, IP), Ipv4Header.destination(s, IP), protocol, length);
        int checksum = Checksum.finish(Checksum.add(sum, s, at, length));
        frame[at + field] = (byte) (checksum >>> 8);
        frame[at + field + 1] = (byte) checksum;
    }

    private void send(byte[] bytes) {
        if (bytes.length < EthernetHeader.LENGTH) {
            return; // no link carries less
        }
        Frame frame = new Frame();
        frame.set(MemorySegment.ofArray(bytes), 0, bytes.length);
        cable.right().send(frame);
        loop.settle();
    }

    private void hear(Frame frame) {
        heard++;
        byte[] bytes = bytes(frame);
        lastFromStack = bytes;
        MemorySegment s = MemorySegment.ofArray(bytes);
        Memory.require(EthernetHeader.check(s, 0, bytes.length) == Flaw.NONE, "what leaves is a frame");
        if (EthernetHeader.type(s, 0) != EthernetHeader.TYPE_IPV4) {
            return;
        }
        Memory.require(Ipv4Header.check(s, IP, bytes.length - IP) == Flaw.NONE, "with a packet");
        boolean segment = Ipv4Header.protocol(s, IP) == Ipv4Header.PROTOCOL_TCP && !Ipv4Header.isFragment(s, IP);
        if (segment) {
            int length = Ipv4Header.totalLength(s, IP) - Ipv4Header.MIN_LENGTH;
            Memory.require(TcpHeader.check(s, TRANSPORT, length) == Flaw.NONE, "with a segment");
            Memory.require(
                    TcpHeader.checksumOk(s, TRANSPORT, length, Ipv4Header.source(s, IP), Ipv4Header.destination(s, IP)),
                    "with a checksum");
            int flags = TcpHeader.flags(s, TRANSPORT);
            if ((flags & TcpHeader.RST) == 0) {
                sequence = TcpHeader.acknowledgment(s, TRANSPORT);
                acknowledgment = TcpHeader.sequence(s, TRANSPORT)
                        + length
                        - TcpHeader.headerLength(s, TRANSPORT)
                        + Integer.bitCount(flags & (TcpHeader.SYN | TcpHeader.FIN));
            }
        }
    }

    private static byte[] bytes(Frame frame) {
        byte[] bytes = new byte[frame.length()];
        MemorySegment s = MemorySegment.ofArray(bytes);
        MemorySegment.copy(frame.head, frame.headAt, s, 0, frame.headLength);
        MemorySegment.copy(frame.body, frame.bodyAt, s, frame.headLength, frame.bodyLength);
        int rest = frame.headLength + frame.bodyLength;
        MemorySegment.copy(frame.body, frame.bodyWrapAt, s, rest, frame.bodyWrapLength);
        return bytes;
    }
}
