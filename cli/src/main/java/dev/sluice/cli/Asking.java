package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.Value;
import dev.sluice.cli.view.Answer;
import dev.sluice.cli.view.Terminal;
import dev.sluice.control.ControlClient;
import dev.sluice.control.ControlException;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The options of commands that ask a running sluice, and how they show what it answers: once, or again and again. */
final class Asking {
    private static final String CLEAR = "\u001b[H\u001b[J";
    private static final int MAX_INTERVAL = 86_400;

    private @Nullable Long pid;
    private boolean json;
    private boolean watch;
    private int interval = 2;

    /** Adds them to a command's own. */
    Syntax addTo(Syntax syntax) {
        return addPid(syntax)
                .flag("--json", "As JSON, one document per line.", () -> json = true)
                .flag("-w, --watch", "Again and again, until Ctrl-C.", () -> watch = true)
                .option("--interval", "SECONDS", "With --watch: how often (default: 2).", text -> {
                    interval = Value.integer(text);
                    if (interval < 1 || interval > MAX_INTERVAL) {
                        throw new IllegalArgumentException("'" + text + "' is not within 1…" + MAX_INTERVAL);
                    }
                });
    }

    /** Adds the one that says which sluice. */
    Syntax addPid(Syntax syntax) {
        return syntax.option("--pid", "PID", "Process id of the sluice, if several run.", this::pid);
    }

    ControlClient client() throws ControlException {
        return pid == null ? ControlClient.ofOnlyInstance() : ControlClient.ofPid(pid);
    }

    /** The one that was named; null if none was. */
    @Nullable
    Long pid() {
        return pid;
    }

    void pid(String text) {
        pid = Value.number(text);
    }

    boolean json() {
        return json;
    }

    int interval() {
        return interval;
    }

    /** Something that asks and has the answer. */
    @FunctionalInterface
    interface Question {
        /** The answer as JSON. */
        String ask(ControlClient client) throws ControlException;
    }

    /** What is to be printed, made anew each time. */
    @FunctionalInterface
    interface Round {
        String text() throws ControlException;
    }

    /** Prints: once, or as often as the user wants. */
    int again(Round round) throws ControlException {
        boolean screen = watch && !json && Terminal.isShown();
        do {
            System.out.print((screen ? CLEAR : "") + round.text());
            System.out.flush();
        } while (watch && pause());
        return ExitCode.OK;
    }

    /**
     * Asks and prints: once, or as often as the user wants.
     *
     * @param text makes lines for people of an answer
     */
    int show(Question question, Function<Answer, String> text) throws ControlException {
        ControlClient client = client();
        return again(() -> shown(question.ask(client), text));
    }

    /** Prints one answer. */
    void print(String answer, Function<Answer, String> text) {
        System.out.print(shown(answer, text));
        System.out.flush();
    }

    private String shown(String answer, Function<Answer, String> text) {
        return json ? oneLine(answer) : text.apply(read(answer));
    }

    static Answer read(String json) {
        try {
            return Answer.of(json);
        } catch (IllegalArgumentException e) {
            throw Failure.unavailable("the answer can't be understood: " + e.getMessage());
        }
    }

    /** The API's documents have no line breaks inside strings. */
    static String oneLine(String json) {
        return json.lines().map(String::strip).collect(Collectors.joining()) + "\n";
    }

    /** False if it is time to end. */
    private boolean pause() {
        try {
            Thread.sleep(interval * 1000L);
            return !System.out.checkError();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
