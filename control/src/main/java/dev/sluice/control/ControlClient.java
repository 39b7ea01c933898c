package dev.sluice.control;

import dev.sluice.wire.JsonReader;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Asks a running Sluice through its control socket. Each call is a connection of its own; any thread. */
public final class ControlClient {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    /** More than any response of this API; a peer that sends more is not Sluice. */
    private static final int MAX_RESPONSE = 64 << 20;

    private static final int MAX_PROBLEM = 64 << 10;

    /** The status of an answer to what makes no sense. */
    private static final String MISTAKE = "400";

    private final Path socket;
    private final Duration patience;

    public ControlClient(Path socket) {
        this(socket, PATIENCE);
    }

    /** The same for questions that take their time. */
    public ControlClient patient(Duration longer) {
        return new ControlClient(socket, longer);
    }

    ControlClient(Path socket, Duration patience) {
        this.socket = socket;
        this.patience = patience;
    }

    /**
     * Asks the one instance this user runs.
     *
     * @throws ControlException if there is none, or more than one to choose from
     */
    public static ControlClient ofOnlyInstance() throws ControlException {
        List<ControlSockets.Instance> running = ControlSockets.running();
        return switch (running.size()) {
            case 0 -> throw notRunning();
            case 1 -> new ControlClient(running.getFirst().socket());
            default ->
                throw new ControlException("several sluices are running, choose one by its pid (--pid PID, or PID"
                        + " alone for status, capture and diagnose): " + pids(running));
        };
    }

    /**
     * Asks the instance with this pid.
     *
     * @throws ControlException if no such instance is there to ask
     */
    public static ControlClient ofPid(long pid) throws ControlException {
        Path socket = ControlSockets.of(pid);
        if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            List<ControlSockets.Instance> running = ControlSockets.running();
            throw running.isEmpty()
                    ? notRunning()
                    : new ControlException("process " + pid + " is no sluice of yours; there is " + pids(running));
        }
        return new ControlClient(socket);
    }

    private static String pids(List<ControlSockets.Instance> running) {
        return running.stream().map(instance -> Long.toString(instance.pid())).collect(Collectors.joining(", "));
    }

    private static ControlException notRunning() {
        return new ControlException("no sluice of yours is running here; start one with: sluice run -- COMMAND");
    }

    /**
     * The body of a successful GET.
     *
     * @param path such as {@code /v1/status}
     * @throws ControlException if nobody could be asked, or what the answer was if it is not 200
     */
    public String get(String path) throws ControlException {
        return ask("GET", path, "");
    }

    /**
     * The body of a successful request.
     *
     * @param method such as {@code POST}
     * @param body JSON, or empty for none
     * @throws ControlException if nobody could be asked, or with what the answer says was wrong
     */
    public String ask(String method, String path, String body) throws ControlException {
        byte[] content = body.getBytes(StandardCharsets.UTF_8);
        String head = method + " " + path + " HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\nContent-Length: "
                + content.length + "\r\n\r\n";
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.writeBytes(head.getBytes(StandardCharsets.US_ASCII));
        request.writeBytes(content);
        String response = exchange(request.toByteArray());
        int end = response.indexOf("\r\n\r\n");
        if (end < 0 || !response.matches("(?s)HTTP/1\\.1 [1-5][0-9]{2} .*")) {
            throw new ControlException("what listens on " + socket + " does not answer like a sluice");
        }
        String answer = response.substring(end + 4);
        if (answer.getBytes(StandardCharsets.UTF_8).length < length(response.substring(0, end))) {
            throw new ControlException("the sluice on " + socket
                    + " broke off in the middle of its answer: it ends, or is" + " too busy; ask again");
        }
        String status = response.substring(9, 12);
        if (!status.equals("200")) {
            // what the asker did wrong, or met, is told in the answer's own words
            String detail = status.equals("500") ? null : detail(answer);
            throw new ControlException(
                    detail != null
                            ? detail
                            : "the sluice on " + socket + " answered " + status + " to " + method + " " + path + ": "
                                    + answer.strip(),
                    status.equals(MISTAKE));
        }
        return answer;
    }

    /**
     * Reads a stream of events until the other side ends it or the thread is interrupted.
     *
     * @param path such as {@code /v1/events}
     * @param lines takes each line of the body, as it comes
     * @throws ControlException if nobody could be asked, with what the answer says was wrong, or if the stream breaks off
     */
    public void follow(String path, Consumer<String> lines) throws ControlException {
        if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            throw notRunning();
        }
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            ByteBuffer request =
                    ByteBuffer.wrap(("GET " + path + " HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            while (request.hasRemaining()) {
                channel.write(request);
            }
            InputStream in = new BufferedInputStream(Channels.newInputStream(channel));
            String status = HttpLines.head(in);
            check(status, path, in);
            HttpLines.forEach(in, lines);
        } catch (ControlException e) {
            throw e;
        } catch (ClosedByInterruptException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /** Whether the sluice that is asked ends within {@code patience}: it says why a stream of it broke off. */
    public boolean endsWithin(Duration patience) {
        String name = String.valueOf(socket.getFileName());
        if (!name.matches("[0-9]{1,10}\\.sock")) {
            return false;
        }
        Optional<ProcessHandle> process = ProcessHandle.of(Long.parseLong(name.substring(0, name.indexOf('.'))));
        return process.isEmpty()
                || process.get()
                        .onExit()
                        .thenApply(_ -> true)
                        .completeOnTimeout(false, patience.toMillis(), TimeUnit.MILLISECONDS)
                        .join();
    }

    /**
     * The answer to a GET that goes on and on, in bytes; the caller's to close.
     *
     * @throws ControlException if nobody could be asked, or with what the answer says was wrong
     */
    public ControlStream stream(String path) throws ControlException {
        if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            throw notRunning();
        }
        ControlStream stream = null;
        try {
            stream = ControlStream.open(socket, path);
            check(HttpLines.head(stream.input()), path, stream.input());
            return stream;
        } catch (IOException e) {
            if (stream != null) {
                stream.close();
            }
            throw e instanceof ControlException known ? known : unreachable(e);
        }
    }

    /** Throws what the answer says was wrong, if something was. */
    private void check(String status, String path, InputStream in) throws IOException {
        if (!status.equals("200")) {
            String detail = detail(new String(in.readNBytes(MAX_PROBLEM), StandardCharsets.UTF_8));
            throw new ControlException(
                    detail != null ? detail : "the sluice on " + socket + " answered " + status + " to GET " + path,
                    status.equals(MISTAKE));
        }
    }

    private ControlException unreachable(IOException e) {
        String reason = ControlSockets.reason(e);
        return new ControlException(
                switch (reason.toLowerCase(java.util.Locale.ROOT)) {
                    case "connection refused" ->
                        "the sluice of " + socket
                                + " is gone without a goodbye; start a new one with: sluice run -- COMMAND";
                    case "permission denied" ->
                        "the sluice of " + socket + " belongs to another user; ask as that user, or as root";
                    default -> "could not ask the sluice on " + socket + ": " + reason;
                },
                e);
    }

    /** Of the body, as the head says; 0 if it does not. */
    private static int length(String head) {
        for (String line : head.split("\r\n")) {
            if (line.matches("(?i)content-length: [0-9]{1,9}")) {
                return Integer.parseInt(line.substring(line.indexOf(' ') + 1));
            }
        }
        return 0;
    }

    /** What a problem document (RFC 9457) says; null if it is none. */
    private static @Nullable String detail(String answer) {
        try {
            return JsonReader.read(answer) instanceof Map<?, ?> problem
                            && problem.get("detail") instanceof String detail
                    ? detail
                    : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private String exchange(byte[] request) throws ControlException {
        if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            throw notRunning();
        }
        // Unix sockets have no timeouts of their own in Java; a selector has.
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                Selector selector = Selector.open()) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.configureBlocking(false);
            SelectionKey key = channel.register(selector, SelectionKey.OP_WRITE);
            long deadline = System.nanoTime() + patience.toNanos();
            ByteBuffer out = ByteBuffer.wrap(request);
            while (out.hasRemaining()) {
                await(selector, deadline);
                channel.write(out);
            }
            key.interestOps(SelectionKey.OP_READ);
            return readAll(channel, selector, deadline).toString(StandardCharsets.UTF_8);
        } catch (ControlException e) {
            throw e;
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    private ByteArrayOutputStream readAll(SocketChannel channel, Selector selector, long deadline) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ByteBuffer in = ByteBuffer.allocate(16 << 10);
        while (true) {
            await(selector, deadline);
            int n = channel.read(in.clear());
            if (n < 0) {
                return all;
            }
            all.write(in.array(), 0, n);
            if (all.size() > MAX_RESPONSE) {
                throw new ControlException("what listens on " + socket + " sends without end; it is no sluice");
            }
        }
    }

    private void await(Selector selector, long deadline) throws IOException {
        long left = Math.ceilDiv(deadline - System.nanoTime(), 1_000_000L);
        if (left <= 0 || selector.select(left) == 0 && deadline - System.nanoTime() <= 0) {
            throw new ControlException("the sluice on " + socket + " does not answer within " + patience.toSeconds()
                    + " s; is it stopped?");
        }
        selector.selectedKeys().clear();
    }
}
