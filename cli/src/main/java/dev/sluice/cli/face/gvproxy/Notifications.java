package dev.sluice.cli.face.gvproxy;

import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Tells a program at a Unix socket of what happens: a connection for each message, and one line of JSON. A thread of its own sends, so that
 * a listener that is slow or gone holds up nobody; what it can't take in time is lost, and said once.
 */
final class Notifications implements AutoCloseable {
    /** Messages that wait; further ones are lost. */
    private static final int QUEUE = 256;

    private static final String END = "";
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** What may happen. */
    enum Kind {
        READY,
        CONNECTION_ESTABLISHED,
        CONNECTION_CLOSED,
        HYPERVISOR_ERROR
    }

    private final UnixDomainSocketAddress to;
    private final ArrayBlockingQueue<String> queue = new ArrayBlockingQueue<>(QUEUE);
    private final Thread sender = Thread.ofVirtual().name("notification").unstarted(this::sendAll);
    private boolean told;

    private Notifications(UnixDomainSocketAddress to) {
        this.to = to;
    }

    /** @param url {@code unix:///PATH} */
    static Notifications to(String url) {
        if (!url.startsWith("unix://")) {
            throw new IllegalArgumentException("-notification " + url + ": write unix:///PATH");
        }
        Notifications made = new Notifications(UnixDomainSocketAddress.of(url.substring("unix://".length())));
        made.sender.start();
        return made;
    }

    /** Any thread; does not block. */
    void send(Kind kind, @Nullable MacAddress mac) {
        String type = kind.name().toLowerCase(java.util.Locale.ROOT);
        boolean taken = queue.offer("{\"notification_type\":\"" + type + "\""
                + (mac == null ? "" : ",\"mac_address\":\"" + mac + "\"") + "}\n");
        if (!taken) {
            tell("notifications are lost: " + QUEUE + " wait already");
        }
    }

    private void sendAll() {
        try {
            for (String message = queue.take(); !message.equals(END); message = queue.take()) {
                send(message);
            }
        } catch (InterruptedException e) {
            // the end
        }
    }

    private void send(String message) {
        try (SocketChannel channel = SocketChannel.open(to)) {
            ByteBuffer bytes = ByteBuffer.wrap(message.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            tell("cannot notify " + to + ": " + e.getMessage());
        }
    }

    private synchronized void tell(String problem) {
        if (!told) {
            told = true;
            System.getLogger(Notifications.class.getName()).log(System.Logger.Level.WARNING, problem);
        }
    }

    /** Waits until what was sent has been taken, but not for a listener that takes nothing. */
    @Override
    public void close() {
        try {
            if (queue.offer(END)) {
                sender.join(PATIENCE);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        sender.interrupt();
    }
}
