package dev.sluice.net.dhcp;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** The client's state machine; see the package. Confined to the loop. */
public final class DhcpClient {
    /** Who owns the client. */
    public interface Owner {
        /** Sends a message to port 67 of {@code destination}, from the client's address if it has one, else from 0.0.0.0. */
        void send(DhcpMessage message, Ipv4Address destination);

        /** Asks whether the lease's address is free, takes it if so, and answers by {@link DhcpClient#checked}. */
        void check(Lease lease);

        /** The lease is in force, for the first time or renewed. */
        void bound(Lease lease);

        /** The address must not be used any more; {@code reason} is for people. */
        void lost(String reason);
    }

    enum State {
        STOPPED,
        SELECTING,
        REQUESTING,
        CHECKING,
        BOUND,
        RENEWING,
        REBINDING,
        /** After a DECLINE or a refusal. */
        RESTING
    }

    private static final long SECOND = 1_000_000_000L;
    private static final long FIRST_RETRY = 4 * SECOND;
    private static final long LAST_RETRY = 64 * SECOND;
    private static final long SHORTEST_RENEWAL_RETRY = 60 * SECOND;
    private static final long REST = 10 * SECOND;
    private static final int REQUESTS = 4;
    private static final int MESSAGE_SIZE = 1400;
    /** "For ever" (RFC 2131 §3.3). */
    private static final long FOREVER = 0xffff_ffffL;

    private final Loop loop;
    private final MacAddress mac;
    private final @Nullable String hostName;
    private final RandomGenerator random;
    private final Owner owner;

    private State state = State.STOPPED;
    private int transaction;
    private int tries;
    private long began;
    private @Nullable DhcpMessage offer;
    private @Nullable Lease lease;
    /** When the lease's last REQUEST left: its times count from there (RFC 2131 §4.4.5). */
    private long requested;

    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long now) {
            step(now);
        }
    };

    public DhcpClient(Loop loop, MacAddress mac, @Nullable String hostName, RandomGenerator random, Owner owner) {
        this.loop = loop;
        this.mac = mac;
        this.hostName = hostName;
        this.random = random;
        this.owner = owner;
    }

    /** The lease in force, or null. */
    public @Nullable Lease lease() {
        return switch (state) {
            case BOUND, RENEWING, REBINDING -> lease;
            case STOPPED, SELECTING, REQUESTING, CHECKING, RESTING -> null;
        };
    }

    public void start() {
        discover(loop.now());
    }

    /** Ends it, and gives the lease back if there is one. */
    public void stop() {
        Lease held = lease();
        if (held != null) {
            DhcpOptions.Builder options =
                    options(DhcpMessage.RELEASE).address(DhcpOptions.SERVER_IDENTIFIER, held.server());
            owner.send(message(held.address().address(), options), held.server());
        }
        state = State.STOPPED;
        loop.cancel(timer);
    }

    private void step(long now) {
        switch (state) {
            case STOPPED, CHECKING -> {}
            case RESTING -> discover(now);
            case SELECTING -> retryDiscover(now);
            case REQUESTING -> {
                if (tries >= REQUESTS) {
                    discover(now);
                } else {
                    request(now);
                }
            }
            case BOUND -> {
                state = State.RENEWING;
                transaction = random.nextInt();
                began = now;
                renew(now);
            }
            case RENEWING, REBINDING -> renew(now);
        }
    }

    // ---- to the server

    private void discover(long now) {
        state = State.SELECTING;
        lease = null;
        offer = null;
        transaction = random.nextInt();
        began = now;
        tries = 0;
        retryDiscover(now);
    }

    private void retryDiscover(long now) {
        owner.send(message(Ipv4Address.ANY, asking(DhcpMessage.DISCOVER)), Ipv4Address.BROADCAST);
        retryLater(now);
    }

    private void request(long now) {
        DhcpMessage chosen = offer;
        Ipv4Address server = chosen == null ? null : chosen.options().serverIdentifier();
        if (chosen == null || server == null) {
            discover(now);
            return;
        }
        requested = now;
        DhcpOptions.Builder options = asking(DhcpMessage.REQUEST)
                .address(DhcpOptions.REQUESTED_ADDRESS, chosen.yourAddress())
                .address(DhcpOptions.SERVER_IDENTIFIER, server);
        owner.send(message(Ipv4Address.ANY, options), Ipv4Address.BROADCAST);
        retryLater(now);
    }

    private void retryLater(long now) {
        long wait = Math.min(FIRST_RETRY << Math.min(tries, 10), LAST_RETRY);
        tries++;
        loop.schedule(timer, now + wait + random.nextLong(2 * SECOND) - SECOND);
    }

    private void renew(long now) {
        Lease held = lease;
        if (held == null) {
            discover(now);
            return;
        }
        long expires = requested + held.duration().toNanos();
        long rebinds = requested + held.rebinding().toNanos();
        if (now - expires >= 0) {
            owner.lost("the lease of " + held.address() + " ended and no DHCP server renewed it");
            discover(now);
            return;
        }
        boolean anyone = now - rebinds >= 0;
        state = anyone ? State.REBINDING : State.RENEWING;
        owner.send(
                message(held.address().address(), asking(DhcpMessage.REQUEST)),
                anyone ? Ipv4Address.BROADCAST : held.server());
        long end = anyone ? expires : rebinds;
        long wait = Math.max((end - now) / 2, SHORTEST_RENEWAL_RETRY);
        loop.schedule(timer, now + Math.min(wait, end - now));
    }

    private DhcpOptions.Builder options(int type) {
        byte[] identifier = new byte[7];
        identifier[0] = 1; // Ethernet
        for (int i = 0; i < 6; i++) {
            identifier[1 + i] = (byte) (mac.bits() >>> (40 - 8 * i));
        }
        return DhcpOptions.builder().messageType(type).raw(DhcpOptions.CLIENT_IDENTIFIER, identifier);
    }

    private DhcpOptions.Builder asking(int type) {
        DhcpOptions.Builder options = options(type)
                .number16(DhcpOptions.MAXIMUM_MESSAGE_SIZE, MESSAGE_SIZE)
                .parameterRequestList(
                        DhcpOptions.SUBNET_MASK,
                        DhcpOptions.ROUTER,
                        DhcpOptions.DNS_SERVERS,
                        DhcpOptions.DOMAIN_NAME,
                        DhcpOptions.RENEWAL_TIME,
                        DhcpOptions.REBINDING_TIME);
        return hostName == null ? options : options.text(DhcpOptions.HOST_NAME, hostName);
    }

    private DhcpMessage message(Ipv4Address client, DhcpOptions.Builder options) {
        int seconds = (int) Math.min((loop.now() - began) / SECOND, 0xffff);
        return new DhcpMessage(
                DhcpMessage.BOOTREQUEST,
                0,
                transaction,
                seconds,
                false,
                client,
                Ipv4Address.ANY,
                Ipv4Address.ANY,
                Ipv4Address.ANY,
                mac,
                "",
                "",
                options.build());
    }

    // ---- from the server

    public void onMessage(DhcpMessage message) {
        if (message.operation() != DhcpMessage.BOOTREPLY
                || message.transaction() != transaction
                || !message.hardwareAddress().equals(mac)) {
            return;
        }
        long now = loop.now();
        switch (message.type()) {
            case DhcpMessage.OFFER -> {
                if (state == State.SELECTING && Lease.of(message) != null) {
                    offer = message;
                    state = State.REQUESTING;
                    tries = 0;
                    request(now);
                }
            }
            case DhcpMessage.ACK -> acknowledged(message, now);
            case DhcpMessage.NAK -> refused(now);
            default -> {}
        }
    }

    private void acknowledged(DhcpMessage message, long now) {
        Lease given = Lease.of(message);
        if (given == null) {
            return;
        }
        switch (state) {
            case REQUESTING -> {
                lease = given;
                state = State.CHECKING;
                loop.cancel(timer);
                owner.check(given);
            }
            case RENEWING, REBINDING -> {
                Lease held = lease;
                if (held != null
                        && !held.address().address().equals(given.address().address())) {
                    owner.lost("the DHCP server replaced " + held.address() + " by " + given.address());
                    discover(now);
                    return;
                }
                requested = now;
                bound(given);
            }
            case STOPPED, SELECTING, CHECKING, BOUND, RESTING -> {}
        }
    }

    private void refused(long now) {
        switch (state) {
            case REQUESTING -> rest(now); // one that offers and refuses would keep both busy
            case RENEWING, REBINDING -> {
                owner.lost("the DHCP server has withdrawn the lease");
                discover(now);
            }
            case STOPPED, SELECTING, CHECKING, BOUND, RESTING -> {}
        }
    }

    /** The answer to {@link Owner#check}. */
    public void checked(boolean free) {
        Lease given = lease;
        if (state != State.CHECKING || given == null) {
            return;
        }
        if (free) {
            bound(given);
            return;
        }
        DhcpOptions.Builder options = options(DhcpMessage.DECLINE)
                .address(DhcpOptions.REQUESTED_ADDRESS, given.address().address())
                .address(DhcpOptions.SERVER_IDENTIFIER, given.server());
        owner.send(message(Ipv4Address.ANY, options), Ipv4Address.BROADCAST);
        lease = null;
        rest(loop.now());
    }

    private void rest(long now) {
        state = State.RESTING;
        loop.schedule(timer, now + REST);
    }

    private void bound(Lease given) {
        lease = given;
        state = State.BOUND;
        if (given.duration().toSeconds() == FOREVER) {
            loop.cancel(timer);
        } else {
            loop.schedule(timer, requested + given.renewal().toNanos());
        }
        owner.bound(given);
    }
}
