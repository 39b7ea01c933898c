package dev.sluice.testkit.packetdrill;

import java.util.List;
import java.util.Locale;

/**
 * How a script ended.
 *
 * @param line where, or 0
 * @param what one sentence about what is wrong, or ""
 */
record Verdict(String script, Kind kind, int line, String what, String expected, String seen) {
    enum Kind {
        PASSED,
        FAILED,
        UNSUPPORTED
    }

    static Verdict passed(String script) {
        return new Verdict(script, Kind.PASSED, 0, "", "", "");
    }

    static Verdict failed(String script, int line, String what) {
        return new Verdict(script, Kind.FAILED, line, what, "", "");
    }

    static Verdict of(String script, ScriptException e) {
        Kind kind = e.kind == ScriptException.Kind.UNSUPPORTED ? Kind.UNSUPPORTED : Kind.FAILED;
        return new Verdict(script, kind, e.line, String.valueOf(e.getMessage()), e.expected, e.seen);
    }

    static long count(List<Verdict> verdicts, Kind kind) {
        return verdicts.stream().filter(v -> v.kind() == kind).count();
    }

    @Override
    public String toString() {
        StringBuilder out = new StringBuilder(script).append(':').append(line).append(": ");
        out.append(kind == Kind.FAILED ? "" : "unsupported: ").append(what);
        if (!expected.isEmpty()) {
            out.append("\n  expected: ")
                    .append(expected)
                    .append("\n  seen:     ")
                    .append(seen);
        }
        return out.toString();
    }

    /** All of them with their counts. */
    static String json(List<Verdict> verdicts) {
        StringBuilder out = new StringBuilder("{\n");
        for (Kind kind : Kind.values()) {
            out.append("  \"")
                    .append(kind.name().toLowerCase(Locale.ROOT))
                    .append("\": ")
                    .append(count(verdicts, kind))
                    .append(",\n");
        }
        out.append("  \"scripts\": [");
        String separator = "\n";
        for (Verdict v : verdicts) {
            out.append(separator).append("    {\"script\": ").append(quoted(v.script));
            out.append(", \"result\": ").append(quoted(v.kind.name().toLowerCase(Locale.ROOT)));
            if (v.kind != Kind.PASSED) {
                out.append(", \"line\": ").append(v.line);
                out.append(", \"message\": ").append(quoted(v.what));
                if (!v.expected.isEmpty()) {
                    out.append(", \"expected\": ").append(quoted(v.expected));
                    out.append(", \"seen\": ").append(quoted(v.seen));
                }
            }
            out.append('}');
            separator = ",\n";
        }
        return out.append("\n  ]\n}\n").toString();
    }

    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c == '\n') {
                out.append("\\n");
            } else if (c < 0x20) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
