package dev.sluice.link;

import dev.sluice.fuzz.Input;
import dev.sluice.fuzz.Memory;
import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.EthernetHeader;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Frames of guests on real sockets, cut anywhere: behind lengths of 32 and of 16 bits (QEMU, VPNKit), and bare in packets (BESS, vfkit).
 * What is delivered must be what a plain reading of the same bytes gives, in order and once.
 */
public final class FramingsTarget {
    /** From this size on an operation is a run of zeros, which makes frames of any length. */
    private static final int RUN = 192;

    private static final int RUN_UNIT = 1024;
    /** A link gets no more than this. */
    private static final int MOST = 400_000;

    private static final int PATIENCE_SECONDS = 10;

    private FramingsTarget() {}

    /** One for all inputs, as a thread each would cost more than what is tested. */
    private static final class Shared {
        static final EventLoop LOOP = start();

        private static EventLoop start() {
            try {
                return EventLoop.start("fuzz");
            } catch (PosixException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /** What the link's owner sees. */
    private static final class Seen implements LinkHandler {
        final List<byte[]> frames = new ArrayList<>();

        @Nullable
        String closed;

        @Override
        public void onFrame(Link link, Frame frame) {
            Memory.require(closed == null, "nothing comes after the end");
            frames.add(frame.head.asSlice(frame.headAt, frame.headLength).toArray(ValueLayout.JAVA_BYTE));
        }

        @Override
        public void onRoom(Link link) {}

        @Override
        public void onClosed(Link link, String reason) {
            Memory.require(!reason.isEmpty(), "an end has a reason");
            Memory.require(closed == null, "a link ends once");
            closed = reason;
        }
    }

    /** The first byte says which framing; then pieces, each with its size, of 192 on kilobytes of zeros. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        int kind = input.u8() % 3;
        try {
            if (kind == 2) {
                packets(input);
            } else {
                stream(input, kind == 0 ? Framing.BE32 : Framing.LE16);
            }
        } catch (PosixException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void stream(Input input, Framing framing) throws PosixException {
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        long failures = Shared.LOOP.failures();
        Seen seen = new Seen();
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        StreamLink link = new StreamLink(Shared.LOOP, pair[1], pair[1], "fuzz", 1500, framing);
        onLoop(() -> link.start(seen));
        while (input.more() && all.size() < MOST) {
            byte[] piece = piece(input);
            all.writeBytes(piece);
            write(pair[0], piece);
            settle();
        }
        List<byte[]> expected = new ArrayList<>();
        boolean broken = read(all.toByteArray(), framing, expected);
        Memory.require(broken == (seen.closed != null), "what can't be a frame ends the link, and nothing else does");
        Io.close(pair[0]);
        finish(link, seen, expected, failures);
    }

    private static void packets(Input input) throws PosixException {
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.SEQPACKET);
        long failures = Shared.LOOP.failures();
        Seen seen = new Seen();
        List<byte[]> expected = new ArrayList<>();
        PacketLink link = new PacketLink(Shared.LOOP, pair[1], "fuzz", 1500, null);
        onLoop(() -> link.start(seen));
        while (input.more()) {
            byte[] packet = piece(input);
            // An empty packet is how such a socket says that it is over.
            if (packet.length > 0) {
                write(pair[0], packet);
                settle();
            }
            if (packet.length >= EthernetHeader.LENGTH && packet.length <= Framing.MAX_FRAME) {
                expected.add(packet);
            }
        }
        Memory.require(seen.closed == null, "no packet ends the link");
        Io.close(pair[0]);
        finish(link, seen, expected, failures);
    }

    private static byte[] piece(Input input) {
        int size = input.u8();
        return size < RUN ? input.take(size) : new byte[(size - RUN) * RUN_UNIT];
    }

    /** What frames the bytes hold; true if a length among them can't be. */
    private static boolean read(byte[] bytes, Framing framing, List<byte[]> frames) {
        MemorySegment s = MemorySegment.ofArray(bytes);
        int prefix = framing == Framing.BE32 ? 4 : 2;
        int at = 0;
        while (bytes.length - at >= prefix) {
            long length = framing == Framing.BE32 ? Bytes.u32(s, at) : Bytes.u8(s, at) | Bytes.u8(s, at + 1) << 8;
            if (length < EthernetHeader.LENGTH || length > Framing.MAX_FRAME) {
                return true;
            }
            if (bytes.length - at - prefix < length) {
                return false;
            }
            frames.add(Arrays.copyOfRange(bytes, at + prefix, at + prefix + (int) length));
            at += prefix + (int) length;
        }
        return false;
    }

    private static void write(int fd, byte[] bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment s = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            // A link that has ended closes its side; the rest is lost.
            Sockets.send(fd, s, 0, bytes.length, Sockets.MSG_NOSIGNAL);
        }
    }

    private static void finish(Link link, Seen seen, List<byte[]> expected, long failures) {
        settle();
        Memory.require(seen.closed != null, "the end of the other side is noticed");
        onLoop(link::close);
        Memory.require(Shared.LOOP.failures() == failures, "no exception reaches the loop");
        Memory.require(
                seen.frames.size() == expected.size(),
                seen.frames.size() + " frames came of " + expected.size() + "; " + seen.closed);
        for (int i = 0; i < expected.size(); i++) {
            Memory.require(Arrays.equals(seen.frames.get(i), expected.get(i)), "frame " + i + " differs");
        }
    }

    /** Until the loop has met what was written: not before the turn after the next, as one may have looked around already. */
    private static void settle() {
        long[] turn = new long[2];
        onLoop(() -> turn[0] = Shared.LOOP.turns());
        do {
            onLoop(() -> turn[1] = Shared.LOOP.turns());
        } while (turn[1] < turn[0] + 2);
    }

    private static void onLoop(Runnable task) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        Shared.LOOP.execute(() -> {
            try {
                task.run();
                done.complete(null);
            } catch (RuntimeException | Error e) {
                done.completeExceptionally(e);
            }
        });
        done.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
    }
}
