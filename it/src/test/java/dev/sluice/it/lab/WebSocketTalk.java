package dev.sluice.it.lab;

import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A guest's program: talks with {@link WebSocketEcho} by Java's own client. Arguments: perhaps HOST:PORT of a proxy; URLs. */
public final class WebSocketTalk {
    private static final int SECONDS = 60;

    private WebSocketTalk() {}

    public static void main(String[] args) throws Exception {
        HttpClient.Builder builder = HttpClient.newBuilder().sslContext(ArtifactDownload.trusting());
        List<String> urls = new ArrayList<>(List.of(args));
        if (!urls.getFirst().contains("://")) {
            String[] place = urls.removeFirst().split(":");
            builder.proxy(ProxySelector.of(new InetSocketAddress(place[0], Integer.parseInt(place[1]))));
        }
        try (HttpClient client = builder.build()) {
            for (String url : urls) {
                talk(client, url);
            }
        }
    }

    private static void talk(HttpClient client, String url) throws Exception {
        Heard heard = new Heard();
        WebSocket socket =
                client.newWebSocketBuilder().buildAsync(URI.create(url), heard).get(SECONDS, TimeUnit.SECONDS);
        Random random = new Random(4711);
        for (int length : new int[] {0, 1, 125, 126, 65_535, 65_536, 1 << 20}) {
            byte[] said = new byte[length];
            random.nextBytes(said);
            socket.sendBinary(ByteBuffer.wrap(said), true).get(SECONDS, TimeUnit.SECONDS);
            if (!Arrays.equals(said, heard.messages.poll(SECONDS, TimeUnit.SECONDS))) {
                throw new IllegalStateException(length + " bytes came back as others");
            }
        }
        socket.sendPing(ByteBuffer.wrap(new byte[] {1, 2, 3})).get(SECONDS, TimeUnit.SECONDS);
        if (heard.pongs.poll(SECONDS, TimeUnit.SECONDS) == null) {
            throw new IllegalStateException("no pong");
        }
        socket.sendClose(WebSocket.NORMAL_CLOSURE, "bye").get(SECONDS, TimeUnit.SECONDS);
        System.out.println("closed " + heard.closed.poll(SECONDS, TimeUnit.SECONDS));
    }

    private static final class Heard implements WebSocket.Listener {
        final BlockingQueue<byte[]> messages = new LinkedBlockingQueue<>();
        final BlockingQueue<Integer> pongs = new LinkedBlockingQueue<>();
        final BlockingQueue<Integer> closed = new LinkedBlockingQueue<>();
        private final ByteArrayOutputStream part = new ByteArrayOutputStream();

        @Override
        public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            part.writeBytes(bytes);
            if (last) {
                messages.add(part.toByteArray());
                part.reset();
            }
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onPong(WebSocket socket, ByteBuffer data) {
            pongs.add(data.remaining());
            socket.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket socket, int status, String reason) {
            closed.add(status);
            return null;
        }
    }
}
