package dev.sluice.stack.dhcp6;

import dev.sluice.stack.dhcp6.Retransmission.Times;
import dev.sluice.stack.ndp.Lifetime;
import dev.sluice.wire.Dhcpv6Message;
import dev.sluice.wire.Dhcpv6Reply;
import dev.sluice.wire.Dhcpv6Reply.Given;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.MacAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The client's state machine; see the package. Methods that answer with bytes answer null where there is nothing to send; after each call
 * {@link #deadline}, {@link #addresses} and {@link #settings} may be others.
 */
public final class Dhcpv6Client {
    /** All_DHCP_Relay_Agents_and_Servers (§7.1). */
    public static final Ipv6Address SERVERS = Ipv6Address.parse("ff02::1:2");

    public static final int CLIENT_PORT = 546;
    public static final int SERVER_PORT = 547;
    /** Addresses held at a time; what a server gives beyond is not taken. */
    public static final int MOST = 4;

    private enum State {
        STOPPED,
        INFORMING,
        INFORMED,
        SOLICITING,
        REQUESTING,
        BOUND,
        RENEWING,
        REBINDING,
        DECLINING
    }

    private static final long SECOND = 1_000_000_000L;
    private static final long FOREVER = Long.MAX_VALUE;
    /** §7.6: SOL_MAX_DELAY and INF_MAX_DELAY. */
    private static final long FIRST_DELAY = SECOND;

    private static final Times SOLICIT = Times.ofSeconds(1, 3600, 0);
    private static final Times REQUEST = Times.ofSeconds(1, 30, 10);
    private static final Times RENEW = Times.ofSeconds(10, 600, 0);
    private static final Times DECLINE = Times.ofSeconds(1, 0, 4);
    /** §21.24: what a server may make of SOL_MAX_RT and INF_MAX_RT. */
    private static final long LEAST_LONGEST = 60;

    private static final long MOST_LONGEST = 86_400;
    /** §21.23: IRT_DEFAULT and IRT_MINIMUM. */
    private static final long USUAL_REFRESH = 86_400;

    private static final long LEAST_REFRESH = 600;
    /** After a refusal, and before anything is renewed: what no server's answers can hurry. */
    private static final long REST = 10 * SECOND;

    private static final int HIGHEST_PREFERENCE = 255;

    /** An address that a server has given. */
    public static final class Leased implements Lifetime {
        private final Ipv6Address address;
        private long preferredUntil;
        private long validUntil;

        private Leased(Ipv6Address address) {
            this.address = address;
        }

        public Ipv6Address address() {
            return address;
        }

        @Override
        public boolean isPreferred(long now) {
            return preferredUntil == FOREVER || now - preferredUntil < 0;
        }

        private boolean isOver(long now) {
            return validUntil != FOREVER && now - validUntil >= 0;
        }
    }

    private final String duid;
    private final int association;
    private final RandomGenerator random;
    private final Retransmission retransmission;
    private final List<Leased> leased = new ArrayList<>(1);

    private State state = State.STOPPED;
    /** When the state has something to do. */
    private long next = FOREVER;

    private int transaction;
    /** When the message of this state was first sent. */
    private long began;

    private @Nullable Dhcpv6Reply offer;
    private String server = "";
    /** What is requested or declined. */
    private List<Ipv6Address> concerned = List.of();

    private long renewAt = FOREVER;
    private long rebindAt = FOREVER;
    private long longestSolicit = SOLICIT.longest();
    private long longestInform = SOLICIT.longest();
    private Dhcpv6Reply.Settings settings = Dhcpv6Reply.Settings.NONE;

    /** @param mac which the client is known by: DUID-LL (§11.4), and the association after its last bytes */
    public Dhcpv6Client(MacAddress mac, RandomGenerator random) {
        this.duid = "00030001" + mac.toString().replace(":", "");
        this.association = (int) mac.bits();
        this.random = random;
        this.retransmission = new Retransmission(random);
    }

    // ---- what is asked of it

    /** Asks for an address, unless it does already. */
    public void seekAddress(long now) {
        switch (state) {
            case STOPPED, INFORMING, INFORMED -> solicit(now + random.nextLong(FIRST_DELAY));
            case SOLICITING, REQUESTING, BOUND, RENEWING, REBINDING, DECLINING -> {}
        }
    }

    /** Asks for what there is beside addresses, unless it asks for anything already. */
    public void seekSettings(long now) {
        if (state == State.STOPPED) {
            inform(now + random.nextLong(FIRST_DELAY));
        }
    }

    /** Somebody else has an address that was given: tells the server, and has it no more (§18.2.8). */
    public byte @Nullable [] onDuplicate(Ipv6Address address, long now) {
        if (!leased.removeIf(given -> given.address.equals(address))) {
            return null;
        }
        enter(State.DECLINING, DECLINE);
        concerned = List.of(address);
        return transmit(now);
    }

    /** Ends it, and gives back what it holds (§18.2.7). */
    public byte @Nullable [] stop() {
        State before = state;
        List<Ipv6Address> held = held();
        state = State.STOPPED;
        next = FOREVER;
        leased.clear();
        if (held.isEmpty() || before == State.STOPPED) {
            return null;
        }
        transaction = random.nextInt() & 0xff_ffff;
        return message(Dhcpv6Message.RELEASE, server, false, held).ask(0);
    }

    // ---- time

    /** When {@link #onTimer} is due; {@code Long.MAX_VALUE} for never. */
    public long deadline() {
        long least = next;
        for (Leased given : leased) {
            least = Math.min(least, given.validUntil);
        }
        return least;
    }

    public byte @Nullable [] onTimer(long now) {
        if (leased.removeIf(given -> given.isOver(now)) && leased.isEmpty()) {
            solicit(now + random.nextLong(FIRST_DELAY));
        }
        if (next == FOREVER || now - next < 0) {
            return null;
        }
        return switch (state) {
            case STOPPED -> null;
            case INFORMED -> {
                inform(now);
                yield transmit(now);
            }
            case SOLICITING -> offer == null ? transmit(now) : request(offer, now);
            case REQUESTING -> retransmission.exhausted() ? nobody(now) : transmit(now);
            case BOUND -> {
                enter(State.RENEWING, RENEW);
                yield transmit(now);
            }
            case RENEWING -> {
                if (rebindAt != FOREVER && now - rebindAt >= 0) {
                    enter(State.REBINDING, RENEW);
                }
                yield transmit(now);
            }
            case DECLINING -> retransmission.exhausted() ? declined(now) : transmit(now);
            case INFORMING, REBINDING -> transmit(now);
        };
    }

    private void solicit(long at) {
        enter(State.SOLICITING, new Times(SOLICIT.initial(), longestSolicit, 0));
        offer = null;
        leased.clear();
        next = at;
    }

    private void inform(long at) {
        enter(State.INFORMING, new Times(SOLICIT.initial(), longestInform, 0));
        next = at;
    }

    private byte @Nullable [] request(Dhcpv6Reply advertise, long now) {
        server = advertise.server();
        Dhcpv6Reply.Association offered = ours(advertise);
        concerned = offered == null
                ? List.of()
                : offered.addresses().stream().map(Given::address).toList();
        offer = null;
        enter(State.REQUESTING, REQUEST);
        return transmit(now);
    }

    /** A server that is asked for addresses has gone silent: any other will do. */
    private byte @Nullable [] nobody(long now) {
        if (leased.isEmpty()) {
            solicit(now);
        } else {
            enter(State.REBINDING, RENEW);
        }
        return transmit(now);
    }

    private byte @Nullable [] declined(long now) {
        if (leased.isEmpty()) {
            solicit(now + REST);
        } else {
            state = State.BOUND;
            next = renewAt;
        }
        return null;
    }

    private void enter(State entered, Times times) {
        state = entered;
        transaction = random.nextInt() & 0xff_ffff;
        retransmission.begin(times, entered == State.SOLICITING);
    }

    // ---- to the servers

    private List<Ipv6Address> held() {
        return leased.stream().map(Leased::address).toList();
    }

    private byte @Nullable [] transmit(long now) {
        if (retransmission.sent() == 0) {
            began = now;
        }
        next = now + retransmission.next();
        if (state == State.RENEWING) {
            next = Math.min(next, rebindAt);
        }
        Dhcpv6Message message = switch (state) {
            case STOPPED, INFORMED, BOUND -> null;
            case INFORMING ->
                new Dhcpv6Message(Dhcpv6Message.INFORMATION_REQUEST, transaction, duid, "", false, List.of());
            case SOLICITING -> message(Dhcpv6Message.SOLICIT, "", true, List.of());
            case REQUESTING -> message(Dhcpv6Message.REQUEST, server, false, concerned);
            case RENEWING -> message(Dhcpv6Message.RENEW, server, false, held());
            case REBINDING -> message(Dhcpv6Message.REBIND, "", false, held());
            case DECLINING -> message(Dhcpv6Message.DECLINE, server, false, concerned);
        };
        return message == null ? null : message.ask((now - began) / (SECOND / 100));
    }

    private Dhcpv6Message message(int type, String to, boolean rapidCommit, List<Ipv6Address> addresses) {
        var wanted = new Dhcpv6Message.Association(association, addresses, Dhcpv6Message.SUCCESS);
        return new Dhcpv6Message(type, transaction, duid, to, rapidCommit, List.of(wanted));
    }

    // ---- from them

    /** Whether a message with this transaction may be an answer. */
    public boolean awaits(int transaction) {
        return transaction == this.transaction;
    }

    /** What a server says; whatever is for somebody else, or not the answer to what was asked last, is ignored (§16). */
    public byte @Nullable [] onMessage(Dhcpv6Reply reply, long now) {
        if (!awaits(reply.transaction())
                || !reply.client().equals(duid)
                || reply.server().isEmpty()) {
            return null;
        }
        return switch (state) {
            case STOPPED, INFORMED, BOUND -> null;
            case INFORMING -> {
                if (reply.type() == Dhcpv6Message.REPLY) {
                    limits(reply);
                    informed(reply, now);
                }
                yield null;
            }
            case SOLICITING -> retransmission.sent() == 0 ? null : onOffer(reply, now);
            case REQUESTING, RENEWING, REBINDING -> reply.type() == Dhcpv6Message.REPLY ? onReply(reply, now) : null;
            case DECLINING -> reply.type() == Dhcpv6Message.REPLY ? declined(now) : null;
        };
    }

    private void limits(Dhcpv6Reply reply) {
        long solicit = reply.settings().longestSolicit();
        if (solicit >= LEAST_LONGEST && solicit <= MOST_LONGEST) {
            longestSolicit = solicit * SECOND;
        }
        long inform = reply.settings().longestInform();
        if (inform >= LEAST_LONGEST && inform <= MOST_LONGEST) {
            longestInform = inform * SECOND;
        }
    }

    private void informed(Dhcpv6Reply reply, long now) {
        settings = reply.settings();
        state = State.INFORMED;
        long told = settings.refresh() == 0 ? USUAL_REFRESH : Math.max(settings.refresh(), LEAST_REFRESH);
        next = after(now, told);
    }

    private byte @Nullable [] onOffer(Dhcpv6Reply reply, long now) {
        limits(reply); // also from those who have no address to give (§18.2.9)
        if (reply.type() == Dhcpv6Message.REPLY) {
            return reply.rapidCommit() ? onReply(reply, now) : null;
        }
        Dhcpv6Reply.Association offered = ours(reply);
        if (reply.status() != Dhcpv6Message.SUCCESS
                || offered == null
                || offered.status() != Dhcpv6Message.SUCCESS
                || offered.addresses().stream().noneMatch(Dhcpv6Client::isUsable)) {
            return null;
        }
        Dhcpv6Reply best = offer;
        if (best == null || reply.preference() > best.preference()) {
            best = reply;
            offer = reply;
        }
        boolean enough = reply.preference() == HIGHEST_PREFERENCE || retransmission.sent() > 1;
        return enough ? request(best, now) : null;
    }

    /** A Reply that settles addresses (§18.2.10.1). */
    private byte @Nullable [] onReply(Dhcpv6Reply reply, long now) {
        limits(reply);
        Dhcpv6Reply.Association given = ours(reply);
        if (reply.status() == Dhcpv6Message.NOT_ON_LINK || reply.status() == Dhcpv6Message.NO_ADDRESSES) {
            return refused(now);
        }
        if (reply.status() != Dhcpv6Message.SUCCESS) {
            return null; // something is wrong over there; asked again later
        }
        if (given == null) {
            return null;
        }
        if (given.status() == Dhcpv6Message.NO_BINDING && state != State.REQUESTING && !leased.isEmpty()) {
            server = reply.server();
            concerned = held();
            enter(State.REQUESTING, REQUEST);
            return transmit(now);
        }
        if (given.status() != Dhcpv6Message.SUCCESS) {
            return refused(now);
        }
        if (given.renewal() > given.rebinding() && given.rebinding() > 0) {
            return null; // §21.4
        }
        take(given, now);
        if (leased.isEmpty()) {
            return refused(now);
        }
        server = reply.server();
        settings = reply.settings();
        state = State.BOUND;
        offer = null;
        times(given, now);
        next = renewAt;
        return null;
    }

    /** Nothing from this server. Others may do better, as long as they are asked, too (§18.2.10.1); else it begins again. */
    private byte @Nullable [] refused(long now) {
        boolean othersAsked =
                state == State.SOLICITING || (state == State.RENEWING || state == State.REBINDING) && !leased.isEmpty();
        if (!othersAsked) {
            solicit(now + REST);
        }
        return null;
    }

    private void take(Dhcpv6Reply.Association given, long now) {
        for (Given told : given.addresses()) {
            Leased known = leased.stream()
                    .filter(l -> l.address.equals(told.address()))
                    .findFirst()
                    .orElse(null);
            if (told.valid() == 0) {
                leased.remove(known);
                continue;
            }
            if (!isUsable(told)) {
                continue;
            }
            if (known == null && leased.size() < MOST) {
                known = new Leased(told.address());
                leased.add(known);
            }
            if (known != null) {
                known.preferredUntil = after(now, told.preferred());
                known.validUntil = after(now, told.valid());
            }
        }
    }

    /** Whether a host can have it, for a while: §21.6, RFC 4291 §2.4; all of ::/64 is something else. */
    private static boolean isUsable(Given given) {
        Ipv6Address address = given.address();
        return given.valid() > 0
                && given.preferred() <= given.valid()
                && address.high() != 0
                && !address.isMulticast()
                && !address.isLinkLocal();
    }

    /** T1 and T2; where the server leaves them to us, half and four fifths of the shortest preferred lifetime (§14.2, §21.4). */
    private void times(Dhcpv6Reply.Association given, long now) {
        long preferred = FOREVER;
        long valid = FOREVER;
        for (Leased held : leased) {
            preferred = Math.min(preferred, held.preferredUntil);
            valid = Math.min(valid, held.validUntil);
        }
        rebindAt = Math.min(valid, told(given.rebinding(), now, preferred, 8));
        renewAt = Math.min(rebindAt, told(given.renewal(), now, preferred, 5));
        if (renewAt != FOREVER) {
            renewAt = Math.max(renewAt, now + REST);
            rebindAt = Math.max(rebindAt, renewAt);
        }
    }

    private static long told(long seconds, long now, long preferred, int tenths) {
        if (seconds != 0) {
            return after(now, seconds);
        }
        return preferred == FOREVER ? FOREVER : now + (preferred - now) / 10 * tenths;
    }

    private static long after(long now, long seconds) {
        return seconds >= Dhcpv6Reply.INFINITY ? FOREVER : now + seconds * SECOND;
    }

    private Dhcpv6Reply.@Nullable Association ours(Dhcpv6Reply reply) {
        for (Dhcpv6Reply.Association told : reply.associations()) {
            if (told.id() == association) {
                return told;
            }
        }
        return null;
    }

    // ---- findings

    /** The addresses held, each the same object for as long as it is. */
    public List<Leased> addresses() {
        return leased;
    }

    /** What the last server said beside addresses. */
    public Dhcpv6Reply.Settings settings() {
        return settings;
    }
}
