package dev.sluice.control;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.wire.JsonReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Map;

/** A client that sees every byte. */
final class Wire {
    private Wire() {}

    static SocketChannel connect(Path socket) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        return channel;
    }

    static void send(SocketChannel channel, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    static String readToEnd(SocketChannel channel) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(8192);
        while (channel.read(buffer.clear()) >= 0) {
            all.write(buffer.array(), 0, buffer.position());
        }
        return all.toString(UTF_8);
    }

    /** Reads until {@code text} has come; what came so far. */
    static String readUntil(SocketChannel channel, String text) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(8192);
        while (!all.toString(UTF_8).contains(text) && channel.read(buffer.clear()) >= 0) {
            all.write(buffer.array(), 0, buffer.position());
        }
        return all.toString(UTF_8);
    }

    /** A whole response, the connection closed after it. */
    static String exchange(Path socket, String method, String path, String body, String... fields) throws IOException {
        try (SocketChannel channel = connect(socket)) {
            String more = fields.length == 0 ? "" : String.join("\r\n", fields) + "\r\n";
            send(
                    channel,
                    method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
                            + body.getBytes(UTF_8).length + "\r\n" + more + "\r\n" + body);
            return readToEnd(channel);
        }
    }

    static String body(String response) {
        return response.substring(response.indexOf("\r\n\r\n") + 4);
    }

    /** The problem document that answers. */
    static Map<?, ?> problem(Path socket, String method, String path, String body) throws IOException {
        String response = exchange(socket, method, path, body);
        if (!response.contains("Content-Type: application/problem+json")) {
            throw new AssertionError("no problem: " + response);
        }
        return (Map<?, ?>) JsonReader.read(body(response));
    }
}
