package dev.sluice.loop;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** For the flight recorder. */
@Name("dev.sluice.LoopStall")
@Label("Loop Stall")
@Description("The loop was busy for 20 ms or more with one turn, in which packets waited")
@Category("Sluice")
@StackTrace(false)
final class StallEvent extends Event {
    @Label("Loop")
    String loop = "";

    @Label("Took")
    @Timespan(Timespan.NANOSECONDS)
    long took;
}
