package dev.sluice.loop;

import org.jspecify.annotations.Nullable;

/**
 * All armed timers of one loop.
 *
 * <p>A hierarchical timing wheel (Varghese and Lauck, SOSP 1987, scheme 7): four levels of 64 slots, a slot of level <i>n</i> spanning
 * 64<sup>n</sup> ticks of 2<sup>20</sup> ns. Arming and disarming are O(1), which matters because TCP moves a timer with almost every
 * segment; a timer is moved down a level when its slot comes up, at most three times in its life. One bitmap per level tells which
 * slots hold anything, so idle time costs nothing to cross. A timer never fires early and at most one tick late.
 */
final class TimerWheel {
    private static final int TICK_SHIFT = 20;
    private static final int LEVELS = 4;
    private static final int SLOTS = 64;

    /** Heads of the slots' doubly linked lists, level after level. */
    private final @Nullable Timer[] slots = new @Nullable Timer[LEVELS * SLOTS];
    /** Bit <i>s</i> of entry <i>n</i> is set if slot <i>s</i> of level <i>n</i> is not empty. */
    private final long[] occupied = new long[LEVELS];
    /** Clock value of tick 0. */
    private final long origin;
    /** Every timer due at or before this tick has fired. */
    private long tick;

    TimerWheel(long now) {
        this.origin = now;
    }

    void schedule(Timer timer, long deadline) {
        if (timer.armed) {
            if (slotTick(deadline) == slotTick(timer.deadline)) {
                timer.deadline = deadline;
                return;
            }
            unlink(timer);
        }
        timer.deadline = deadline;
        timer.armed = true;
        link(timer, tick + 1);
    }

    void cancel(Timer timer) {
        if (timer.armed) {
            unlink(timer);
            timer.armed = false;
        }
    }

    /**
     * Fires what is due at {@code now}. Timers armed by a firing timer for the past fire in the next call, and so does what else is due when
     * one throws.
     */
    void advance(long now) {
        long target = (now - origin) >> TICK_SHIFT;
        while (tick < target) {
            if (occupied[0] == 0) {
                if ((occupied[1] | occupied[2] | occupied[3]) == 0) {
                    tick = target;
                    return;
                }
                long boundary = (tick | (SLOTS - 1)) + 1;
                if (boundary > target) {
                    tick = target;
                    return;
                }
                tick = boundary;
            } else {
                tick++;
            }
            int slot = (int) (tick & (SLOTS - 1));
            if (slot == 0) {
                cascade(1);
            }
            try {
                fire(slot, now);
            } catch (Throwable t) {
                tick--; // others of this tick are still due
                throw t;
            }
        }
    }

    /** The clock value to wake up at, or {@code Long.MAX_VALUE} if nothing is armed; may be early for far timers. */
    long nextWake() {
        long best = Long.MAX_VALUE;
        for (int level = 0; level < LEVELS; level++) {
            if (occupied[level] != 0) {
                long position = tick >>> (6 * level);
                // The slot at the current position was emptied when it came up: look from the next one on, all the way
                // round.
                int from = (int) ((position + 1) & (SLOTS - 1));
                int ahead = Long.numberOfTrailingZeros(Long.rotateRight(occupied[level], from));
                best = Math.min(best, (position + 1 + ahead) << (6 * level));
            }
        }
        return best == Long.MAX_VALUE ? best : origin + (best << TICK_SHIFT);
    }

    private void cascade(int level) {
        if (level == LEVELS) {
            return;
        }
        int slot = (int) (tick >>> (6 * level) & (SLOTS - 1));
        if (slot == 0) {
            cascade(level + 1);
        }
        int index = level * SLOTS + slot;
        Timer timer = slots[index];
        slots[index] = null;
        occupied[level] &= ~(1L << slot);
        while (timer != null) {
            Timer next = timer.next;
            link(timer, tick);
            timer = next;
        }
    }

    private void fire(int slot, long now) {
        // One at a time from the head: a firing timer may cancel or move any other one.
        while (true) {
            Timer timer = slots[slot];
            if (timer == null || slotTick(timer.deadline) > tick) {
                break;
            }
            unlink(timer);
            timer.armed = false;
            timer.onTimer(now);
        }
    }

    /** The first tick at which {@code deadline} has passed. */
    private long slotTick(long deadline) {
        return ((deadline - origin) >> TICK_SHIFT) + 1;
    }

    /** Hangs the timer in the slot of its tick, but not before tick {@code earliest}. */
    private void link(Timer timer, long earliest) {
        long due = Math.max(slotTick(timer.deadline), earliest);
        long delta = due - tick;
        int level = 0;
        while (level < LEVELS - 1 && delta >= 1L << (6 * (level + 1))) {
            level++;
        }
        if (delta >= 1L << (6 * LEVELS)) {
            due = tick + (1L << (6 * LEVELS)) - 1; // too far for the wheel: comes round and is linked again
        }
        int slot = (int) (due >>> (6 * level) & (SLOTS - 1));
        int index = level * SLOTS + slot;
        timer.slot = index;
        timer.previous = null;
        timer.next = slots[index];
        if (timer.next != null) {
            timer.next.previous = timer;
        }
        slots[index] = timer;
        occupied[level] |= 1L << slot;
    }

    private void unlink(Timer timer) {
        int index = timer.slot;
        if (timer.previous != null) {
            timer.previous.next = timer.next;
        } else {
            slots[index] = timer.next;
            if (timer.next == null) {
                occupied[index / SLOTS] &= ~(1L << (index % SLOTS));
            }
        }
        if (timer.next != null) {
            timer.next.previous = timer.previous;
        }
        timer.next = null;
        timer.previous = null;
    }
}
