package dev.sluice.gateway.arp;

import dev.sluice.link.Link;

/** Told where a guest says it is; on the loop's thread. Whether to believe it is the listener's business. */
@FunctionalInterface
public interface NeighbourListener {
    /** Nobody wants to know. */
    NeighbourListener IGNORED = (link, mac, address) -> {};

    /**
     * Somebody with {@code mac} behind {@code link} uses {@code address} of the subnet, which is not one of the gateway's own.
     *
     * @param address IPv4 address bits
     */
    void onNeighbour(Link link, long mac, int address);
}
