package dev.sluice.gateway.flow;

import dev.sluice.link.Link;
import dev.sluice.stack.ip.RateLimiter;
import org.jspecify.annotations.Nullable;

/** A neighbour on the guest network: one address, and where frames to it go. Confined to the loop. */
public final class Guest {
    /** IPv4 address bits. */
    public final int address;
    /** MAC bits of the last frame that proved the binding. */
    public long mac;
    /** Link that frames to it leave by. */
    public Link link;
    /** When a frame from it was last seen, on the loop's clock. */
    public long lastSeen;
    /** True if the DHCP server gave the address to this MAC: then no other MAC may use it. */
    public boolean leased;
    /** How many ICMP errors it may still get; made with the first. */
    public @Nullable RateLimiter icmpErrors;

    /** UDP mappings that are its own. */
    public int udpMappings;
    /** Echo flows that are its own. */
    public int echoFlows;

    public Guest(int address, long mac, Link link) {
        this.address = address;
        this.mac = mac;
        this.link = link;
    }
}
