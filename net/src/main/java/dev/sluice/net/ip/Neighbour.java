package dev.sluice.net.ip;

import dev.sluice.wire.Ipv4Address;
import java.util.ArrayDeque;

/**
 * One station on the link, as far as ARP knows it. Confined to the loop. Flows keep a reference instead of looking up each packet;
 * {@link #gone} tells them to look again.
 */
public final class Neighbour {
    enum State {
        /** Asked for, no answer yet; packets wait. */
        INCOMPLETE,
        /** Heard of lately. */
        REACHABLE,
        /** Known, but not heard of for a while or challenged by another: used as it is while the question is out. */
        PROBING,
        /** A group's or broadcast address, never asked for. */
        FIXED,
        /** Gave no answer, or was forgotten to make room. */
        GONE
    }

    private final int address;
    State state;
    /** 48 bits; 0 while unknown. */
    long mac;
    /** Another hardware address that claims to be it, while the one known is asked; 0 for none. */
    long challenger;
    /** When an ARP message from it was last heard. */
    long confirmed;
    /** When it was last asked for, and how often since it last answered. */
    long asked;

    int tries;
    final ArrayDeque<PendingFrame> pending = new ArrayDeque<>(0);
    /** Bytes of {@link #pending}. */
    int pendingBytes;

    Neighbour(int address, State state, long mac, long now) {
        this.address = address;
        this.state = state;
        this.mac = mac;
        this.confirmed = now;
    }

    /** Its IPv4 address as bits. */
    public int address() {
        return address;
    }

    /** True if this object is out of use; ask the interface for a new one. */
    public boolean gone() {
        return state == State.GONE;
    }

    @Override
    public String toString() {
        return new Ipv4Address(address) + " " + state;
    }
}
