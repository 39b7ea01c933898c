package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class AllocationTest {
    private static final int ROUNDS = 20_000;

    /** What the compiler may take. On a busy machine it has time, not a number of rounds. */
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    @Test
    void callsOfTheDataPathAllocateNothing() throws Exception {
        int[] ends = Sockets.socketpair(Sockets.AF_UNIX, Sockets.DGRAM);
        try (Arena arena = Arena.ofConfined();
                Epoll epoll = new Epoll(4)) {
            MemorySegment buffer = arena.allocate(4096, 8);
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY, 8);
            MemorySegment iovecs = arena.allocate(2L * Io.IOVEC, 8);
            MemorySegment vector = arena.allocate(2L * Message.MULTI_HEADER, 8);
            epoll.add(ends[1], Epoll.IN, 7);
            Runnable round = () -> round(ends, buffer, address, iovecs, vector, epoll);
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long id = Thread.currentThread().threadId();
            // the first question may itself allocate
            threads.getThreadAllocatedBytes(id);
            long perRound = Long.MAX_VALUE;
            for (long until = System.nanoTime() + PATIENCE_NANOS; perRound > 0 && System.nanoTime() - until < 0; ) {
                long before = threads.getThreadAllocatedBytes(id);
                repeat(ROUNDS, round);
                // a straggler of the compiler (one deoptimised call) is no per-call garbage
                perRound = (threads.getThreadAllocatedBytes(id) - before) / ROUNDS;
            }
            assertThat(perRound).as("bytes per round").isZero();
        } finally {
            Io.close(ends[0]);
            Io.close(ends[1]);
        }
    }

    private static void repeat(int times, Runnable round) {
        for (int i = 0; i < times; i++) {
            round.run();
        }
    }

    private static void round(
            int[] ends,
            MemorySegment buffer,
            MemorySegment address,
            MemorySegment iovecs,
            MemorySegment vector,
            Epoll epoll) {
        int sum = Io.write(ends[0], buffer, 0, 100);
        sum += Io.read(ends[1], buffer, 100, 1000);
        sum += Sockets.send(ends[0], buffer, 0, 100, Sockets.MSG_NOSIGNAL);
        sum += Sockets.recvfrom(ends[1], buffer, 100, 1000, Sockets.MSG_DONTWAIT, address);
        for (int i = 0; i < 2; i++) {
            Io.putIovec(iovecs, i, buffer, 0, 50);
            Message.putHeader(vector, (long) i * Message.MULTI_HEADER, iovecs, (long) i * Io.IOVEC, 1);
        }
        sum += 50 * Sockets.sendmmsg(ends[0], vector, 2, Sockets.MSG_DONTWAIT);
        if (epoll.await(0) != 1 || epoll.data(0) != 7) {
            throw new AssertionError("epoll");
        }
        sum += 50 * Sockets.recvmmsg(ends[1], vector, 2, Sockets.MSG_DONTWAIT);
        sum += 50 * Sockets.sendmsg(ends[0], vector, 0);
        sum += Io.readv(ends[1], iovecs, 2);
        sum += Sockets.option(ends[0], Sockets.SOL_SOCKET, Sockets.SO_ERROR);
        sum += Sockets.recv(ends[1], buffer, 0, 10, 0);
        if (sum != 100 * 6 + 50 * 50 + 50 - Errno.EAGAIN) {
            throw new AssertionError("sum " + sum);
        }
    }
}
