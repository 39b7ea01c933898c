package dev.sluice.testkit.packetdrill;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Packetdrill scripts: read and, if short, run. Never more than a verdict comes out. */
public final class ScriptTarget {
    private static final int LONGEST = 4096;

    private ScriptTarget() {}

    /** A script. */
    public static void fuzzerTestOneInput(byte[] data) {
        if (data.length > LONGEST) {
            return;
        }
        String text = new String(data, StandardCharsets.ISO_8859_1);
        Verdict verdict = new Suite(null, Map.of()).run("fuzz.pkt", text);
        // Only in that sentence: scripts, which verdicts quote, may say so themselves.
        if (verdict.what().startsWith("the stack or the interpreter broke")) {
            throw new AssertionError(verdict.toString());
        }
    }
}
