package dev.sluice.cli.face.gvproxy;

import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.GatewayStatus;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Notifies of guests that come and go: their hardware addresses, looked at once a second, as long as somebody wants to know. */
final class GuestWatch implements AutoCloseable {
    private static final long EVERY_SECONDS = 1;

    private final Gateway gateway;
    private final Notifications notifications;
    private final Set<MacAddress> known = new HashSet<>();
    private final Thread thread = Thread.ofVirtual().name("guest-watch").unstarted(this::run);

    private GuestWatch(Gateway gateway, Notifications notifications) {
        this.gateway = gateway;
        this.notifications = notifications;
    }

    static GuestWatch start(Gateway gateway, Notifications notifications) {
        GuestWatch watch = new GuestWatch(gateway, notifications);
        watch.thread.start();
        return watch;
    }

    private void run() {
        try {
            while (true) {
                look();
                TimeUnit.SECONDS.sleep(EVERY_SECONDS);
            }
        } catch (InterruptedException | IOException e) {
            // the end
        }
    }

    private void look() throws IOException {
        Set<MacAddress> now = new HashSet<>();
        for (GatewayStatus.GuestStatus guest : gateway.status().guests()) {
            now.add(guest.mac());
        }
        for (MacAddress mac : now) {
            if (known.add(mac)) {
                notifications.send(Notifications.Kind.CONNECTION_ESTABLISHED, mac);
            }
        }
        for (MacAddress mac : Set.copyOf(known)) {
            if (!now.contains(mac)) {
                known.remove(mac);
                notifications.send(Notifications.Kind.CONNECTION_CLOSED, mac);
            }
        }
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
