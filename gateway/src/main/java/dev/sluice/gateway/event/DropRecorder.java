package dev.sluice.gateway.event;

import dev.sluice.gateway.flow.Counters;
import jdk.jfr.FlightRecorder;

/** Has the JVM's flight recorder ask for drops, once a second while it records them. */
final class DropRecorder implements AutoCloseable {
    private final Runnable hook;

    private DropRecorder(Runnable hook) {
        this.hook = hook;
    }

    /** From now on, until closed. */
    static DropRecorder start(Counters counters) {
        Runnable hook = DropEvent.periodic(counters);
        FlightRecorder.addPeriodicEvent(DropEvent.class, hook);
        return new DropRecorder(hook);
    }

    @Override
    public void close() {
        FlightRecorder.removePeriodicEvent(hook);
    }
}
