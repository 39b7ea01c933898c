package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Cuts a script into tokens. Comments of C and C++ are blanks; so are lines that {@code #ifdef}, {@code #ifndef} and {@code #else}
 * leave out, which FreeBSD's scripts use where stacks may differ.
 */
final class Lexer {
    private final String text;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private boolean first = true;

    private Lexer(String text) {
        this.text = text;
    }

    /** All tokens of {@code text}, the last one being {@code END}; {@code defined} are the names for {@code #ifdef}. */
    static List<Token> tokens(String text, Set<String> defined) throws ScriptException {
        int zero = text.indexOf('\0');
        if (zero >= 0) {
            int line = 1
                    + (int) text.substring(0, zero)
                            .chars()
                            .filter(c -> c == '\n')
                            .count();
            throw ScriptException.badScript(line, "the file is no text: it has a byte 0 here");
        }
        Lexer lexer = new Lexer(selected(text, defined));
        lexer.run();
        return lexer.tokens;
    }

    /** {@code tokens} with the values of {@code symbols} in place of their names. Values are not looked through for names. */
    static List<Token> substituted(List<Token> tokens, Map<String, String> symbols) throws ScriptException {
        if (symbols.isEmpty()) {
            return tokens;
        }
        List<Token> result = new ArrayList<>();
        for (Token token : tokens) {
            String value = token.kind() == Kind.WORD ? symbols.get(token.text()) : null;
            if (value == null) {
                result.add(token);
                continue;
            }
            List<Token> inside = tokens(value, Set.of());
            for (Token each : inside.subList(0, inside.size() - 1)) {
                result.add(
                        new Token(each.kind(), each.text(), token.line(), token.first() && each == inside.getFirst()));
            }
        }
        return result;
    }

    /** The names that {@code text} asks for by {@code #ifdef}. */
    static Set<String> conditions(String text) {
        Set<String> names = new TreeSet<>();
        for (String line : text.split("\n")) {
            if (line.startsWith("#ifdef ")) {
                names.add(line.substring("#ifdef ".length()).strip());
            }
        }
        return names;
    }

    /** Replaces what conditions leave out by empty lines, so that lines keep their numbers. */
    private static String selected(String text, Set<String> defined) throws ScriptException {
        if (!text.startsWith("#") && !text.contains("\n#")) {
            return text;
        }
        StringBuilder out = new StringBuilder();
        ArrayDeque<Boolean> conditions = new ArrayDeque<>();
        int number = 0;
        boolean command = false;
        boolean code = false;
        for (String each : text.split("\n", -1)) {
            number++;
            if (number > 1) {
                out.append('\n');
            }
            // What begins like a condition within backquotes is a comment of the shell, and within code one of Python.
            boolean inside = command || code;
            if (!each.stripLeading().startsWith("//")) {
                command ^= each.chars().filter(c -> c == '`').count() % 2 == 1;
                int opens = each.lastIndexOf("%{");
                int closes = each.lastIndexOf("}%");
                code = opens > closes || (code && closes < 0);
            }
            if (inside || !each.startsWith("#")) {
                out.append(conditions.contains(false) ? "" : each);
                continue;
            }
            String[] words = each.substring(1).strip().split("\\s+");
            switch (words[0]) {
                case "ifdef" -> conditions.push(words.length > 1 && defined.contains(words[1]));
                case "ifndef" -> conditions.push(words.length > 1 && !defined.contains(words[1]));
                case "else" -> {
                    requireOpen(conditions, number, each);
                    conditions.push(!conditions.pop());
                }
                case "endif" -> {
                    requireOpen(conditions, number, each);
                    conditions.pop();
                }
                default -> {
                    if (!words[0].startsWith("!") && !conditions.contains(false)) {
                        throw ScriptException.unsupported(number, "the preprocessor line '" + each + "'");
                    }
                }
            }
        }
        if (!conditions.isEmpty()) {
            throw ScriptException.badScript(number, "#ifdef without #endif");
        }
        return out.toString();
    }

    private static void requireOpen(ArrayDeque<Boolean> conditions, int line, String text) throws ScriptException {
        if (conditions.isEmpty()) {
            throw ScriptException.badScript(line, text + " without #ifdef");
        }
    }

    private void run() throws ScriptException {
        while (skipBlanks()) {
            next();
            first = false;
        }
        tokens.add(new Token(Kind.END, "", line, true));
    }

    /** False at the end. */
    private boolean skipBlanks() throws ScriptException {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '\n') {
                line++;
                first = true;
                at++;
            } else if (c == ' ' || c == '\t' || c == '\r') {
                at++;
            } else if (text.startsWith("//", at)) {
                int end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end;
            } else if (text.startsWith("/*", at)) {
                take("*/", 2, "comment");
            } else {
                return true;
            }
        }
        return false;
    }

    /** Takes everything up to {@code end}; gives what is between. */
    private String take(String end, int openLength, String what) throws ScriptException {
        int from = at + openLength;
        int to = text.indexOf(end, from);
        if (to < 0) {
            throw ScriptException.badScript(line, "a " + what + " has no end");
        }
        String inside = text.substring(from, to);
        at = to + end.length();
        line += (int) inside.chars().filter(c -> c == '\n').count();
        return inside;
    }

    private void next() throws ScriptException {
        int start = line;
        char c = text.charAt(at);
        if (c == '`') {
            add(Kind.COMMAND, take("`", 1, "command").strip(), start);
        } else if (text.startsWith("%{", at)) {
            add(Kind.CODE, take("}%", 2, "piece of code").strip(), start);
        } else if (c == '"') {
            add(Kind.STRING, string(), start);
        } else if (text.startsWith("...", at)) {
            at += 3;
            add(Kind.ELLIPSIS, "...", start);
        } else if (text.startsWith("--", at) && at + 2 < text.length() && Character.isLetter(text.charAt(at + 2))) {
            add(Kind.OPTION, option(), start);
        } else if (isDigit(at)
                || (c == '.' && isDigit(at + 1))
                || (c == '-' && (isDigit(at + 1) || (text.startsWith("-.", at) && isDigit(at + 2))))) {
            number(start);
        } else if (isWord(at)) {
            int from = at;
            while (isWord(at)) {
                at++;
            }
            if (text.startsWith("sequence#", from)) {
                at++;
            }
            add(Kind.WORD, text.substring(from, at), start);
        } else {
            at++;
            add(Kind.SYMBOL, String.valueOf(c), start);
        }
    }

    private void add(Kind kind, String content, int start) {
        tokens.add(new Token(kind, content, start, first));
    }

    private String string() throws ScriptException {
        StringBuilder out = new StringBuilder();
        for (at++; at < text.length() && text.charAt(at) != '"'; at++) {
            if (text.charAt(at) == '\\' && at + 1 < text.length()) {
                at++;
            }
            if (text.charAt(at) == '\n') {
                line++;
            }
            out.append(text.charAt(at));
        }
        if (at >= text.length()) {
            throw ScriptException.badScript(line, "a string has no end");
        }
        at++;
        return out.toString();
    }

    private String option() {
        int from = at + 2;
        while (at < text.length() && !Character.isWhitespace(text.charAt(at))) {
            at++;
        }
        return text.substring(from, at);
    }

    private void number(int start) {
        int from = at;
        if (text.charAt(at) == '-') {
            at++;
        }
        int digits = at;
        while (isWord(at)) {
            at++;
        }
        String word = text.substring(digits, at);
        boolean decimal = word.chars().allMatch(c -> c >= '0' && c <= '9');
        if (decimal && at < text.length() && text.charAt(at) == '.' && isDigit(at + 1)) {
            at++;
            while (isDigit(at)) {
                at++;
            }
            add(Kind.FLOAT, text.substring(from, at), start);
        } else if (decimal) {
            add(Kind.INTEGER, text.substring(from, at), start);
        } else if (word.matches("0x[0-9a-fA-F]+")) {
            add(Kind.HEX, word, start);
        } else {
            add(Kind.WORD, word, start);
        }
    }

    private boolean isDigit(int i) {
        return i < text.length() && text.charAt(i) >= '0' && text.charAt(i) <= '9';
    }

    private boolean isWord(int i) {
        if (i >= text.length()) {
            return false;
        }
        char c = text.charAt(i);
        return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    }
}
