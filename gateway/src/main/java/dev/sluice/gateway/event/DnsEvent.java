package dev.sluice.gateway.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** For the flight recorder. */
@Name("dev.sluice.DnsLookup")
@Label("Name Lookup")
@Description("A guest's question to the gateway's name server was answered")
@Category({"Sluice", "DNS"})
@StackTrace(false)
final class DnsEvent extends Event {
    @Label("Guest")
    String guest = "";

    @Label("Name")
    String name = "";

    @Label("Type")
    String type = "";

    @Label("Answer")
    String answer = "";

    @Label("Took")
    @Timespan(Timespan.MICROSECONDS)
    long took;

    /** Whether the recorder wants any now. */
    static boolean isRecorded() {
        return new DnsEvent().isEnabled();
    }

    void fill(Events.Lookup lookup) {
        guest = lookup.guest().toString();
        name = lookup.name();
        type = lookup.type();
        answer = lookup.answer();
        took = lookup.micros();
    }
}
