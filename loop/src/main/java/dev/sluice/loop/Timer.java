package dev.sluice.loop;

import org.jspecify.annotations.Nullable;

/** A one-shot alarm, intrusive: arming and disarming allocate nothing. Subclass it, or make one from a lambda once. */
public abstract class Timer {
    /** When it fires; meaningful while armed. */
    long deadline;
    /** Neighbours in the wheel's slot; null while not armed. */
    @Nullable
    Timer next;

    @Nullable
    Timer previous;

    boolean armed;
    /** Index of its slot in the wheel; meaningful while armed. */
    int slot;

    /** Called on the loop's thread, disarmed; may arm itself again. */
    protected abstract void onTimer(long now);

    public final boolean isArmed() {
        return armed;
    }

    public final long deadline() {
        return deadline;
    }

    /** A timer that runs {@code action}. */
    public static Timer of(Runnable action) {
        return new Timer() {
            @Override
            protected void onTimer(long now) {
                action.run();
            }
        };
    }

    /** For loops outside this package (the simulator): marks armed for {@code deadline}. */
    public final void markArmed(long deadline) {
        this.deadline = deadline;
        this.armed = true;
    }

    /** For loops outside this package: disarms without firing. */
    public final void markDisarmed() {
        this.armed = false;
    }

    /** For loops outside this package: disarms and fires. */
    public final void fire(long now) {
        armed = false;
        onTimer(now);
    }
}
