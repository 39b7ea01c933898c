package dev.sluice.examples;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpServer;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A web server with two pages, {@code /} and {@code /bytes/N}: HTTP/1.1 as far as curl and browsers need it. */
public final class TinyHttp {
    static final int PORT = 80;
    private static final int MOST_HEADERS = 8192;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private TinyHttp() {}

    public static void main(String... arguments) throws IOException, InterruptedException {
        try (NetStack net = Station.parse(arguments).open();
                TcpServer server = serve(net)) {
            System.out.println("ready: http://" + Station.address(net) + "/");
            server.join();
        }
    }

    static TcpServer serve(NetStack net) throws NetException {
        return net.tcp().serve(PORT, 1024, TinyHttp::serve);
    }

    private static void serve(TcpConnection connection) throws IOException {
        connection.readTimeout(PATIENCE);
        connection.writeTimeout(PATIENCE);
        InputStream in = new BufferedInputStream(connection.inputStream());
        OutputStream out = connection.outputStream();
        for (String request; (request = readHeaders(in)) != null; ) {
            String[] words = request.split(" ", 3);
            boolean get = words.length == 3 && words[0].equals("GET");
            if (!get) {
                answer(out, "405 Method Not Allowed", 0);
                return;
            }
            String path = words[1];
            if (path.equals("/")) {
                byte[] page = "hello from a stack of its own\n".getBytes(US_ASCII);
                answer(out, "200 OK", page.length);
                out.write(page);
            } else if (path.matches("/bytes/[0-9]{1,10}")) {
                long size = Long.parseLong(path.substring(7));
                answer(out, "200 OK", size);
                send(out, size);
            } else {
                answer(out, "404 Not Found", 0);
            }
        }
    }

    /** The request line, after the headers were read to their end; null at the end of the stream. */
    private static @Nullable String readHeaders(InputStream in) throws IOException {
        StringBuilder text = new StringBuilder();
        while (text.indexOf("\r\n\r\n") < 0) {
            int b = in.read();
            if (b < 0) {
                return null;
            }
            if (text.length() == MOST_HEADERS) {
                throw new IOException("a request has more than " + MOST_HEADERS + " bytes of headers");
            }
            text.append((char) b);
        }
        return text.substring(0, text.indexOf("\r\n"));
    }

    private static void answer(OutputStream out, String status, long length) throws IOException {
        out.write(("HTTP/1.1 " + status + "\r\nContent-Type: text/plain\r\nContent-Length: " + length + "\r\n\r\n")
                .getBytes(US_ASCII));
    }

    private static void send(OutputStream out, long size) throws IOException {
        byte[] block = "0123456789abcde\n".repeat(4096).getBytes(US_ASCII);
        for (long left = size; left > 0; left -= Math.min(left, block.length)) {
            out.write(block, 0, (int) Math.min(left, block.length));
        }
    }
}
