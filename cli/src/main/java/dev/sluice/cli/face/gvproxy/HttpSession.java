package dev.sluice.cli.face.gvproxy;

import dev.sluice.control.HttpHead;
import dev.sluice.control.HttpParse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One connection to the API, HTTP/1.1 as package {@code control} reads it, over any pair of streams. A request that does not come whole
 * within ten seconds, or an answer that is not taken, ends it.
 */
final class HttpSession {
    private static final int MAX_HEAD = 16 << 10;
    private static final int MAX_BODY = 1 << 20;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final InputStream in;
    private final OutputStream out;
    private final Api api;
    private final Api.Caller caller;
    private volatile long deadline = System.nanoTime() + PATIENCE_NANOS;

    HttpSession(InputStream in, OutputStream out, Api api, Api.Caller caller) {
        this.in = in;
        this.out = out;
        this.api = api;
        this.caller = caller;
    }

    /**
     * Serves until the client leaves or asks for something else to be made of the connection.
     *
     * @param cut ends both streams, from another thread
     * @return what is to be made of it, with nothing read beyond the request; null if it is over
     */
    Api.@Nullable Answer run(Runnable cut) {
        Thread watch = Thread.ofVirtual().name("api-watch").start(() -> watch(cut));
        try {
            while (true) {
                byte[] head = readHead();
                if (head.length == 0) {
                    return null;
                }
                switch (HttpParse.head(head)) {
                    case HttpParse.Refused(int status, String detail) -> {
                        refuse(status, detail);
                        return null;
                    }
                    case HttpHead request -> {
                        if (request.length() > MAX_BODY) {
                            refuse(413, "a body may have " + MAX_BODY + " bytes");
                            return null;
                        }
                        if (request.expectsContinue() && request.length() > 0) {
                            out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                        }
                        byte[] body = in.readNBytes((int) request.length());
                        if (body.length < request.length()) {
                            return null;
                        }
                        Api.Answer answer = api.handle(
                                caller,
                                request.method(),
                                request.path(),
                                request.query(),
                                new String(body, StandardCharsets.UTF_8));
                        if (!(answer instanceof Api.Text text)) {
                            return answer;
                        }
                        write(text, !request.method().equals("HEAD"), request.keepAlive());
                        if (!request.keepAlive()) {
                            return null;
                        }
                        deadline = System.nanoTime() + PATIENCE_NANOS;
                    }
                }
            }
        } catch (IOException e) {
            return null; // the client left, or was cut
        } finally {
            watch.interrupt();
        }
    }

    private void watch(Runnable cut) {
        try {
            while (true) {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    cut.run();
                    return;
                }
                TimeUnit.NANOSECONDS.sleep(left);
            }
        } catch (InterruptedException e) {
            // it ended in time
        }
    }

    /** Byte by byte: what comes after may be for somebody else. Empty at the end of the stream. */
    private byte[] readHead() throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream(512);
        int ends = 0;
        while (ends != 0x0d0a0d0a) {
            int b = in.read();
            if (b < 0) {
                return new byte[0];
            }
            head.write(b);
            ends = ends << 8 | b;
            if (head.size() > MAX_HEAD) {
                refuse(431, "the head is longer than " + MAX_HEAD + " bytes");
                return new byte[0];
            }
        }
        return head.toByteArray();
    }

    private void write(Api.Text answer, boolean withBody, boolean keepAlive) throws IOException {
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        String head = "HTTP/1.1 " + answer.status() + " " + reason(answer.status()) + "\r\nContent-Type: "
                + answer.type() + "\r\nContent-Length: " + body.length
                + (keepAlive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
        byte[] start = head.getBytes(StandardCharsets.US_ASCII);
        byte[] all = java.util.Arrays.copyOf(start, start.length + (withBody ? body.length : 0));
        if (withBody) {
            System.arraycopy(body, 0, all, start.length, body.length);
        }
        out.write(all);
        out.flush();
    }

    /** Answers, and lets the client see it before the connection goes. */
    private void refuse(int status, String detail) throws IOException {
        deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
        write(new Api.Text(status, "text/plain; charset=utf-8", detail + "\n"), true, false);
        out.close();
        byte[] rest = new byte[4096];
        while (in.read(rest) >= 0) {
            // what it still says is of no interest
        }
    }

    private static String reason(int status) {
        return switch (status) {
            case 200 -> "OK";
            case 400 -> "Bad Request";
            case 404 -> "Not Found";
            case 413 -> "Content Too Large";
            case 431 -> "Request Header Fields Too Large";
            case 501 -> "Not Implemented";
            case 505 -> "HTTP Version Not Supported";
            default -> "Internal Server Error";
        };
    }
}
