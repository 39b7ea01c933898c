package dev.sluice.testkit.packetdrill;

/** Why a script did not pass. */
final class ScriptException extends Exception {
    private static final long serialVersionUID = 1;

    enum Kind {
        /** What the stack did is not what the script expects. */
        MISMATCH,
        /** The script says something that no run could fulfil: it contradicts itself. */
        BAD_SCRIPT,
        /** The script asks for something that this interpreter, or our stack, does not have. */
        UNSUPPORTED
    }

    final Kind kind;
    final int line;
    final String expected;
    final String seen;

    private ScriptException(Kind kind, int line, String message, String expected, String seen) {
        super(message, null, false, false);
        this.kind = kind;
        this.line = line;
        this.expected = expected;
        this.seen = seen;
    }

    static ScriptException mismatch(int line, String what, String expected, String seen) {
        return new ScriptException(Kind.MISMATCH, line, what, expected, seen);
    }

    static ScriptException badScript(int line, String what) {
        return new ScriptException(Kind.BAD_SCRIPT, line, what, "", "");
    }

    static ScriptException unsupported(int line, String what) {
        return new ScriptException(Kind.UNSUPPORTED, line, what, "", "");
    }
}
