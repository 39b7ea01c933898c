package dev.sluice.gateway.event;

import java.util.Locale;

/**
 * Something that happened.
 *
 * @param id one more than that of the event before
 * @param timeMillis since 1970
 * @param data what there is to say, by its kind
 */
public record Event(long id, long timeMillis, Kind kind, Record data) {
    /** What can happen. */
    public enum Kind {
        FLOW_OPEN,
        FLOW_CLOSE,
        GUEST_JOIN,
        GUEST_LEAVE,
        LEASE,
        FORWARD_OPEN,
        FORWARD_CLOSE,
        /** Settings were changed, or could not be. */
        SETTINGS,
        DNS,
        /** What was dropped in the last second, by reason. */
        DROPS,
        /** The loop was busy for long with one turn. */
        STALL;

        /** As the API writes it: {@code flow-open}. */
        public String text() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }
}
