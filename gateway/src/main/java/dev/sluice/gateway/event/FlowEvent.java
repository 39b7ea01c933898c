package dev.sluice.gateway.event;

import dev.sluice.gateway.flow.FlowInfo;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.StackTrace;

/** What the flight recorder is told of a flow, whatever has happened to it. */
@Category({"Sluice", "Flows"})
@StackTrace(false)
abstract class FlowEvent extends Event {
    @Label("Flow")
    long flow;

    @Label("Protocol")
    String protocol = "";

    @Label("Guest")
    String guest = "";

    @Label("Remote")
    @Description("Whom the guest talks to, under the address it knows")
    String remote = "";

    @Label("Host")
    @Description("Whom the host's socket talks to")
    String host = "";

    @Label("Names")
    @Description("Under which guests have looked the address up")
    String names = "";

    void fill(FlowInfo info) {
        flow = info.id();
        protocol = info.protocol().name();
        guest = FlowText.guest(info);
        remote = FlowText.remote(info);
        host = FlowText.host(info);
        names = String.join(" ", info.names());
    }
}
