package dev.sluice.link.capture;

import dev.sluice.link.Frame;
import dev.sluice.link.FrameTap;
import dev.sluice.link.FrameWatch;
import dev.sluice.link.Link;
import dev.sluice.wire.EthernetHeader;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The writing side of all captures of one network: sees each frame once, and copies it into every ring that wants it. Confined to the
 * loop, but for what says otherwise. Allocates only when a link or a ring is new.
 */
public final class Capture implements FrameWatch {
    /** The link had no room for a frame. */
    static final int REASON_LINK_FULL = 1;

    private static final int REASON_BAD_SOURCE = 2;
    private static final int FIRST_OWN_REASON = 3;

    static final int INBOUND = 1;
    static final int OUTBOUND = 2;
    /** Links told apart; those beyond share the last number. */
    private static final int MAX_LINKS = 4096;
    /** The wall clock may go its own way by as much before timestamps follow. */
    private static final long DRIFT_NANOS = 20_000_000;

    private static final long LOOK_AT_WALL_CLOCK_NANOS = 1_000_000_000;

    /** A ring and what it wants. */
    private record Sink(Filter filter, FrameRing ring) {}

    private final String[] reasons;
    private final Facts facts = new Facts();
    private Sink[] sinks = {};
    /** One for each {@link Rule} once they are wanted. */
    private final Map<Rule, FrameRing> rings = new EnumMap<>(Rule.class);

    private @Nullable FrameRing bad;
    private final Map<String, Integer> numbers = new HashMap<>();
    /** Names of links by number; replaced, never changed, so that any thread may look. */
    private volatile List<String> links = List.of();

    /** The frame being dealt with, and whose it is. */
    private @Nullable Frame current;

    private int currentLink;
    private long currentTime;
    /** Wall clock minus {@link System#nanoTime}. */
    private long epoch;

    private long lookedAtWallClock;

    /** @param reasons why frames are dropped, in words; {@link #dropped} names them by index */
    public Capture(List<String> reasons) {
        this.reasons = new String[FIRST_OWN_REASON + reasons.size()];
        this.reasons[0] = "";
        this.reasons[REASON_LINK_FULL] = "the guest's link was full";
        this.reasons[REASON_BAD_SOURCE] = "source hardware address not allowed";
        for (int i = 0; i < reasons.size(); i++) {
            this.reasons[FIRST_OWN_REASON + i] = reasons.get(i);
        }
        lookAtWallClock(System.nanoTime());
    }

    /** True if nobody wants any frames. */
    public boolean isIdle() {
        return sinks.length == 0 && bad == null;
    }

    void add(Filter filter, FrameRing ring) {
        Sink[] more = Arrays.copyOf(sinks, sinks.length + 1);
        more[sinks.length] = new Sink(filter, ring);
        sinks = more;
    }

    /** Begins to keep the last frames by rule, if that was not done yet; the rings stay. */
    public void keepRings() {
        keepRings(Rule.ALL.snapLength);
    }

    /** @param snapLength bytes kept of each frame by the ring of all, 64 to {@link Rule#bytes} of it less a little */
    public void keepRings(int snapLength) {
        if (rings.isEmpty()) {
            int ofAll = Math.clamp(snapLength, CaptureSession.MIN_SNAP_LENGTH, Rule.ALL.bytes() / 4);
            for (Rule rule : Rule.values()) {
                FrameRing ring =
                        new FrameRing(Arena.ofAuto(), rule.bytes(), rule == Rule.ALL ? ofAll : rule.snapLength);
                rings.put(rule, ring);
                if (rule == Rule.BAD) {
                    bad = ring;
                } else {
                    add(rule.filter, ring);
                }
            }
        }
    }

    @Nullable
    FrameRing ring(Rule rule) {
        return rings.get(rule);
    }

    /**
     * What is known of a rule's ring.
     *
     * @param frames that went in so far, those overwritten since included
     */
    public record RingStatus(String name, int bytes, int snapLength, long frames) {}

    /** The rings that are kept. */
    public List<RingStatus> rings() {
        List<RingStatus> all = new ArrayList<>();
        rings.forEach(
                (rule, ring) -> all.add(new RingStatus(rule.text(), ring.size(), ring.snapLength(), ring.frames())));
        return all;
    }

    void remove(FrameRing ring) {
        List<Sink> fewer = new ArrayList<>();
        for (Sink sink : sinks) {
            if (sink.ring != ring) {
                fewer.add(sink);
            }
        }
        sinks = fewer.toArray(Sink[]::new);
    }

    /** Any thread. */
    String linkName(int number) {
        List<String> names = links;
        return number < names.size() ? names.get(number) : "link " + number;
    }

    /** Any thread; empty for none. */
    String reason(int number) {
        return number < reasons.length ? reasons[number] : "dropped";
    }

    @Override
    public FrameTap tap(Link link) {
        return new Tap(number(link.name()));
    }

    private int number(String name) {
        Integer known = numbers.get(name);
        if (known != null) {
            return known;
        }
        if (numbers.size() == MAX_LINKS) {
            return MAX_LINKS - 1;
        }
        int number = numbers.size();
        numbers.put(name, number);
        List<String> more = new ArrayList<>(links);
        more.add(name);
        links = List.copyOf(more);
        return number;
    }

    /**
     * The frame being dealt with has been dropped.
     *
     * @param reason index of the reasons this was made with
     */
    public void dropped(int reason) {
        note(FIRST_OWN_REASON + reason);
    }

    @Override
    public void badSource() {
        note(REASON_BAD_SOURCE);
    }

    private void note(int reason) {
        Frame frame = current;
        if (frame == null) {
            return; // not about a frame: a timer, a failed send
        }
        Sink[] all = sinks;
        for (int i = 0; i < all.length; i++) {
            all[i].ring.note(reason);
        }
        FrameRing dropped = bad;
        if (dropped != null) {
            dropped.append(frame, currentTime, currentLink, INBOUND, reason);
            dropped.publish();
        }
        current = null; // the first reason counts
    }

    private long time() {
        long now = System.nanoTime();
        if (now - lookedAtWallClock > LOOK_AT_WALL_CLOCK_NANOS) {
            lookAtWallClock(now);
        }
        return epoch + now;
    }

    /** After a suspend, or when somebody sets the clock, timestamps follow; the wall clock's milliseconds do not make them jump. */
    private void lookAtWallClock(long now) {
        lookedAtWallClock = now;
        long seen = System.currentTimeMillis() * 1_000_000L - now;
        if (Math.abs(seen - epoch) > DRIFT_NANOS) {
            epoch = seen;
        }
    }

    private void record(Frame frame, int link, int direction, int reason) {
        if (frame.headLength < EthernetHeader.LENGTH) {
            return;
        }
        facts.read(frame.head, frame.headAt, frame.headLength);
        currentTime = time();
        Sink[] all = sinks;
        for (int i = 0; i < all.length; i++) {
            Sink sink = all[i];
            if (direction == INBOUND) {
                sink.ring.forgetCurrent();
            }
            if (sink.filter.matches(facts)) {
                sink.ring.append(frame, currentTime, link, direction, reason);
            }
        }
    }

    private void publish() {
        Sink[] all = sinks;
        for (int i = 0; i < all.length; i++) {
            all[i].ring.publish();
        }
    }

    /** One link's. */
    private final class Tap implements FrameTap {
        private final int link;

        Tap(int link) {
            this.link = link;
        }

        @Override
        public void received(Frame frame) {
            record(frame, link, INBOUND, 0);
            current = frame;
            currentLink = link;
        }

        @Override
        public void handled() {
            current = null;
            publish();
        }

        @Override
        public void sent(Frame frame, boolean sent) {
            record(frame, link, OUTBOUND, sent ? 0 : REASON_LINK_FULL);
            if (current == null) {
                publish();
            }
        }
    }
}
