package dev.sluice.gateway.event;

import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import java.util.EnumMap;
import java.util.Map;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;

/** For the flight recorder, which asks for it once in a period: what was dropped since it last did. */
@Name("dev.sluice.Drops")
@Label("Drops")
@Description("Packets, flows and requests dropped or refused for one reason")
@Category("Sluice")
@Period("1 s")
@StackTrace(false)
final class DropEvent extends Event {
    @Label("Reason")
    String reason = "";

    @Label("Count")
    long count;

    @Label("Total")
    @Description("Since the gateway began")
    long total;

    /** What the recorder calls. */
    static Runnable periodic(Counters counters) {
        Map<Drop, Long> before = new EnumMap<>(Drop.class);
        return () -> {
            for (Drop each : Drop.values()) {
                long now = counters.dropped(each);
                Long last = before.put(each, now);
                if (last != null && now > last) {
                    DropEvent event = new DropEvent();
                    event.reason = each.text();
                    event.count = now - last;
                    event.total = now;
                    event.commit();
                }
            }
        };
    }
}
