package dev.sluice.proxy.pac;

import dev.sluice.gateway.http.BadMessage;
import dev.sluice.gateway.http.Framing;
import dev.sluice.gateway.http.HeadScan;
import dev.sluice.gateway.http.ResponseHead;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Fetches a script over HTTP or HTTPS, straight from its server. Blocks, five seconds for the whole at most but for the name's lookup. Not by
 * the JDK's own client: that one finds only names which this process's resolver knows, and a script's server may well be in a zone that only the
 * guest network's name server has been told of.
 */
final class PacFetch {
    static final int MAX_BYTES = 1 << 20;
    private static final int MAX_HEAD = 64 << 10;
    private static final int MAX_REDIRECTS = 5;
    private static final int MAX_LINE = 256;
    private static final int MILLIS = 5_000;
    private static final int MAX_PORT = 65_535;

    private final PacHost host;
    private final long deadline = System.nanoTime() + MILLIS * 1_000_000L;

    private PacFetch(PacHost host) {
        this.host = host;
    }

    /**
     * What a server said.
     *
     * @param text null if it has not changed
     * @param version what the server wants to hear next time (an entity tag), or null
     */
    record Fetched(@Nullable String text, @Nullable String version) {}

    private record Answer(ResponseHead head, byte[] body) {}

    /**
     * Fetches what is there.
     *
     * @param version what was fetched before had, or null
     * @param host who knows names
     */
    static Fetched fetch(String url, @Nullable String version, PacHost host) throws IOException {
        PacFetch fetch = new PacFetch(host);
        URI at = uri(url);
        for (int i = 0; i <= MAX_REDIRECTS; i++) {
            Answer answer = fetch.get(at, version);
            int status = answer.head().status();
            String location = answer.head().fields().first("location").orElse(null);
            if (status == 304 && version != null) {
                return new Fetched(null, version);
            }
            if (status >= 300 && status < 400 && location != null) {
                at = uri(at.resolve(uri(location)).toString());
            } else if (status == 200) {
                return new Fetched(
                        new String(answer.body(), StandardCharsets.UTF_8),
                        answer.head().fields().first("etag").orElse(null));
            } else {
                throw new IOException("its server answered " + status);
            }
        }
        throw new IOException("it was redirected more than " + MAX_REDIRECTS + " times");
    }

    private static URI uri(String text) throws IOException {
        try {
            URI uri = new URI(text);
            String scheme = uri.getScheme() == null ? "http" : uri.getScheme().toLowerCase(Locale.ROOT);
            if (!scheme.equals("http") && !scheme.equals("https")) {
                throw new IOException("a script is not fetched by " + scheme);
            }
            if (uri.getPort() > MAX_PORT) {
                throw new IOException("'" + text + "' has a port that is none");
            }
            return uri;
        } catch (URISyntaxException e) {
            throw new IOException("'" + text + "' is no URL", e);
        }
    }

    private Answer get(URI at, @Nullable String version) throws IOException {
        if (at.getHost() == null) {
            throw new IOException("'" + at + "' names no host");
        }
        boolean tls = at.getScheme().equalsIgnoreCase("https");
        String path = at.getRawPath().isEmpty() ? "/" : at.getRawPath();
        String request = "GET " + (at.getRawQuery() == null ? path : path + "?" + at.getRawQuery()) + " HTTP/1.1\r\n"
                + "Host: " + (at.getPort() < 0 ? at.getHost() : at.getHost() + ":" + at.getPort()) + "\r\n"
                + "Accept: application/x-ns-proxy-autoconfig, */*\r\n"
                + (version == null ? "" : "If-None-Match: " + version + "\r\n")
                + "Connection: close\r\n\r\n";
        try (Socket plain = connect(at.getHost(), at.getPort() > 0 ? at.getPort() : tls ? 443 : 80);
                Socket socket = tls ? secured(plain, at.getHost()) : plain) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            InputStream in = new BufferedInputStream(new Timed(socket));
            while (true) {
                ResponseHead head = ResponseHead.parse(head(in));
                if (!head.isInterim()) {
                    return new Answer(head, body(in, Framing.ofResponse(head, "GET")));
                }
            }
        } catch (BadMessage e) {
            throw new IOException("its server does not answer in HTTP: " + e.reason(), e);
        }
    }

    /** Straight: which proxy to take is what the script is going to say. */
    private Socket connect(String name, int port) throws IOException {
        List<InetAddress> addresses =
                host.addresses(name.startsWith("[") ? name.substring(1, name.length() - 1) : name);
        if (addresses.isEmpty()) {
            throw new UnknownHostException(name);
        }
        IOException failure = null;
        for (InetAddress address : addresses) {
            Socket socket = new Socket();
            try {
                socket.connect(new InetSocketAddress(address, port), left());
                return socket;
            } catch (IOException e) {
                socket.close();
                failure = failure == null ? e : failure;
            }
        }
        throw new IOException(
                addresses.getFirst().getHostAddress() + ":" + port + ": "
                        + (failure == null ? "" : failure.getMessage()),
                failure);
    }

    private Socket secured(Socket plain, String name) throws IOException {
        SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
        SSLSocket socket = (SSLSocket) factory.createSocket(plain, name, plain.getPort(), true);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS"); // RFC 9110 §4.3.4
        socket.setSSLParameters(parameters);
        socket.setSoTimeout(left());
        socket.startHandshake();
        return socket;
    }

    private static byte[] head(InputStream in) throws IOException {
        HeadScan scan = HeadScan.ofResponse();
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        for (int b; (b = in.read()) >= 0; ) {
            head.write(b);
            if (scan.ends((byte) b)) {
                return head.toByteArray();
            }
            if (head.size() > MAX_HEAD) {
                throw new IOException("its server's answer is too long");
            }
        }
        throw new EOFException("its server has closed the connection without an answer");
    }

    private static byte[] body(InputStream in, Framing framing) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        switch (framing) {
            case Framing.Length(long bytes) -> take(in, bytes, all);
            case Framing.UntilClose() -> {
                all.writeBytes(in.readNBytes(MAX_BYTES + 1));
                bounded(all.size());
            }
            case Framing.Chunked() -> {
                for (long size; (size = chunk(line(in))) > 0; ) {
                    take(in, size, all);
                    line(in);
                }
            }
        }
        return all.toByteArray();
    }

    private static void take(InputStream in, long bytes, ByteArrayOutputStream all) throws IOException {
        bounded(bytes);
        bounded(all.size() + bytes);
        byte[] taken = in.readNBytes((int) bytes);
        if (taken.length < bytes) {
            throw new EOFException("it breaks off");
        }
        all.writeBytes(taken);
    }

    private static void bounded(long bytes) throws IOException {
        if (bytes > MAX_BYTES) {
            throw new IOException("it has more than " + MAX_BYTES + " bytes");
        }
    }

    /** The size of a chunk (RFC 9112 §7.1). */
    private static long chunk(String line) throws IOException {
        String digits = line.split(";", 2)[0].strip();
        if (!digits.matches("\\p{XDigit}{1,8}")) {
            throw new IOException("its chunks are none");
        }
        return Long.parseLong(digits, 16);
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int b; (b = in.read()) != '\n'; ) {
            if (b < 0 || line.length() > MAX_LINE) {
                throw new EOFException("its chunks are none");
            }
            line.append((char) b);
        }
        return line.toString();
    }

    private int left() throws SocketTimeoutException {
        long millis = (deadline - System.nanoTime()) / 1_000_000;
        if (millis <= 0) {
            throw new SocketTimeoutException("it was not there after " + MILLIS / 1000 + " s");
        }
        return (int) millis;
    }

    /** Reads until the deadline of the whole, however slowly it comes. */
    private final class Timed extends InputStream {
        private final Socket socket;
        private final InputStream in;

        Timed(Socket socket) throws IOException {
            this.socket = socket;
            this.in = socket.getInputStream();
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            socket.setSoTimeout(left());
            return in.read(to, offset, length);
        }
    }
}
