package dev.sluice.link.capture;

import java.util.Locale;

/** The rings that are kept once they are asked for: which frames go in, how much of each, and how many bytes in all. */
public enum Rule {
    /** Every frame, its start only. */
    ALL("", 256 << 10, 128),
    DNS("port 53", 256 << 10, 1500),
    NTP("udp port 123", 64 << 10, 1500),
    ICMP("icmp", 8 << 10, 1500),
    HTTP_PROXY("tcp port 3128 or 3129", 1 << 20, 1500),
    /** What was dropped, whatever it is; it gets in by its end, not by a filter. */
    BAD("", 1 << 20, 1500);

    final Filter filter;
    final int bytes;
    final int snapLength;

    Rule(String filter, int bytes, int snapLength) {
        this.filter = Filter.compile(filter, _ -> null);
        this.bytes = bytes;
        this.snapLength = snapLength;
    }

    /** As people write it: {@code http-proxy}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Bytes kept of each frame, if nobody wants others. */
    public int snapLength() {
        return snapLength;
    }

    /** Bytes of memory it takes. */
    public int bytes() {
        return bytes;
    }

    /**
     * The rule called {@code text}.
     *
     * @throws IllegalArgumentException naming those there are
     */
    public static Rule of(String text) {
        StringBuilder known = new StringBuilder();
        for (Rule rule : values()) {
            if (rule.text().equals(text.replace('_', '-'))) {
                return rule;
            }
            known.append(known.isEmpty() ? "" : ", ").append(rule.text());
        }
        throw new IllegalArgumentException("there is no ring '" + text + "'; there are " + known);
    }
}
