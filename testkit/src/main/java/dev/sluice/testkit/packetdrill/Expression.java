package dev.sluice.testkit.packetdrill;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An argument or result of a system call. */
sealed interface Expression {
    /** {@code ...}: anything. */
    record Any() implements Expression {
        @Override
        public String toString() {
            return "...";
        }
    }

    record Number(long value) implements Expression {
        @Override
        public String toString() {
            return Long.toString(value);
        }
    }

    record Word(String name) implements Expression {
        @Override
        public String toString() {
            return name;
        }
    }

    record Text(String value) implements Expression {
        @Override
        public String toString() {
            return '"' + value + '"';
        }
    }

    /** {@code a | b}. */
    record Union(List<Expression> parts) implements Expression {
        @Override
        public String toString() {
            return String.join("|", parts.stream().map(Expression::toString).toList());
        }
    }

    /** {@code [a, b]}. */
    record Array(List<Expression> elements) implements Expression {
        @Override
        public String toString() {
            return elements.toString();
        }
    }

    /** {@code {a=1, b=2}}; elements without name have their index. */
    record Struct(Map<String, Expression> fields) implements Expression {
        @Override
        public String toString() {
            return fields.toString();
        }
    }

    /** {@code htons(8080)}. */
    record Function(String name, List<Expression> arguments) implements Expression {
        @Override
        public String toString() {
            return name + arguments;
        }
    }

    Any ANY = new Any();

    default boolean isAny() {
        return this instanceof Any;
    }

    /** The number it stands for, by the names in {@code constants}; null if it does not stand for one. */
    default @Nullable Long value(Map<String, Long> constants) {
        return switch (this) {
            case Number n -> n.value();
            case Word w -> constants.get(w.name());
            case Union u -> {
                long all = 0;
                for (Expression part : u.parts()) {
                    Long value = part.value(constants);
                    if (value == null) {
                        yield null;
                    }
                    all |= value;
                }
                yield all;
            }
            case Array a -> a.elements().size() == 1 ? a.elements().getFirst().value(constants) : null;
            case Any _, Text _, Struct _, Function _ -> null;
        };
    }
}
