package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Token.Kind;
import java.util.List;

/** A place in a list of tokens. What cannot be read is unsupported: another dialect may know it. */
final class TokenReader {
    /** Seconds: a year. No timer of TCP is longer, and what is beyond it cannot be meant. */
    static final long LONGEST = 366L * 24 * 3600;

    private final List<Token> tokens;
    private int at;

    TokenReader(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(at);
    }

    Token peek(int ahead) {
        return tokens.get(Math.min(at + ahead, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        if (token.kind() != Kind.END) {
            at++;
        }
        return token;
    }

    boolean atEnd() {
        return peek().kind() == Kind.END;
    }

    int line() {
        return peek().line();
    }

    boolean at(String symbolOrWord) {
        return peek().is(symbolOrWord);
    }

    /** Takes the next token if it is this one. */
    boolean skip(String symbolOrWord) {
        if (at(symbolOrWord)) {
            next();
            return true;
        }
        return false;
    }

    void expect(String symbolOrWord) throws ScriptException {
        if (!skip(symbolOrWord)) {
            throw unreadable("'" + symbolOrWord + "'");
        }
    }

    String word() throws ScriptException {
        if (peek().kind() != Kind.WORD) {
            throw unreadable("a word");
        }
        return next().text();
    }

    /** A decimal or hexadecimal number within the bounds. */
    long integer(String what, long lowest, long highest) throws ScriptException {
        Token token = peek();
        long value;
        try {
            value = switch (token.kind()) {
                case INTEGER -> Long.parseLong(token.text());
                case HEX -> Long.parseLong(token.text().substring(2), 16);
                case WORD, FLOAT, STRING, COMMAND, CODE, OPTION, ELLIPSIS, SYMBOL, END -> throw unreadable(what);
            };
        } catch (NumberFormatException e) {
            value = Long.MIN_VALUE;
        }
        next();
        if (value < lowest || value > highest) {
            throw ScriptException.badScript(
                    token.line(), what + " " + token.text() + " is not within " + lowest + "–" + highest);
        }
        return value;
    }

    boolean atNumber() {
        Kind kind = peek().kind();
        return kind == Kind.INTEGER || kind == Kind.FLOAT;
    }

    /** Seconds as microseconds. */
    long time() throws ScriptException {
        if (!atNumber()) {
            throw unreadable("a time");
        }
        Token token = next();
        double seconds = Double.parseDouble(token.text());
        if (seconds < 0) {
            throw ScriptException.badScript(token.line(), "the time " + token.text() + " is negative");
        }
        if (seconds > LONGEST) {
            throw ScriptException.badScript(token.line(), "the time " + token.text() + " is longer than a year");
        }
        return Math.round(seconds * 1e6);
    }

    ScriptException unreadable(String wanted) {
        return ScriptException.unsupported(
                line(), "the script is not understood at " + peek() + ": expected " + wanted);
    }

    /** Goes to where the next event seems to begin. */
    void skipEvent() {
        while (!atEnd() && !beginsEvent()) {
            next();
        }
    }

    private boolean beginsEvent() {
        Token token = peek();
        return token.first()
                && switch (token.kind()) {
                    case INTEGER, FLOAT, COMMAND -> true;
                    case SYMBOL -> token.text().equals("+") || token.text().equals("*");
                    case WORD, HEX, STRING, CODE, OPTION, ELLIPSIS, END -> false;
                };
    }
}
