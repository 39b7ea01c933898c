package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.loop.EventLoop;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A loop with this machine's datagram sockets on it, memory to send from, and recorders of what comes. */
final class DatagramWorld implements AutoCloseable {
    static final long LOOPBACK = DatagramHost.mapped(0x7f00_0001);
    private static final int SHOWN = 100;

    final EventLoop loop;
    final LinuxDatagramHost host;
    private final Arena arena = Arena.ofShared();
    final MemorySegment memory = arena.allocate(1 << 20);

    DatagramWorld() throws Exception {
        loop = EventLoop.start("test");
        host = new LinuxDatagramHost(loop);
    }

    /** Runs {@code action} on the loop. */
    <T> T on(Callable<T> action) throws Exception {
        var result = new CompletableFuture<T>();
        loop.execute(() -> {
            try {
                result.complete(action.call());
            } catch (Throwable t) {
                result.completeExceptionally(t);
            }
        });
        return result.get(60, TimeUnit.SECONDS);
    }

    DatagramSocket open(long high, long low, int port, DatagramSocket.Events events) throws Exception {
        return switch (on(() -> host.openDatagram(high, low, port, events))) {
            case Opening.Open<DatagramSocket>(DatagramSocket socket) -> socket;
            case Opening.Failed<DatagramSocket>(HostError error, String reason) -> throw new AssertionError(reason);
        };
    }

    @Override
    public void close() {
        loop.close();
        arena.close();
        assertThat(loop.failures()).isZero();
    }

    private static byte[] bytes(MemorySegment memory, long at, int length) {
        return memory.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
    }

    private static String address(long high, long low) {
        return IpHeader.address(high, low).toString();
    }

    private static String text(MemorySegment memory, long at, int length) {
        return new String(bytes(memory, at, Math.min(length, SHOWN)), StandardCharsets.US_ASCII);
    }

    /** The next of a queue; "null" if there is none for a minute. */
    private static String next(LinkedBlockingQueue<String> queue) throws InterruptedException {
        return String.valueOf(queue.poll(60, TimeUnit.SECONDS));
    }

    /** What a datagram socket reports, in order; and it makes use of the memory it may write to. */
    static final class Recorder implements DatagramSocket.Events {
        private final LinkedBlockingQueue<String> seen = new LinkedBlockingQueue<>();
        private final LinkedBlockingQueue<byte[]> payloads = new LinkedBlockingQueue<>();
        /** Events with several datagrams: {@code LENGTH of SIZE tos TOS}. */
        final List<String> several = new CopyOnWriteArrayList<>();
        /** Datagrams that were given up; counted on the loop. */
        volatile int dropped;

        @Override
        public void onDatagram(
                long high, long low, int port, int typeOfService, MemorySegment memory, long at, int length) {
            seen.add("datagram " + address(high, low) + " " + port + " tos " + typeOfService + " "
                    + text(memory, at, length));
            payloads.add(bytes(memory, at, length));
            memory.asSlice(at - DatagramHost.HEADROOM, DatagramHost.HEADROOM).fill((byte) 0xee);
        }

        @Override
        public void onDatagrams(
                long high, long low, int port, int typeOfService, MemorySegment memory, long at, int length, int size) {
            several.add(length + " of " + size + " tos " + typeOfService);
            DatagramSocket.Events.super.onDatagrams(high, low, port, typeOfService, memory, at, length, size);
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
            seen.add("error " + errno + " icmp " + icmpType + "/" + icmpCode + " by "
                    + address(offenderHigh, offenderLow) + " to " + address(high, low) + " " + port + " "
                    + text(memory, at, length));
            memory.asSlice(at - DatagramHost.HEADROOM, DatagramHost.HEADROOM).fill((byte) 0xee);
        }

        @Override
        public void onDropped(int datagrams) {
            dropped += datagrams;
            seen.add("dropped " + datagrams);
        }

        String next() throws InterruptedException {
            return DatagramWorld.next(seen);
        }

        byte[] nextBytes() throws InterruptedException {
            byte[] payload = payloads.poll(60, TimeUnit.SECONDS);
            assertThat(payload)
                    .as("a datagram within ten seconds; seen so far: %s", seen.size())
                    .isNotNull();
            return payload;
        }
    }

    /** What a ping socket reports. Replies over IPv4 come with their checksum, which is checked. */
    static final class PingRecorder implements PingSocket.Events {
        private final LinkedBlockingQueue<String> seen = new LinkedBlockingQueue<>();

        @Override
        public void onReply(long high, long low, int typeOfService, MemorySegment memory, long at, int length) {
            boolean flawed = IpHeader.isIpv4(high, low) && Checksum.finish(Checksum.add(0, memory, at, length)) != 0;
            seen.add("reply " + address(high, low) + " type " + IcmpHeader.type(memory, at) + " sequence "
                    + IcmpHeader.sequence(memory, at) + " length " + length + (flawed ? " with a wrong checksum" : ""));
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
                MemorySegment memory,
                long at,
                int length) {
            seen.add("error " + errno);
        }

        String next() throws InterruptedException {
            return DatagramWorld.next(seen);
        }
    }
}
