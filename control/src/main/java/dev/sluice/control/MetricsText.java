package dev.sluice.control;

/** Writes metrics in Prometheus' text format: what one is, then its values. */
final class MetricsText {
    private final StringBuilder out = new StringBuilder(8192);
    private String name = "";

    /** Begins a metric that goes up and down. */
    MetricsText gauge(String name, String help) {
        return begin(name, help, "gauge");
    }

    /** Begins a metric that only goes up; its name ends with {@code _total}. */
    MetricsText counter(String name, String help) {
        return begin(name, help, "counter");
    }

    private MetricsText begin(String name, String help, String type) {
        this.name = name;
        out.append("# HELP ").append(name).append(' ').append(help);
        out.append("\n# TYPE ").append(name).append(' ').append(type).append('\n');
        return this;
    }

    MetricsText value(long value) {
        out.append(name).append(' ').append(value).append('\n');
        return this;
    }

    /** @param labels as {@code name="value"}, with commas between */
    MetricsText value(String labels, long value) {
        out.append(name).append('{').append(labels).append("} ").append(value).append('\n');
        return this;
    }

    /** The value of a label that others chose. */
    static String escaped(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
