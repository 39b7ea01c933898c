package dev.sluice.cli.face.gvproxy;

import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.event.Subscription;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** Notifies of guests that come and go, by their hardware addresses: the first address of one, and the end of its last. */
final class GuestWatch implements AutoCloseable {
    private static final Duration LONG = Duration.ofDays(1);
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final Subscription events;
    private final Notifications notifications;
    /** How many addresses are known of each. */
    private final Map<MacAddress, Integer> known = new HashMap<>();

    private final Thread thread = Thread.ofVirtual().name("guest-watch").unstarted(this::run);

    private GuestWatch(Subscription events, Notifications notifications) {
        this.events = events;
        this.notifications = notifications;
    }

    /** Begins to watch; guests that are there already are not told of. */
    static GuestWatch start(Gateway gateway, Notifications notifications) throws IOException {
        Subscription events = gateway.events().subscribe(Set.of(Event.Kind.GUEST_JOIN, Event.Kind.GUEST_LEAVE));
        if (events == null) {
            throw new IOException("-notification: too many listen for events");
        }
        GuestWatch watch = new GuestWatch(events, notifications);
        watch.thread.start();
        return watch;
    }

    private void run() {
        try {
            while (!events.isCut()) {
                Event event = events.next(LONG);
                if (event != null) {
                    tell(event);
                }
            }
        } catch (InterruptedException e) {
            tellWhatHasHappened();
        }
    }

    /** At the end, which may be that of the last guest. */
    private void tellWhatHasHappened() {
        try {
            for (Event event; (event = events.next(Duration.ZERO)) != null; ) {
                tell(event);
            }
        } catch (InterruptedException e) {
            // twice; then without the rest
        }
    }

    private void tell(Event event) {
        if (event.data() instanceof Events.Neighbour guest) {
            tell(event.kind() == Event.Kind.GUEST_JOIN, guest.mac());
        }
    }

    private void tell(boolean joined, MacAddress mac) {
        int before = known.getOrDefault(mac, 0);
        int now = before + (joined ? 1 : -1);
        if (now > 0) {
            known.put(mac, now);
        } else {
            known.remove(mac);
        }
        if (before == 0 && now == 1) {
            notifications.send(Notifications.Kind.CONNECTION_ESTABLISHED, mac);
        } else if (before == 1 && now == 0) {
            notifications.send(Notifications.Kind.CONNECTION_CLOSED, mac);
        }
    }

    /** What has happened before is told of. */
    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join(PATIENCE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        events.close();
    }
}
