package dev.sluice.gateway.dns;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** In the place of systemd-resolved: takes one call after the other, and answers what the test says, or nothing. */
final class VarlinkServer implements AutoCloseable {
    /** What is answered to a call. */
    interface Script {
        /** @param channel to be written to, or closed, or left alone */
        void answer(String call, SocketChannel channel) throws IOException;
    }

    /** Calls as they came. */
    final List<String> calls = new CopyOnWriteArrayList<>();

    private final Path path;
    private final ServerSocketChannel server;
    private volatile Script script;

    VarlinkServer(Path path, Script script) throws IOException {
        this.path = path;
        this.script = script;
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        Thread.ofVirtual().start(() -> {
            try {
                while (true) {
                    SocketChannel channel = server.accept();
                    Thread.ofVirtual().start(() -> serve(channel));
                }
            } catch (IOException e) {
                // closed
            }
        });
    }

    /** A whole answer to every call. */
    static Script always(String reply) {
        return (_, channel) -> write(channel, reply + "\0");
    }

    static void write(SocketChannel channel, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    void script(Script other) {
        script = other;
    }

    private void serve(SocketChannel channel) {
        try (channel) {
            ByteArrayOutputStream call = new ByteArrayOutputStream();
            ByteBuffer one = ByteBuffer.allocate(1);
            while (channel.read(one.clear()) > 0) {
                if (one.get(0) != 0) {
                    call.write(one.get(0));
                    continue;
                }
                String text = call.toString(StandardCharsets.UTF_8);
                call.reset();
                calls.add(text);
                script.answer(text, channel);
            }
        } catch (IOException e) {
            // the client has gone
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        Files.deleteIfExists(path);
    }
}
