package dev.sluice.testkit;

import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.SendRing;
import dev.sluice.stack.tcp.Tcb;
import dev.sluice.stack.tcp.TcpCounters;
import dev.sluice.stack.tcp.TcpOutput;
import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.stack.tcp.TcpShard;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Consumer;

/**
 * As many bytes as one connection can carry over a link in virtual time, in one direction, between users who never pause: for judging
 * how fast a {@link TcpProfile} is, not whether it is right, which {@link TcpScenario} does.
 */
public final class BulkTransfer {
    private static final long NEVER = Long.MAX_VALUE;

    private final Simulation simulation;
    private final long bytes;
    private final End sender;
    private final End receiver;
    private final TcpShard shard;

    /**
     * What came of it.
     *
     * @param nanos from the first SYN to the last byte
     * @param counters of both ends together
     */
    public record Outcome(long bytes, long nanos, TcpCounters counters) {
        /** Goodput in bytes per second. */
        public double rate() {
            return bytes * 1e9 / nanos;
        }
    }

    /** From an end with profile {@code from} to one with {@code to}; data over {@code there}, acknowledgments over {@code back}. */
    public BulkTransfer(long seed, TcpProfile from, TcpProfile to, LinkModel there, LinkModel back, long bytes) {
        this.simulation = new Simulation(seed, 1_000_000_000L);
        this.bytes = bytes;
        this.shard = new TcpShard(NativeMemory.ofArenas(), 1L << 30, simulation.random());
        this.sender = new End(from, bytes);
        this.receiver = new End(to, 0);
        sender.link = new SimulatedLink(simulation, there, receiver::receive)::send;
        receiver.link = new SimulatedLink(simulation, back, sender::receive)::send;
    }

    /**
     * Runs until all has arrived.
     *
     * @throws AssertionError if that takes more than {@code patience} ns
     */
    public Outcome run(long patience) {
        long begin = simulation.now();
        int isn = simulation.random().nextInt();
        sender.tcb.openActive(0, 0, isn, begin, 1, 2);
        sender.turn();
        while (receiver.got < bytes) {
            if (!simulation.step() || simulation.now() - begin > patience) {
                throw new AssertionError(receiver.got + " of " + bytes + " bytes after "
                        + (simulation.now() - begin) / 1_000_000 + " ms: " + sender.tcb.snapshot());
            }
        }
        long nanos = simulation.now() - begin;
        sender.tcb.release();
        receiver.tcb.release();
        shard.close();
        return new Outcome(bytes, nanos, shard.counters());
    }

    private final class End implements TcpOutput {
        private final Tcb tcb;
        private final MemorySegment in = Arena.ofAuto().allocate(70_000);
        private Consumer<byte[]> link = packet -> {};
        private long left;
        private long got;
        private long turnAt = NEVER;
        private boolean opened;

        End(TcpProfile profile, long left) {
            this.tcb = new Tcb(shard, profile, this);
            this.left = left;
        }

        private void receive(byte[] packet) {
            MemorySegment.copy(packet, 0, in, ValueLayout.JAVA_BYTE, 0, packet.length);
            long now = simulation.now();
            if (left == 0 && !opened && this == receiver) {
                opened = true;
                tcb.openPassive(0, 0, in, 0, packet.length, ~simulation.random().nextInt(), now);
                tcb.accept(now);
            } else {
                tcb.onSegment(in, 0, packet.length, now);
            }
            turn();
        }

        private void turn() {
            long now = simulation.now();
            tcb.onTimer(now);
            while (left > 0) {
                SendRing ring = tcb.sendRing();
                int room = (int) Math.min(tcb.reserveSend(1 << 16), left);
                if (room == 0) {
                    break;
                }
                ring.commit(room);
                left -= room;
            }
            tcb.transmit(now, Integer.MAX_VALUE);
            long next = tcb.deadline();
            if (next < turnAt || turnAt <= now) {
                turnAt = next;
                if (next != NEVER) {
                    simulation.at(next, () -> {
                        if (turnAt == next) {
                            turnAt = NEVER;
                            turn();
                        }
                    });
                }
            }
        }

        @Override
        public void segment(Tcb tcb, MemorySegment header, long at, int headerLength, long position, int length) {
            byte[] packet = new byte[headerLength + length];
            MemorySegment.copy(header, ValueLayout.JAVA_BYTE, at, packet, 0, headerLength);
            if (length > 0) {
                SendRing ring = tcb.sendRing();
                int first = ring.firstPart(position, length);
                MemorySegment.copy(
                        ring.memory(), ValueLayout.JAVA_BYTE, ring.at(position), packet, headerLength, first);
                MemorySegment.copy(
                        ring.memory(),
                        ValueLayout.JAVA_BYTE,
                        ring.wrapAt(),
                        packet,
                        headerLength + first,
                        length - first);
            }
            link.accept(packet);
        }

        @Override
        public int deliver(Tcb tcb, MemorySegment data, long at, int length, long wrapAt, int wrapLength) {
            got += length + wrapLength;
            return length + wrapLength;
        }
    }
}
