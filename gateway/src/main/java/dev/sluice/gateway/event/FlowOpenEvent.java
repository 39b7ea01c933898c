package dev.sluice.gateway.event;

import dev.sluice.gateway.flow.FlowInfo;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** For the flight recorder. */
@Name("dev.sluice.FlowOpen")
@Label("Flow Opened")
@Description("A conversation of a guest has begun")
final class FlowOpenEvent extends FlowEvent {
    @Label("Direction")
    String direction = "";

    @Override
    void fill(FlowInfo info) {
        super.fill(info);
        direction = info.direction().name();
    }
}
