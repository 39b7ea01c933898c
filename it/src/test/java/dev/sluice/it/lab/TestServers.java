package dev.sluice.it.lab;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;

/**
 * The servers that tests talk to; a program of its own, for it has to run inside a namespace. HTTP on 80 ({@code /bytes/SEED/LENGTH};
 * a PUT anywhere answers with the digest of what came), on 7001 a TCP service that digests until the end of input and then answers, on
 * 7002 one that resets after the first byte, on 7003 one that talks until it is closed, on 7004 echo; UDP echo on 7.
 */
public final class TestServers {
    private TestServers() {}

    public static void main(String[] args) throws IOException {
        HttpServer http = HttpServer.create(new InetSocketAddress(80), 1024);
        http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        http.createContext("/", TestServers::answer);
        http.start();
        serve(7001, TestServers::digestUntilEnd);
        serve(7002, TestServers::reset);
        serve(7003, TestServers::talk);
        serve(7004, TestServers::echo);
        DatagramSocket echo = new DatagramSocket(7);
        Thread.ofPlatform().start(() -> echo(echo));
        System.out.println("ready");
    }

    private static void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String[] path = exchange.getRequestURI().getPath().split("/");
            if (exchange.getRequestMethod().equals("PUT")) {
                byte[] answer = digest(exchange.getRequestBody()).getBytes(StandardCharsets.US_ASCII);
                exchange.sendResponseHeaders(200, answer.length);
                exchange.getResponseBody().write(answer);
            } else if (path.length == 4 && path[1].equals("bytes")) {
                long length = Long.parseLong(path[3]);
                exchange.sendResponseHeaders(200, length);
                write(Long.parseLong(path[2]), length, exchange.getResponseBody());
            } else {
                exchange.sendResponseHeaders(404, -1);
            }
        }
    }

    /** Writes {@code length} bytes that follow from {@code seed}. */
    public static void write(long seed, long length, OutputStream out) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        byte[] chunk = new byte[1 << 16];
        for (long left = length; left > 0; left -= chunk.length) {
            random.nextBytes(chunk);
            out.write(chunk, 0, (int) Math.min(left, chunk.length));
        }
    }

    /** SHA-256 of {@link #write}'s bytes, in hexadecimal. */
    public static String digest(long seed, long length) {
        MessageDigest digest = sha256();
        try {
            write(seed, length, new OutputStream() {
                @Override
                public void write(int b) {
                    digest.update((byte) b);
                }

                @Override
                public void write(byte[] b, int off, int len) {
                    digest.update(b, off, len);
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static String digest(InputStream in) throws IOException {
        MessageDigest digest = sha256();
        byte[] chunk = new byte[1 << 16];
        for (int n; (n = in.read(chunk)) >= 0; ) {
            digest.update(chunk, 0, n);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private interface Service {
        void serve(Socket socket) throws IOException;
    }

    private static void serve(int port, Service service) throws IOException {
        ServerSocket listener = new ServerSocket(port, 1024);
        Thread.ofPlatform().start(() -> {
            while (true) {
                try {
                    Socket socket = listener.accept();
                    Thread.ofVirtual().start(() -> {
                        try (socket) {
                            service.serve(socket);
                        } catch (IOException e) {
                            System.err.println("port " + port + ": " + e);
                        }
                    });
                } catch (IOException e) {
                    System.err.println("port " + port + ": " + e);
                    return;
                }
            }
        });
    }

    private static void digestUntilEnd(Socket socket) throws IOException {
        String digest = digest(socket.getInputStream());
        socket.getOutputStream().write((digest + "\n").getBytes(StandardCharsets.US_ASCII));
    }

    private static void reset(Socket socket) throws IOException {
        if (socket.getInputStream().read() >= 0) {
            socket.setSoLinger(true, 0);
        }
    }

    private static void talk(Socket socket) throws IOException {
        byte[] chunk = new byte[1 << 16];
        while (true) {
            socket.getOutputStream().write(chunk);
        }
    }

    private static void echo(Socket socket) throws IOException {
        byte[] chunk = new byte[512];
        for (int n; (n = socket.getInputStream().read(chunk)) >= 0; ) {
            socket.getOutputStream().write(chunk, 0, n);
        }
    }

    private static void echo(DatagramSocket socket) {
        DatagramPacket packet = new DatagramPacket(new byte[65536], 65536);
        while (true) {
            try {
                packet.setLength(65536);
                socket.receive(packet);
                socket.send(packet);
            } catch (IOException e) {
                System.err.println("echo: " + e);
            }
        }
    }
}
