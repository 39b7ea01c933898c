package dev.sluice.link;

/** Plain counters, written on the loop's thread only; readers on other threads may see them late. */
public final class SwitchCounters {
    /** Frames for the gateway's address. */
    public long local;
    /** Frames for a group: the gateway and all other guests. */
    public long group;
    /** Frames from guest to guest. */
    public long forwarded;
    /** Frames for an unknown address, to all other guests. */
    public long flooded;
    /** Frames for an address on the link they came from. */
    public long droppedSameLink;
    /** Frames that claimed the gateway's address, one assigned to another guest, or one that another link is not ready to give up. */
    public long droppedSpoofed;
    /** Frames that other guests may not have, as the gateway judged them. */
    public long droppedGuarded;
    /** Frames from a group address or zero. */
    public long droppedSource;
    /** Addresses that turned up on another link. */
    public long moved;
    /** Addresses known at the time of asking. */
    public long addresses;
    /** Addresses forgotten to make room. */
    public long evictedAddresses;
    /** Links turned away because all ports were taken. */
    public long refusedPorts;
}
