package dev.sluice.cli.options;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What {@code --help} prints, from a {@link Syntax}. */
public final class HelpText {
    private static final int WIDTH = 100;
    /** Names wider than this stand on a line of their own. */
    private static final int NAME_LIMIT = 22;

    private static final int GAP = 2;

    private final StringBuilder text = new StringBuilder();

    private HelpText() {}

    /** The help of one command. */
    public static String of(Syntax syntax) {
        HelpText help = new HelpText();
        help.head(syntax, usage(syntax));
        int width = width(syntax);
        Syntax.@Nullable Parameter parameter = syntax.parameter();
        if (parameter != null) {
            help.entry("      " + parameter.label(), parameter.description(), width);
        }
        help.options(syntax, width);
        help.footer(syntax.footer());
        return help.text.toString();
    }

    /** The help of the program, which lists its commands. */
    public static String of(Syntax program, List<Syntax> commands) {
        HelpText help = new HelpText();
        help.head(program, program.name() + " COMMAND");
        help.options(program, width(program));
        help.text.append("\nCommands:\n");
        int width = 0;
        for (Syntax command : commands) {
            width = Math.max(width, label(program, command).length());
        }
        for (Syntax command : commands) {
            if (!command.isHidden()) {
                help.entry(label(program, command), command.description(), width);
            }
        }
        help.footer(program.footer());
        return help.text.toString();
    }

    private static String label(Syntax program, Syntax command) {
        return "  " + command.name().substring(program.name().length() + 1);
    }

    private void head(Syntax syntax, String usage) {
        text.append("Usage: ").append(usage).append('\n');
        wrap(syntax.description(), 0);
    }

    /** How the command is written, as in a manual page. */
    private static String usage(Syntax syntax) {
        StringBuilder usage = new StringBuilder(syntax.name());
        for (Option option : syntax.options()) {
            if (option.kind() == Option.Kind.REQUIRED) {
                usage.append(' ').append(option.usage());
            }
        }
        usage.append(" [OPTION]…");
        Syntax.@Nullable Parameter parameter = syntax.parameter();
        if (parameter != null) {
            usage.append(syntax.takesRest() ? " [--] " : " ");
            usage.append(parameter.required() ? parameter.label() : "[" + parameter.label() + "]");
            usage.append(syntax.takesRest() ? " [ARGUMENT]…" : "");
        }
        return usage.toString();
    }

    private static int width(Syntax syntax) {
        int width = 0;
        for (Option option : syntax.options()) {
            int length = label(option).length();
            width = length <= NAME_LIMIT ? Math.max(width, length) : width;
        }
        return width;
    }

    private void options(Syntax syntax, int width) {
        for (Option option : syntax.options()) {
            entry(label(option), option.description(), width);
        }
    }

    private static String label(Option option) {
        return (option.letter() == 0 ? "      " : "  -" + option.letter() + ", ") + option.usage();
    }

    private void entry(String label, String description, int width) {
        text.append(label);
        int column = width + GAP;
        if (label.length() > width) {
            text.append('\n');
            indent(column);
        } else {
            indent(column - label.length());
        }
        wrap(description, column);
    }

    /** Appends words from column {@code indent} on, going on there in as many lines as they need. */
    private void wrap(String words, int indent) {
        int column = indent;
        for (String word : words.split(" ")) {
            if (column > indent && column + 1 + word.length() > WIDTH) {
                text.append('\n');
                indent(indent);
                column = indent;
            }
            if (column > indent) {
                text.append(' ');
                column++;
            }
            text.append(word);
            column += word.length();
        }
        text.append('\n');
    }

    private void indent(int columns) {
        text.repeat(' ', columns);
    }

    private void footer(List<String> lines) {
        for (String line : lines) {
            text.append(line).append('\n');
        }
    }
}
