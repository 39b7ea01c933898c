package dev.sluice.link;

import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.MacAddress;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A learning Ethernet switch (IEEE 802.1Q §8, without VLANs and spanning tree) between the links of one gateway and the gateway itself,
 * its {@link LocalPort}. On the loop's thread.
 *
 * <p>A frame for the gateway's address goes there only; a group's to everybody; a known guest's to its link; an unknown one's to all
 * other guests. An address that turns up on another link moves there if the gateway lets it, so of two links with one identity the one that sent last
 * gets the frames. What guests say to each other the gateway may forbid. Not learnt, and the frame dropped: the gateway's own address, a group address, zero, and an address that was
 * assigned to another live link.
 */
public final class Switch {
    /** Guests at once. */
    public static final int MAX_PORTS = 256;
    /** Hardware addresses known at once. */
    public static final int MAX_ADDRESSES = 2048;
    /** Hardware addresses behind one link, as containers bridged inside a guest. */
    public static final int MAX_ADDRESSES_PER_PORT = 256;

    final LocalPort local;
    private final long gateway;
    private final SwitchCounters counters = new SwitchCounters();
    private final MacTable table;
    private SwitchPort[] ports = new SwitchPort[0];
    private @Nullable FrameWatch watch;

    /** @param gateway the hardware address that {@code local} answers to */
    public Switch(MacAddress gateway, LocalPort local) {
        this(gateway, local, MAX_ADDRESSES, MAX_ADDRESSES_PER_PORT);
    }

    Switch(MacAddress gateway, LocalPort local, int maxAddresses, int maxAddressesPerPort) {
        this.gateway = gateway.bits();
        this.local = local;
        this.table = new MacTable(maxAddresses, maxAddressesPerPort);
    }

    /** Adds a guest and starts its link. False, with the link closed, if there are {@value #MAX_PORTS} already. */
    public boolean attach(Link link) {
        return attach(link, null);
    }

    /**
     * Adds a guest and starts its link.
     *
     * @param assigned the hardware address this guest was told to use: while the link lives, only links with the same one may send from it
     */
    public boolean attach(Link link, @Nullable MacAddress assigned) {
        if (ports.length == MAX_PORTS) {
            counters.refusedPorts++;
            link.close();
            return false;
        }
        SwitchPort port = new SwitchPort(this, link, assigned == null ? 0 : assigned.bits());
        SwitchPort squatter = assigned == null ? null : table.get(assigned.bits());
        if (squatter != null) {
            // Whoever used the address before is judged anew with its next frame.
            squatter.lastSource = SwitchPort.UNKNOWN;
        }
        SwitchPort[] more = Arrays.copyOf(ports, ports.length + 1);
        more[ports.length] = port;
        ports = more;
        if (watch != null) {
            link.tap(watch.tap(link));
        }
        link.start(port);
        return true;
    }

    /** Removes and closes a link; nothing happens if it is not part of the switch. */
    public void detach(Link link) {
        for (SwitchPort port : ports) {
            if (port.link == link) {
                remove(port);
                link.close();
                return;
            }
        }
    }

    /** Shows the frames of all links, those to come included, to {@code watch}; null for nobody. */
    public void watch(@Nullable FrameWatch watch) {
        this.watch = watch;
        for (SwitchPort port : ports) {
            port.link.tap(watch == null ? null : watch.tap(port.link));
        }
    }

    /** A frame whose source may not be there. */
    void badSource() {
        if (watch != null) {
            watch.badSource();
        }
    }

    /** Hands every link's batched frames to its medium; for the end of a turn. */
    public void flush() {
        SwitchPort[] now = ports; // a link that fails in flush removes itself
        for (int i = 0; i < now.length; i++) {
            now[i].link.flush();
        }
    }

    void remove(SwitchPort port) {
        table.removeAll(port);
        int n = 0;
        SwitchPort[] fewer = new SwitchPort[ports.length];
        for (SwitchPort other : ports) {
            if (other != port) {
                fewer[n++] = other;
            }
        }
        ports = Arrays.copyOf(fewer, n);
    }

    /** Links attached now. */
    public int size() {
        return ports.length;
    }

    /** A snapshot of the links, in the order attached. */
    public java.util.List<Link> links() {
        return Arrays.stream(ports).map(port -> port.link).toList();
    }

    /** The link that {@code address} (48 bits) was last seen on, or null. */
    public @Nullable Link linkTo(long address) {
        SwitchPort port = table.get(address);
        return port == null ? null : port.link;
    }

    public SwitchCounters counters() {
        counters.addresses = table.size();
        counters.evictedAddresses = table.evictions();
        return counters;
    }

    /** Sends a frame of the gateway where its destination address says; false if some link dropped it. */
    public boolean send(Frame frame) {
        long destination = EthernetHeader.destination(frame.head, frame.headAt);
        SwitchPort to = MacAddress.isGroup(destination) ? null : table.get(destination);
        return to != null ? to.link.send(frame) : flood(null, frame);
    }

    void forward(SwitchPort from, Frame frame) {
        long destination = EthernetHeader.destination(frame.head, frame.headAt);
        if (destination == gateway) {
            counters.local++;
            local.onFrame(from.link, frame);
            return;
        }
        if (MacAddress.isGroup(destination)) {
            counters.group++;
            if (local.mayPass(from.link, frame)) {
                flood(from, frame);
            } else {
                counters.droppedGuarded++;
            }
            // The gateway comes last: it may turn the frame into its own answer.
            local.onFrame(from.link, frame);
            return;
        }
        SwitchPort to = table.get(destination);
        if (to != from && !local.mayPass(from.link, frame)) {
            counters.droppedGuarded++;
            return;
        }
        if (to == null) {
            counters.flooded++;
            flood(from, frame);
        } else if (to != from) {
            counters.forwarded++;
            to.link.send(frame);
        } else {
            counters.droppedSameLink++;
        }
    }

    private boolean flood(@Nullable SwitchPort except, Frame frame) {
        boolean all = true;
        SwitchPort[] now = ports;
        for (int i = 0; i < now.length; i++) {
            if (now[i] != except) {
                all &= now[i].link.send(frame);
            }
        }
        return all;
    }

    /** Notes where {@code source} is; false if it must not be there. */
    boolean learn(SwitchPort port, long source) {
        if (source == 0 || MacAddress.isGroup(source)) {
            counters.droppedSource++;
            return false;
        }
        if (source == gateway || source != port.assigned && isAssigned(source)) {
            counters.droppedSpoofed++;
            return false;
        }
        SwitchPort known = table.get(source);
        if (known != null
                && known != port
                && !(port.assigned == source && known.assigned == source)
                && !local.mayMove(source, known.link, port.link)) {
            counters.droppedSpoofed++;
            return false;
        }
        SwitchPort before = table.put(source, port);
        if (before != null && before != port) {
            counters.moved++;
            // Its next frame takes the address back.
            before.lastSource = SwitchPort.UNKNOWN;
        }
        port.lastSource = source;
        return true;
    }

    private boolean isAssigned(long address) {
        for (SwitchPort port : ports) {
            if (port.assigned == address) {
                return true;
            }
        }
        return false;
    }
}
