package dev.sluice.gateway.explain;

import dev.sluice.gateway.explain.Explained.Stage;
import dev.sluice.gateway.proxy.Credentials;
import dev.sluice.gateway.proxy.Upstream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;

/** Asks a proxy for a way to the server, with its password if it has one, and tells what it says; never the password. */
final class Tunnel {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int MAX_HEAD = 16 << 10;

    private Tunnel() {}

    /** @throws IOException if it gives none, which was told */
    static void open(Socket socket, Upstream upstream, Target target, Steps steps) throws IOException {
        long began = System.nanoTime();
        try {
            String said = Deadline.within(
                    PATIENCE,
                    () -> upstream.kind() == Upstream.Kind.SOCKS5
                            ? socks(socket, upstream, target)
                            : connect(socket, upstream, target),
                    () -> close(socket));
            steps.done(Stage.TUNNEL, upstream.title(), said, began);
        } catch (Refusal e) {
            steps.failed(Stage.TUNNEL, upstream.title(), String.valueOf(e.getMessage()), e.remedy, began);
            throw e;
        } catch (SocketTimeoutException | Deadline.TooLate e) {
            steps.failed(
                    Stage.TUNNEL,
                    upstream.title(),
                    "the proxy does not answer",
                    "check that it is a proxy of this kind, and works",
                    began);
            throw e;
        } catch (IOException e) {
            steps.failed(
                    Stage.TUNNEL,
                    upstream.title(),
                    "the proxy ended the connection: " + e.getMessage(),
                    "check that it is a proxy of this kind, and works",
                    began);
            throw e;
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // it is closed as far as it can be
        }
    }

    /** What the proxy does not want. */
    private static final class Refusal extends IOException {
        private static final long serialVersionUID = 1L;
        private final String remedy;

        Refusal(String message, String remedy) {
            super(message);
            this.remedy = remedy;
        }
    }

    private static String connect(Socket socket, Upstream upstream, Target target) throws IOException {
        StringBuilder head =
                new StringBuilder("CONNECT " + target.place() + " HTTP/1.1\r\nHost: " + target.place() + "\r\n");
        upstream.credentials()
                .ifPresent(known -> head.append("Proxy-Authorization: Basic ")
                        .append(Base64.getEncoder()
                                .encodeToString(
                                        (known.user() + ":" + known.password()).getBytes(StandardCharsets.UTF_8)))
                        .append("\r\n"));
        socket.getOutputStream().write(head.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
        socket.getOutputStream().flush();
        String line = head(socket.getInputStream());
        String[] words = line.split(" ", 3);
        if (!line.startsWith("HTTP/1.") || words.length < 2 || !words[1].matches("[0-9]{3}")) {
            throw new Refusal("what answers there is no HTTP proxy", "check the proxy's address, port and kind");
        }
        int status = Integer.parseInt(words[1]);
        String said = "the proxy answers " + printable(line.substring(line.indexOf(' ') + 1));
        if (status / 100 == 2) {
            return said;
        }
        throw new Refusal(
                said,
                switch (status) {
                    case 407 ->
                        upstream.credentials().isPresent()
                                ? "it does not accept the user name and password it was given: set them anew"
                                : "it wants to know who asks: give a user name and a password in the proxy's URL, as"
                                        + " http://USER:PASSWORD@HOST:PORT, or by --proxy-login; where it wants Kerberos, guests'"
                                        + " requests use the ticket of the host's user, and explain has none";
                    case 403, 405 ->
                        "its rules forbid this: ask whoever runs the proxy, or except the host with no-proxy";
                    case 502, 503, 504 ->
                        "the proxy can't reach the server: check the name and port, or except the host with no-proxy";
                    default -> "ask whoever runs the proxy";
                });
    }

    /** The first line; the rest of the head is read, too. */
    private static String head(InputStream in) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int matched = 0;
        while (matched < 4) {
            int c = in.read();
            if (c < 0) {
                throw new IOException("without an answer");
            }
            if (out.size() == MAX_HEAD) {
                throw new IOException("its answer has no end");
            }
            out.write(c);
            matched = c == "\r\n\r\n".charAt(matched) ? matched + 1 : c == '\r' ? 1 : 0;
        }
        String text = out.toString(StandardCharsets.ISO_8859_1);
        return text.substring(0, text.indexOf('\r'));
    }

    private static String printable(String text) {
        return text.codePoints()
                .limit(200)
                .map(c -> c < ' ' || c >= 0x7f && c < 0xa0 ? '?' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    /** RFC 1928 and 1929. */
    private static String socks(Socket socket, Upstream upstream, Target target) throws IOException {
        Credentials known = upstream.credentials().orElse(null);
        DataInputStream in = new DataInputStream(socket.getInputStream());
        socket.getOutputStream().write(known == null ? new byte[] {5, 1, 0} : new byte[] {5, 2, 0, 2});
        if (in.readByte() != 5) {
            throw new Refusal("what answers there speaks no SOCKS5", "check the proxy's address, port and kind");
        }
        int method = in.readUnsignedByte();
        if (method == 2 && known != null) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            out.write(1);
            text(out, known.user());
            text(out, known.password());
            socket.getOutputStream().write(out.toByteArray());
            in.readByte();
            if (in.readByte() != 0) {
                throw new Refusal("the proxy does not accept the password", "set user name and password anew");
            }
        } else if (method != 0) {
            throw new Refusal(
                    "the proxy wants a user name and a password",
                    "give them in its URL, as socks5://USER:PASSWORD@HOST:PORT");
        }
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        request.writeBytes(new byte[] {5, 1, 0, 3});
        text(request, target.host());
        request.write(target.port() >> 8);
        request.write(target.port());
        socket.getOutputStream().write(request.toByteArray());
        in.readByte();
        int code = in.readUnsignedByte();
        if (code != 0) {
            throw new Refusal(
                    "the proxy answers with code " + code
                            + (code == 2 ? " (forbidden by its rules)" : code == 5 ? " (connection refused)" : ""),
                    code == 2
                            ? "ask whoever runs the proxy"
                            : "the proxy can't reach the server: check the name and port");
        }
        in.readByte();
        int type = in.readByte();
        in.skipNBytes((type == 1 ? 4 : type == 4 ? 16 : in.readUnsignedByte()) + 2);
        return "the proxy has a connection";
    }

    private static void text(ByteArrayOutputStream out, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > 255) {
            throw new IOException("a name is longer than SOCKS5 can carry");
        }
        out.write(bytes.length);
        out.writeBytes(bytes);
    }
}
