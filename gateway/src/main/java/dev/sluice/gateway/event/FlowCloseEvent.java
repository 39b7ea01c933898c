package dev.sluice.gateway.event;

import dev.sluice.gateway.flow.FlowInfo;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Timespan;

/** For the flight recorder. */
@Name("dev.sluice.FlowClose")
@Label("Flow Closed")
@Description("A conversation of a guest has ended, or could not begin")
final class FlowCloseEvent extends FlowEvent {
    @Label("Reason")
    String reason = "";

    @Label("Age")
    @Timespan(Timespan.MILLISECONDS)
    long age;

    @Label("Bytes to Host")
    @DataAmount
    long bytesToHost;

    @Label("Bytes to Guest")
    @DataAmount
    long bytesToGuest;

    void fill(FlowInfo info, String why) {
        fill(info);
        reason = why;
        age = info.ageMillis();
        bytesToHost = info.bytesToHost();
        bytesToGuest = info.bytesToGuest();
    }
}
