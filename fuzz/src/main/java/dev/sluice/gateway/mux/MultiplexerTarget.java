package dev.sluice.gateway.mux;

import dev.sluice.fuzz.Input;
import dev.sluice.fuzz.Memory;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.testkit.VirtualLoop;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Ipv4Address;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** VPNKit's multiplexer, whose other side sends anything, while this side uses its channels. What leaves must be the protocol. */
public final class MultiplexerTarget {
    private static final int MOST_CHANNELS = 64;
    private static final int GREETING = 52 + 2;

    private final Input input;
    private final VirtualLoop loop = new VirtualLoop(0);
    private final Carrier carrier = new Carrier();
    private final Multiplexer mux;
    private final List<Channel> channels = new ArrayList<>();
    /** Those whose stream holds datagrams, and the reader of each. */
    private final Map<Channel, DatagramCodec> codecs = new HashMap<>();

    private final MemorySegment memory = MemorySegment.ofArray(new byte[1 << 16]);
    /** No more than this may have been sent, by channel: all windows that the other side has announced, added up. */
    private final Map<Integer, Long> allowed = new HashMap<>();
    /** The other side has sent bytes that are not counted there. */
    private boolean raw;

    private boolean over;

    private MultiplexerTarget(byte[] data) {
        input = new Input(data);
        Generation generation = Generation.values()[input.u8() % Generation.values().length];
        mux = new Multiplexer(loop, generation, new byte[0], new Multiplexer.Owner() {
            @Override
            public void onOpen(Channel channel) {
                if (channels.size() < MOST_CHANNELS) {
                    add(channel);
                    channel.accept(StreamSocket.Events.NOBODY);
                } else {
                    channel.close();
                }
            }

            @Override
            public void onEnd(String reason) {
                Memory.require(!reason.isEmpty() && !over, "a multiplexer ends once, for a reason");
                over = true;
            }
        });
        mux.carryConnected(carrier);
        if (generation.greets && input.u8() % 4 != 0) {
            carrier.in.writeBytes("https://github.com/moby/vpnkit multiplexer protocol\n\0\0".getBytes());
        }
        carrier.greets = generation.greets;
    }

    private void add(Channel channel) {
        channels.add(channel);
        if (channel.target() instanceof MuxTarget.Udp) {
            codecs.put(channel, new DatagramCodec());
        }
    }

    /** The first byte says which generation; then operations of both sides. */
    public static void fuzzerTestOneInput(byte[] data) {
        new MultiplexerTarget(data).run();
    }

    private void run() {
        while (input.more()) {
            step(input.u8());
            if (!carrier.blocked) {
                mux.events().onWritable();
            }
            mux.events().onReadable();
            loop.settle();
            Memory.require(over == mux.isEnded(), "the owner knows of the end");
            Memory.require(mux.size() <= Multiplexer.MAX_CHANNELS, "channels are bounded");
        }
        carrier.blocked = false;
        mux.events().onWritable();
        loop.settle();
        judge();
        mux.close();
        loop.settle();
        for (Channel channel : channels) {
            Memory.require(channel.write(memory, 0, 1, 0, 0) == StreamSocket.FAILED, "a broken channel takes nothing");
        }
    }

    private void step(int operation) {
        switch (operation % 14) {
            case 0 -> {
                raw = true;
                carrier.in.writeBytes(input.take(input.u8()));
            }
            case 1 -> frame(MuxFrame.OPEN, place(1));
            case 2 -> frame(MuxFrame.OPEN, place(2));
            case 3 -> frame(MuxFrame.CLOSE, new byte[0]);
            case 4 -> frame(MuxFrame.SHUTDOWN, new byte[0]);
            case 5 -> data(input.take(input.u8()));
            case 6 -> data(new byte[input.u8() * 260]);
            case 7 -> window();
            case 8 -> {
                if (channels.size() < MOST_CHANNELS) {
                    MuxTarget target = input.u8() % 2 == 0
                            ? new MuxTarget.Udp(Ipv4Address.parse("10.0.0.1"), 53)
                            : new MuxTarget.Tcp(Ipv4Address.parse("10.0.0.1"), 80);
                    add(mux.open(target, StreamSocket.Events.NOBODY));
                }
            }
            case 9 -> read(chosen());
            case 10 -> {
                Channel channel = chosen();
                if (channel != null) {
                    channel.write(memory, 0, 1 + input.u16(), 0, 0);
                }
            }
            case 11 -> {
                Channel channel = chosen();
                if (channel != null) {
                    channel.close();
                }
            }
            case 12 -> {
                Channel channel = chosen();
                if (channel != null) {
                    channel.shutdownOutput();
                }
            }
            default -> carrier.blocked = !carrier.blocked;
        }
    }

    private @Nullable Channel chosen() {
        return channels.isEmpty() ? null : channels.get(input.u8() % channels.size());
    }

    private void read(@Nullable Channel channel) {
        if (channel == null) {
            return;
        }
        DatagramCodec codec = codecs.get(channel);
        if (codec == null) {
            channel.read(memory, 0, 1 + input.u16(), 0, 0);
        } else if (codec.receive(channel, MultiplexerTarget::look) == StreamSocket.FAILED) {
            channel.close();
        }
    }

    private static void look(long high, long low, int port, MemorySegment from, long at, int length) {
        from.asSlice(at, length);
        Memory.require(port >= 0 && port <= 0xffff, "a port has 16 bits");
    }

    /** A number that one of the sides may have in use. */
    private int number() {
        int number = input.u8();
        return number < 128 ? number : number < 192 ? 0x7fff_ffff + number - 128 : -1 - (number - 192);
    }

    private void frame(int command, byte[] rest) {
        header(command, number(), rest);
    }

    private void header(int command, int channel, byte[] rest) {
        byte[] bytes = new byte[MuxFrame.PLAIN_LENGTH + rest.length];
        MemorySegment s = MemorySegment.ofArray(bytes);
        MuxFrame.put(s, 0, bytes.length, command, channel);
        System.arraycopy(rest, 0, bytes, MuxFrame.PLAIN_LENGTH, rest.length);
        carrier.in.writeBytes(bytes);
    }

    private byte[] place(int protocol) {
        return new byte[] {2, (byte) protocol, 4, 0, 10, 0, 0, 1, 53, 0};
    }

    private void data(byte[] payload) {
        byte[] length = new byte[4];
        Bytes.put32LE(MemorySegment.ofArray(length), 0, payload.length);
        frame(MuxFrame.DATA, length);
        carrier.in.writeBytes(payload);
    }

    private void window() {
        byte[] value = new byte[8];
        int channel = number();
        long window = input.u16() << (input.u8() % 8);
        Bytes.put64LE(MemorySegment.ofArray(value), 0, window);
        header(MuxFrame.WINDOW, channel, value);
        allowed.merge(channel, window, Long::sum);
    }

    /** What left is frames, from the first byte to the last, and no more data than was allowed. */
    private void judge() {
        byte[] bytes = carrier.out.toByteArray();
        MemorySegment s = MemorySegment.ofArray(bytes);
        int at = carrier.greets ? GREETING : 0;
        Map<Integer, Long> sent = new HashMap<>();
        while (at < bytes.length && !over) {
            int length = MuxFrame.length(s, at);
            int command = MuxFrame.command(s, at);
            Memory.require(MuxFrame.isLength(command, length), "command " + command + " of " + length + " bytes left");
            long payload = command == MuxFrame.DATA ? MuxFrame.dataLength(s, at) : 0;
            if (payload > 0) {
                sent.merge(MuxFrame.channel(s, at), payload, Long::sum);
            }
            at += length + (int) payload;
        }
        for (Map.Entry<Integer, Long> each : sent.entrySet()) {
            Memory.require(
                    raw || each.getValue() <= allowed.getOrDefault(each.getKey(), 0L), "no more was sent than allowed");
        }
        Memory.require(over || at == Math.max(bytes.length, carrier.greets ? GREETING : 0), "the last frame is whole");
    }

    /** Users who only act when the input says so. */
    /** A stream in memory that may refuse to be written to. */
    private static final class Carrier implements StreamSocket {
        final ByteArrayOutputStream in = new ByteArrayOutputStream();
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        private final ArrayDeque<byte[]> pieces = new ArrayDeque<>();
        boolean blocked;
        boolean greets;
        private boolean closed;

        @Override
        public int read(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
            if (in.size() > 0) {
                pieces.add(in.toByteArray());
                in.reset();
            }
            byte[] piece = pieces.poll();
            if (piece == null) {
                return WOULD_BLOCK;
            }
            int n = Math.min(length, piece.length);
            MemorySegment.copy(piece, 0, memory, ValueLayout.JAVA_BYTE, at, n);
            if (n < piece.length) {
                pieces.push(Arrays.copyOfRange(piece, n, piece.length));
            }
            return n;
        }

        @Override
        public int peek(MemorySegment memory, long at, int length) {
            throw new AssertionError("a carrier is read");
        }

        @Override
        public void skip(MemorySegment memory, long at, int length) {
            throw new AssertionError("a carrier is read");
        }

        @Override
        public int write(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
            Memory.require(!closed && length > 0 && wrapLength == 0, "only what is open is written to");
            if (blocked) {
                return WOULD_BLOCK;
            }
            int n = Math.min(length, 50_000);
            out.writeBytes(memory.asSlice(at, n).toArray(ValueLayout.JAVA_BYTE));
            return n;
        }

        @Override
        public boolean mayHoldMore() {
            return false;
        }

        @Override
        public boolean broken() {
            return false;
        }

        @Override
        public void shutdownOutput() {}

        @Override
        public void close() {
            closed = true;
        }

        @Override
        public void reset() {
            closed = true;
        }

        @Override
        public HostError error() {
            return HostError.OTHER;
        }
    }
}
