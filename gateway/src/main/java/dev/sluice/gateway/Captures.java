package dev.sluice.gateway;

import dev.sluice.gateway.dhcp.Lease;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.link.capture.Capture;
import dev.sluice.link.capture.CaptureFile;
import dev.sluice.link.capture.CaptureSession;
import dev.sluice.link.capture.Filter;
import dev.sluice.link.capture.Rule;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The captures of a gateway: live ones, files, and rings that keep the last frames by rule. Any thread; waits for the loop. Costs nothing
 * until the first is asked for, and nothing again when the last has ended, unless rings are kept.
 */
public final class Captures {
    /** Captures at a time; each live one has a few MiB of memory, and every frame is compared with its filter. */
    public static final int LIMIT = 16;

    private final GuestNetwork network;
    private final OnLoop loop;
    /** On the loop, as the next. */
    private @Nullable Capture capture;

    private final Map<CaptureSession, String> sessions = new LinkedHashMap<>();

    Captures(GuestNetwork network, OnLoop loop) {
        this.network = network;
        this.loop = loop;
    }

    /**
     * Begins to record what passes from now on. The caller runs the session on a thread of its own, and closes it.
     *
     * @param filter an expression as {@code tcp port 80 and guest web1}; empty for everything
     * @param snapLength bytes kept of each frame
     * @throws IllegalArgumentException if the filter can't be read, saying what is wrong
     * @throws IOException if there are {@value #LIMIT} captures already
     */
    public CaptureSession live(String filter, int snapLength) throws IOException {
        return loop.call(() -> {
            checkLimit();
            return begin(filter, CaptureSession.live(capture(), new Network(), compile(filter), snapLength));
        });
    }

    /**
     * Opens what the ring of a rule holds. The caller runs the session on a thread of its own, and closes it. From the first call on, rings
     * are kept.
     *
     * @param follows whether what comes later belongs to it
     * @throws IllegalArgumentException if the filter can't be read, saying what is wrong
     * @throws IOException if there are {@value #LIMIT} captures already
     */
    public CaptureSession ring(Rule rule, String filter, boolean follows) throws IOException {
        return loop.call(() -> {
            checkLimit();
            String what = "ring " + rule.text() + (filter.isBlank() ? "" : ", " + filter);
            return begin(what, CaptureSession.of(capture(), new Network(), rule, compile(filter), follows));
        });
    }

    /**
     * Finds out whether a capture can begin.
     *
     * @throws IllegalArgumentException if the filter can't be read, saying what is wrong
     * @throws IOException if there are {@value #LIMIT} captures already
     */
    public void check(String filter) throws IOException {
        loop.call(() -> {
            checkLimit();
            return compile(filter);
        });
    }

    /** Keeps the last frames by rule from now on. */
    public void keepRings() throws IOException {
        keepRings(Rule.ALL.snapLength());
    }

    /** The same, where so many bytes are kept of each frame in the ring of all; without effect if rings are kept already. */
    public void keepRings(int snapLength) throws IOException {
        loop.call(() -> {
            capture().keepRings(snapLength);
            settle();
            return true;
        });
    }

    /**
     * What is recorded now.
     *
     * @param rings that are kept; none if nobody has asked for them
     * @param readers captures that are being read, files included
     */
    public record Status(List<Capture.RingStatus> rings, List<Reader> readers) {}

    /**
     * A capture that is being read.
     *
     * @param what its filter, and its ring if it has one; empty for every frame
     * @param frames written so far
     * @param lost frames that came faster than they were read
     */
    public record Reader(String what, long frames, long lost) {}

    /** What is recorded now. */
    public Status status() throws IOException {
        return loop.call(() -> {
            List<Reader> readers = new ArrayList<>();
            sessions.forEach((session, what) -> readers.add(new Reader(what, session.frames(), session.lost())));
            return new Status(capture == null ? List.of() : capture.rings(), readers);
        });
    }

    /**
     * Writes all frames from now on to a file, until that is closed.
     *
     * @throws IOException if it can't be written, saying why
     */
    public CaptureFile file(Path path) throws IOException {
        return CaptureFile.open(path, () -> live("", Integer.MAX_VALUE));
    }

    // ---- on the loop
    // --------------------------------------------------------------------------------------------------------

    private Capture capture() {
        Capture made = capture;
        if (made == null) {
            List<String> reasons = new ArrayList<>();
            for (Drop reason : Drop.values()) {
                reasons.add(reason.text());
            }
            made = new Capture(reasons);
            capture = made;
        }
        return made;
    }

    private void checkLimit() throws IOException {
        if (sessions.size() >= LIMIT) {
            throw new IOException("there are " + LIMIT + " captures, as many as can be; try again when one has ended");
        }
    }

    private CaptureSession begin(String what, CaptureSession session) {
        sessions.put(session, what);
        settle();
        return session;
    }

    /** Shows the capture the frames if it wants any. */
    private void settle() {
        Capture there = capture;
        boolean wanted = there != null && !there.isIdle();
        network.fabric.watch(wanted ? there : null);
        network.counters.tell(wanted ? this::dropped : null);
    }

    private void dropped(Drop reason) {
        Capture there = capture;
        if (there != null && reason.isOfFrame()) {
            there.dropped(reason.ordinal());
        }
    }

    private Filter compile(String filter) {
        return Filter.compile(filter, this::hardwareAddress);
    }

    /** Of a guest by its address, or by the name in its lease. */
    private @Nullable MacAddress hardwareAddress(String guest) {
        for (Guest known : network.guests.all()) {
            if (known.ipAddress().toString().equals(guest)) {
                return new MacAddress(known.mac);
            }
        }
        for (Lease lease : leases()) {
            if (guest.equalsIgnoreCase(lease.hostname())) {
                return lease.mac();
            }
        }
        return null;
    }

    private List<Lease> leases() {
        return network.dhcp.server().table().snapshot(network.loop.now());
    }

    private Map<IpAddress, String> names() {
        Map<IpAddress, String> names = new LinkedHashMap<>();
        AddressPlan plan = network.plan;
        names.put(plan.gateway(), "gateway.sluice.internal");
        names.put(plan.host(), "host.sluice.internal");
        Ipv6Plan six = plan.ipv6();
        if (six != null) {
            names.put(six.gateway(), "gateway.sluice.internal");
            names.put(six.host(), "host.sluice.internal");
        }
        for (Lease lease : leases()) {
            String name = lease.hostname();
            if (name != null && !name.isEmpty()) {
                names.put(lease.address(), name);
            }
        }
        return names;
    }

    private String describe(String link) {
        List<String> guests = new ArrayList<>();
        for (Guest guest : network.guests.all()) {
            if (guest.link.name().equals(link)) {
                IpAddress address = guest.ipAddress();
                String name = address instanceof Ipv4Address ? names().get(address) : null;
                guests.add(address + (name == null ? "" : " (" + name + ")"));
            }
        }
        return guests.stream().sorted().collect(Collectors.joining(", "));
    }

    /** What sessions ask, on their threads. */
    private final class Network implements CaptureSession.Surroundings {
        @Override
        public Map<IpAddress, String> names() {
            try {
                return loop.call(Captures.this::names);
            } catch (IOException e) {
                return Map.of(); // the gateway has ended; what was recorded is still written
            }
        }

        @Override
        public String describe(String link) {
            try {
                return loop.call(() -> Captures.this.describe(link));
            } catch (IOException e) {
                return "";
            }
        }

        @Override
        public void leave(CaptureSession session, Runnable task) throws IOException {
            loop.run(() -> {
                task.run();
                sessions.remove(session);
                settle();
            });
        }
    }
}
