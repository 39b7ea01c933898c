package dev.sluice.gateway.event;

import dev.sluice.gateway.flow.Counters;
import jdk.jfr.FlightRecorder;
import jdk.jfr.FlightRecorderListener;

/** Lets the JVM's flight recorder ask for drops as soon as there is one, however late it is started. */
public final class DropRecorder implements FlightRecorderListener, AutoCloseable {
    private final Runnable hook;

    private DropRecorder(Counters counters) {
        this.hook = DropEvent.periodic(counters);
    }

    /** From now on, until closed. */
    public static DropRecorder of(Counters counters) {
        DropRecorder made = new DropRecorder(counters);
        FlightRecorder.addListener(made);
        return made;
    }

    @Override
    public void recorderInitialized(FlightRecorder recorder) {
        FlightRecorder.addPeriodicEvent(DropEvent.class, hook);
    }

    @Override
    public void close() {
        FlightRecorder.removeListener(this);
        FlightRecorder.removePeriodicEvent(hook);
    }
}
