package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads a system call with its expected result. */
final class CallParser {
    private static final int DEEPEST = 64;

    private final TokenReader in;
    private int depth;

    private CallParser(TokenReader in) {
        this.in = in;
    }

    static Action call(TokenReader in, long end) throws ScriptException {
        return new CallParser(in).call(end);
    }

    private Action call(long end) throws ScriptException {
        String name = in.word();
        List<Expression> arguments = list("(", ")");
        in.expect("=");
        Expression result = expression();
        String errno = "";
        if (in.peek().kind() == Kind.WORD && !in.peek().first()) {
            errno = in.word();
            // Two names of one number, on all systems in question.
            errno = errno.equals("EWOULDBLOCK") ? "EAGAIN" : errno;
        }
        if (in.at("(") && !in.peek().first()) {
            skipNote();
        }
        return new Action.Call(name, arguments, end, result, errno);
    }

    /** The text of an errno, or the names of flags: for people only. */
    private void skipNote() throws ScriptException {
        int depth = 0;
        do {
            if (in.atEnd()) {
                throw in.unreadable("')'");
            }
            Token token = in.next();
            depth += token.is("(") ? 1 : token.is(")") ? -1 : 0;
        } while (depth > 0);
    }

    private List<Expression> list(String open, String close) throws ScriptException {
        in.expect(open);
        List<Expression> elements = new ArrayList<>();
        if (!in.at(close)) {
            do {
                elements.add(expression());
            } while (in.skip(","));
        }
        in.expect(close);
        return List.copyOf(elements);
    }

    private Expression expression() throws ScriptException {
        Expression first = single();
        if (!in.at("|")) {
            return first;
        }
        List<Expression> parts = new ArrayList<>(List.of(first));
        while (in.skip("|")) {
            parts.add(single());
        }
        return new Expression.Union(List.copyOf(parts));
    }

    private Expression single() throws ScriptException {
        if (++depth > DEEPEST) {
            throw ScriptException.badScript(in.line(), "brackets are nested more than " + DEEPEST + " deep");
        }
        Expression single = unnested();
        depth--;
        return single;
    }

    private Expression unnested() throws ScriptException {
        Token token = in.peek();
        switch (token.kind()) {
            case ELLIPSIS -> {
                in.next();
                return Expression.ANY;
            }
            case INTEGER, HEX -> {
                return new Expression.Number(in.integer("number", Long.MIN_VALUE + 1, Long.MAX_VALUE));
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (in.peek().kind() == Kind.STRING) {
                    text.append(in.next().text());
                }
                if (in.peek().kind() == Kind.ELLIPSIS) {
                    in.next();
                }
                return new Expression.Text(text.toString());
            }
            case WORD -> {
                String name = in.word();
                return in.at("(") ? new Expression.Function(name, list("(", ")")) : new Expression.Word(name);
            }
            case SYMBOL -> {
                if (token.text().equals("[")) {
                    return new Expression.Array(list("[", "]"));
                }
                if (token.text().equals("{")) {
                    return struct();
                }
            }
            case FLOAT, COMMAND, CODE, OPTION, END -> {}
        }
        throw in.unreadable("an argument");
    }

    private Expression struct() throws ScriptException {
        in.expect("{");
        Map<String, Expression> fields = new LinkedHashMap<>();
        while (!in.at("}")) {
            String name = Integer.toString(fields.size());
            if (in.peek().kind() == Kind.WORD && namesField()) {
                name = in.word();
                if (in.at("(")) {
                    list("(", ")"); // the length of a member, which its value shows
                }
                in.next();
            }
            fields.put(name, expression());
            if (!in.skip(",")) {
                break;
            }
        }
        in.expect("}");
        return new Expression.Struct(fields);
    }

    /** {@code name =}, {@code name :} or {@code name(length) =}. */
    private boolean namesField() {
        int ahead = in.peek(1).is("(") && in.peek(3).is(")") ? 4 : 1;
        return in.peek(ahead).is("=") || in.peek(ahead).is(":");
    }
}
