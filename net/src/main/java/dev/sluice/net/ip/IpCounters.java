package dev.sluice.net.ip;

/** Plain counters, written on the loop's thread only; readers elsewhere may see them late. */
public final class IpCounters {
    public long packetsIn;
    public long packetsOut;
    /** Packets that are not what their headers say: lengths, versions, checksums. */
    public long malformed;
    /** Packets with good headers for somebody else, or from an address that cannot be. */
    public long notForUs;
    /** Packets of a protocol we do not speak. */
    public long unknownProtocol;
    /** Fragments dropped: overlapping, inconsistent, or over the limit. */
    public long fragmentsDropped;
    /** Frames the link had no room for. */
    public long droppedByLink;
    /** Packets to where there is no route. */
    public long noRoute;
    /** Packets dropped while they waited for a hardware address: too many, too long, or no answer came. */
    public long droppedUnresolved;
    /** Neighbours that gave no answer. */
    public long unresolved;
    /** Neighbours forgotten to make room. */
    public long neighboursEvicted;
    /** Neighbours whose hardware address changed. */
    public long neighboursMoved;
    /** Others that used our address (RFC 5227 §2.4). */
    public long addressConflicts;
    /** ICMP errors sent, and held back by the rate limit. */
    public long icmpErrorsOut;

    public long icmpErrorsSuppressed;
    public long icmpIn;
    public long echoesAnswered;
    /** Echo requests to everybody, whose answers would hit whoever they seem to be from. */
    public long echoesIgnored;
    /** IPv4 packets that name the way they and their answers should take. */
    public long sourceRouted;
}
