package dev.sluice.testkit;

import dev.sluice.stack.tcp.SendRing;
import dev.sluice.stack.tcp.Tcb;
import dev.sluice.wire.Bytes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A user of one connection who writes, reads, pauses, half-closes and sometimes aborts at random; every byte is known by its position. */
final class SimulatedUser {
    private static final long NEVER = Long.MAX_VALUE;

    private final Simulation simulation;
    private final int salt;
    /** Bytes to write in all. */
    private final long total;

    private final int largestWrite;
    private final long pause;
    /** Waits with its FIN until the peer's has come. */
    private final boolean closesLast;

    private final boolean aborts;
    /** Never takes more than this at a time; then nothing for a while. */
    private final int appetite;

    private final long stall;
    private final SimulatedUserPeer peer = new SimulatedUserPeer();

    private long acceptAt = NEVER;
    private boolean accepted;
    private long writeAt = Long.MIN_VALUE;
    private long readAt = NEVER;
    private long abortAt = NEVER;
    private int hunger;
    private boolean finished;
    private boolean aborted;
    private boolean wantsWrite = true;
    /** Bytes got, all right and in order. */
    long got;

    boolean remoteClosed;

    /** What the other user writes. */
    static final class SimulatedUserPeer {
        int salt;
        long total;
    }

    SimulatedUser(Simulation simulation, int salt, long total, boolean aborts, boolean closesLast) {
        this.simulation = simulation;
        this.salt = salt;
        this.aborts = aborts;
        this.largestWrite = 1 << simulation.random().nextInt(1, 19);
        // A megabyte in writes of a byte would take all our time.
        this.total = Math.min(total, 1000L * largestWrite);
        this.pause = simulation.chance(500) ? 0 : simulation.random().nextLong(5_000_000);
        this.closesLast = closesLast;
        this.appetite = simulation.chance(500)
                ? Integer.MAX_VALUE
                : 1 << simulation.random().nextInt(6, 18);
        this.stall =
                simulation.chance(100) ? 40_000_000_000L : simulation.random().nextLong(20_000_000);
        this.hunger = appetite;
    }

    void expect(int salt, long total) {
        peer.salt = salt;
        peer.total = total;
    }

    int salt() {
        return salt;
    }

    long total() {
        return total;
    }

    boolean aborted() {
        return aborted;
    }

    boolean accepted() {
        return accepted;
    }

    void acceptAt(long now) {
        acceptAt = now + simulation.random().nextLong(3_000_000);
    }

    long nextAt() {
        return Math.min(Math.min(acceptAt, wantsWrite ? writeAt : NEVER), Math.min(readAt, abortAt));
    }

    static byte pattern(int salt, long position) {
        long x = (position + salt) * 0x9E37_79B9_7F4A_7C15L;
        return (byte) (x >>> 56);
    }

    void onEvents(int bits) {
        if ((bits & Tcb.Events.REMOTE_CLOSED) != 0) {
            remoteClosed = true;
            if (got != peer.total) {
                throw new AssertionError("End of stream after " + got + " of " + peer.total + " bytes");
            }
            wantsWrite = true;
        }
        if ((bits & (Tcb.Events.SEND_SPACE | Tcb.Events.ESTABLISHED)) != 0) {
            wantsWrite = true;
        }
        if ((bits & Tcb.Events.ESTABLISHED) != 0 && aborts) {
            abortAt = simulation.now() + simulation.random().nextLong(50_000_000);
        }
    }

    /** What a user does in a turn; event bits. */
    int act(Tcb tcb, long now) {
        if (now >= acceptAt) {
            acceptAt = NEVER;
            if (aborts && simulation.chance(300)) {
                aborted = true;
                tcb.abort(now);
                return 0;
            }
            accepted = true;
            tcb.accept(now);
        }
        if (now >= abortAt) {
            abortAt = NEVER;
            aborted = true;
            tcb.abort(now);
            return 0;
        }
        if (wantsWrite && now >= writeAt) {
            write(tcb, now);
        }
        if (now >= readAt) {
            readAt = NEVER;
            hunger = appetite;
            return tcb.drain(now);
        }
        return 0;
    }

    private void write(Tcb tcb, long now) {
        wantsWrite = false;
        SendRing ring = tcb.sendRing();
        long left = total - ring.end();
        if (left > 0 && !finished) {
            int wanted = (int) Math.min(left, 1 + simulation.random().nextInt(largestWrite));
            int room = tcb.reserveSend(wanted);
            int count = Math.min(room, wanted);
            for (int i = 0; i < count; i++) {
                int first = ring.freeLength();
                long at = i < first ? ring.freeAt() + i : ring.wrapAt() + i - first;
                Bytes.put8(ring.memory(), at, pattern(salt, ring.end() + i));
            }
            ring.commit(count);
            left -= count;
            // Without room the next acknowledgment tells; without memory only time does.
            wantsWrite = left > 0 && (count > 0 || ring.size() == 0);
            writeAt = now + (count > 0 ? pause : 100_000_000);
        }
        if (left == 0 && !finished && (!closesLast || remoteClosed)) {
            finished = true;
            tcb.shutdownOutput(now);
        }
    }

    int deliver(MemorySegment data, long at, int length, long wrapAt, int wrapLength) {
        int count = Math.min(hunger, length + wrapLength);
        for (int i = 0; i < count; i++) {
            byte b = data.get(ValueLayout.JAVA_BYTE, i < length ? at + i : wrapAt + i - length);
            if (b != pattern(peer.salt, got + i)) {
                throw new AssertionError("Wrong byte at stream position " + (got + i));
            }
        }
        got += count;
        if (got > peer.total) {
            throw new AssertionError("More bytes than were written: " + got + " of " + peer.total);
        }
        if (appetite != Integer.MAX_VALUE) {
            hunger -= count;
            if (readAt == NEVER) {
                readAt = simulation.now() + simulation.random().nextLong(stall + 1);
            }
        }
        return count;
    }

    /** What leaves is what was written. */
    void checkSent(long position, byte[] payload) {
        for (int i = 0; i < payload.length; i++) {
            if (payload[i] != pattern(salt, position + i)) {
                throw new AssertionError("Wrong byte sent at stream position " + (position + i));
            }
        }
    }

    @Override
    public String toString() {
        return "wrote of " + total + ", got " + got + " of " + peer.total + (finished ? ", finished" : "");
    }
}
