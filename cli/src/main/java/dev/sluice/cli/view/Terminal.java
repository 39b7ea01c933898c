package dev.sluice.cli.view;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import sun.misc.Signal;

/**
 * The user's terminal while a screen is shown: the other screen of the terminal, no cursor, no echo, and keys without Return. Closing it
 * puts everything back, also when the process is told to end. One at a time.
 */
public final class Terminal implements AutoCloseable {
    /** Said by {@link #key} when the window has another size now. */
    public static final int RESIZED = -2;

    /** Said by {@link #key} when there will be no more keys. */
    public static final int CLOSED = -1;

    private static final File DEVICE = new File("/dev/tty");
    private static final int DEFAULT_ROWS = 24;
    private static final int DEFAULT_COLUMNS = 80;

    private static final String ENTER = "\u001b[?1049h\u001b[?25l";
    private static final String LEAVE = "\u001b[?25h\u001b[?1049l";
    private static final String HOME = "\u001b[H";
    private static final String REST_OF_LINE = "\u001b[K";
    private static final String REST_OF_SCREEN = "\u001b[J";

    private final String saved;
    private final BlockingQueue<Integer> keys = new LinkedBlockingQueue<>(64);
    private final Thread atExit = new Thread(this::restore);
    private int rows = DEFAULT_ROWS;
    private int columns = DEFAULT_COLUMNS;

    private Terminal(String saved) {
        this.saved = saved;
    }

    /** Whether what is printed goes to a terminal. */
    public static boolean isShown() {
        return isTerminal("1");
    }

    /** Whether there is a user at it, too. */
    public static boolean isThere() {
        return isShown() && isTerminal("0");
    }

    private static boolean isTerminal(String descriptor) {
        try {
            String target =
                    Files.readSymbolicLink(Path.of("/proc/self/fd", descriptor)).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException _) {
            return false;
        }
    }

    /** Takes the terminal. */
    public static Terminal open() throws IOException {
        Terminal terminal = new Terminal(stty("-g"));
        Runtime.getRuntime().addShutdownHook(terminal.atExit);
        stty("-echo", "-icanon", "min", "1", "time", "0");
        Signal.handle(new Signal("WINCH"), _ -> terminal.keys.offer(RESIZED));
        Thread.ofPlatform().daemon().name("keys").start(terminal::readKeys);
        terminal.measure();
        print(ENTER);
        return terminal;
    }

    private void readKeys() {
        try {
            int key;
            do {
                key = System.in.read();
                keys.put(key);
            } while (key != CLOSED);
        } catch (IOException | InterruptedException _) {
            keys.offer(CLOSED);
        }
    }

    /** The key that was pressed, {@link #RESIZED} or {@link #CLOSED}; 0 if there was none for so long. */
    public int key(long millis) throws InterruptedException, IOException {
        Integer key = keys.poll(millis, TimeUnit.MILLISECONDS);
        if (key != null && key == RESIZED) {
            measure();
        }
        return key == null ? 0 : key;
    }

    public int rows() {
        return rows;
    }

    /** Shows lines from the top, each cut at the window's edge; what was there is gone. */
    public void show(List<String> lines) {
        StringBuilder out = new StringBuilder(HOME);
        for (int i = 0; i < Math.min(rows, lines.size()); i++) {
            String line = lines.get(i);
            int end = Math.min(line.length(), columns);
            if (end > 0 && end < line.length() && Character.isHighSurrogate(line.charAt(end - 1))) {
                end--;
            }
            out.append(i == 0 ? "" : "\r\n").append(line, 0, end).append(REST_OF_LINE);
        }
        print(out.append(REST_OF_SCREEN).toString());
    }

    private void measure() throws IOException {
        String[] size = stty("size").split(" ");
        if (size.length == 2 && size[0].matches("[1-9][0-9]{0,4}") && size[1].matches("[1-9][0-9]{0,4}")) {
            rows = Integer.parseInt(size[0]);
            columns = Integer.parseInt(size[1]);
        }
    }

    private void restore() {
        print(LEAVE);
        try {
            stty(saved);
        } catch (IOException _) {
            // the terminal is gone
        }
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException _) {
            return; // the hook has it
        }
        restore();
    }

    private static void print(String text) {
        System.out.print(text);
        System.out.flush();
    }

    private static String stty(String... words) throws IOException {
        List<String> line = new ArrayList<>(List.of("stty"));
        line.addAll(List.of(words));
        Process process = new ProcessBuilder(line)
                .redirectInput(DEVICE)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
            if (process.waitFor() != 0) {
                throw new IOException("the terminal can't be set: stty " + String.join(" ", words) + " failed");
            }
            return said;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while setting the terminal", e);
        }
    }
}
