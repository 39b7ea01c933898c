package dev.sluice.gateway.event;

import dev.sluice.gateway.flow.FlowInfo;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** For the flight recorder. */
@Name("dev.sluice.FlowClose")
@Label("Flow Closed")
@Description("A conversation of a guest has ended, or could not begin")
@Category({"Sluice", "Flows"})
@StackTrace(false)
final class FlowCloseEvent extends Event {
    @Label("Flow")
    long flow;

    @Label("Protocol")
    String protocol = "";

    @Label("Guest")
    String guest = "";

    @Label("Remote")
    @Description("Whom the guest talked to, under the address it knows")
    String remote = "";

    @Label("Host")
    @Description("Whom the host's socket talked to")
    String host = "";

    @Label("Names")
    @Description("Under which guests have looked the address up")
    String names = "";

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
        flow = info.id();
        protocol = info.protocol().name();
        guest = FlowText.guest(info);
        remote = FlowText.remote(info);
        host = FlowText.host(info);
        names = String.join(" ", info.names());
        reason = why;
        age = info.ageMillis();
        bytesToHost = info.bytesToHost();
        bytesToGuest = info.bytesToGuest();
    }
}
