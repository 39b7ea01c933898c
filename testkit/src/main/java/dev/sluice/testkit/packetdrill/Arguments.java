package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Action.Call;
import java.util.List;
import java.util.Map;

/** The arguments of one call of a script, and how far the call has come. */
final class Arguments {
    private static final long NOT_YET = Long.MIN_VALUE;

    private final Call call;
    private final int line;
    private final Map<String, Long> constants;
    /** Bytes moved so far. */
    long done;
    /** It has done what it does once. */
    boolean begun;

    private long began = NOT_YET;

    Arguments(Call call, int line, Map<String, Long> constants) {
        this.call = call;
        this.line = line;
        this.constants = constants;
    }

    Call call() {
        return call;
    }

    String name() {
        return call.name();
    }

    int line() {
        return line;
    }

    int size() {
        return call.arguments().size();
    }

    /** When it was first tried. */
    long beganAt(long now) {
        if (began == NOT_YET) {
            began = now;
        }
        return began;
    }

    Expression at(int index) throws ScriptException {
        if (index >= size()) {
            throw ScriptException.badScript(line, name() + "() has only " + size() + " arguments");
        }
        return call.arguments().get(index);
    }

    long integer(int index) throws ScriptException {
        Long value = at(index).value(constants);
        if (value == null) {
            throw unsupported("the argument " + at(index) + " of " + name() + "()");
        }
        return value;
    }

    /** The port of a socket address; −1 for any. */
    int port(int index) throws ScriptException {
        Expression address = at(index);
        if (address.isAny()) {
            return -1;
        }
        if (address instanceof Expression.Struct(Map<String, Expression> fields)) {
            boolean internet = fields.containsKey("sa_family")
                    && fields.get("sa_family").toString().startsWith("AF_INET");
            Expression port = fields.getOrDefault("sin_port", fields.getOrDefault("sin6_port", Expression.ANY));
            if (internet
                    && port instanceof Expression.Function(String name, List<Expression> of)
                    && name.equals("htons")) {
                Long value = of.getFirst().value(constants);
                if (value != null) {
                    return value.intValue();
                }
            }
        }
        throw unsupported("the address " + address);
    }

    /** The bytes of an I/O vector, the second argument, or within the message that is the second argument. */
    long vectorLength(boolean message) throws ScriptException {
        Expression vector = at(1);
        if (message) {
            if (!(vector instanceof Expression.Struct(Map<String, Expression> fields))
                    || (fields.containsKey("msg_control") && !name().equals("recvmsg"))
                    || !fields.containsKey("msg_iov")) {
                throw unsupported("the message " + vector);
            }
            vector = fields.get("msg_iov");
        }
        if (!(vector instanceof Expression.Array(List<Expression> elements))) {
            throw unsupported("the vector " + vector);
        }
        long sum = 0;
        for (Expression element : elements) {
            Long length = element instanceof Expression.Struct(Map<String, Expression> fields) && fields.size() == 2
                    ? List.copyOf(fields.values()).get(1).value(constants)
                    : null;
            if (length == null) {
                throw unsupported("the vector " + vector);
            }
            sum += length;
        }
        return sum;
    }

    /** What is wrong with {@code seen} as the value that the call stores into this argument; "" for nothing. */
    String compare(int index, long seen) throws ScriptException {
        if (at(index).isAny() || isAnyInside(at(index))) {
            return "";
        }
        long expected = integer(index);
        return expected == seen ? "" : "it stored " + seen + " instead of " + expected;
    }

    private static boolean isAnyInside(Expression expression) {
        return expression instanceof Expression.Array(List<Expression> elements)
                && elements.size() == 1
                && elements.getFirst().isAny();
    }

    ScriptException unsupported(String what) {
        return ScriptException.unsupported(line, what + " is not supported");
    }
}
