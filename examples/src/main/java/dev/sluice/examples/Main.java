package dev.sluice.examples;

import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Starts an example by its name, and says in one line what is wrong. */
public final class Main {
    private Main() {}

    public static void main(String... arguments) throws InterruptedException {
        String problem = run(arguments);
        if (problem != null) {
            System.err.println("error " + problem);
            System.exit(1);
        }
    }

    /** What is wrong, or null when the example has ended well. */
    static @Nullable String run(String... arguments) throws InterruptedException {
        String name = arguments.length == 0 ? "" : arguments[0];
        String[] rest = arguments.length == 0 ? arguments : Arrays.copyOfRange(arguments, 1, arguments.length);
        try {
            switch (name) {
                case "FirstEcho" -> FirstEcho.main(rest);
                case "Echo" -> Echo.main(rest);
                case "TinyHttp" -> TinyHttp.main(rest);
                case "Load" -> Load.main(rest);
                default -> {
                    return "which example? FirstEcho; or Echo, TinyHttp or Load, then options: " + Station.USAGE;
                }
            }
            return null;
        } catch (IOException | IllegalArgumentException e) {
            return e.getMessage();
        }
    }
}
