package dev.sluice.testkit.packetdrill;

/**
 * A word of a script.
 *
 * @param text as written, without quotes for {@code STRING}, {@code COMMAND} and {@code CODE}
 * @param first whether nothing but blanks stands before it on its line
 */
record Token(Kind kind, String text, int line, boolean first) {
    enum Kind {
        WORD,
        INTEGER,
        HEX,
        FLOAT,
        STRING,
        /** Between backquotes: for a shell. */
        COMMAND,
        /** Between %{ and }%: for Python. */
        CODE,
        /** --name or --name=value, without the dashes. */
        OPTION,
        ELLIPSIS,
        SYMBOL,
        END
    }

    boolean is(String symbolOrWord) {
        return (kind == Kind.SYMBOL || kind == Kind.WORD) && text.equals(symbolOrWord);
    }

    @Override
    public String toString() {
        return switch (kind) {
            case END -> "the end of the script";
            case STRING -> '"' + text + '"';
            case COMMAND -> '`' + text + '`';
            case CODE -> "%{" + text + "}%";
            case OPTION -> "--" + text;
            case WORD, INTEGER, HEX, FLOAT, ELLIPSIS, SYMBOL -> "'" + text + "'";
        };
    }
}
