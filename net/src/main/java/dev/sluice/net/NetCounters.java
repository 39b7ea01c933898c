package dev.sluice.net;

import dev.sluice.net.ip.IpCounters;
import dev.sluice.stack.tcp.TcpCounters;

/** Plain counters of one stack, written on its loop's thread only; readers elsewhere may see them late. */
public final class NetCounters {
    final IpCounters ip = new IpCounters();
    private final TcpCounters tcp;

    NetCounters(TcpCounters tcp) {
        this.tcp = tcp;
    }

    /** TCP connections that came to be, of either side's making. */
    public long connectionsOpened;
    /** Of those, the ones that ended. */
    public long connectionsClosed;
    /** SYNs ignored because the listener's backlog or the stack was full. */
    public long backlogDrops;
    /** SYNs answered without remembering them, under a flood. */
    public long cookiesSent;
    /** Connections that came of those. */
    public long cookiesAccepted;
    /** ICMP errors that fit no segment in flight, or said what can't be (RFC 5927). */
    public long errorsIgnored;
    /** Segments for no connection, answered by RST. */
    public long segmentsRefused;
    /** TCP segments with a bad header or checksum. */
    public long badSegments;
    /** UDP datagrams with a bad header or checksum. */
    public long badDatagrams;
    /** UDP datagrams received for a socket. */
    public long datagramsIn;
    /** UDP datagrams sent; in fragments each counts once. */
    public long datagramsOut;
    /** UDP datagrams to a port without socket, answered by ICMP. */
    public long datagramsRefused;
    /** UDP datagrams dropped because their socket's queue was full. */
    public long datagramsDropped;

    /** TCP segments sent again, for any of the three reasons below. */
    public long retransmissions() {
        return tcp.retransmits;
    }

    /** Times that TCP's retransmission timer ran out (RFC 6298). */
    public long retransmissionTimeouts() {
        return tcp.timeouts;
    }

    /** Times that the peer's acknowledgments told of a loss (RFC 5681, 6675, 8985). */
    public long fastRetransmits() {
        return tcp.fastRetransmits;
    }

    /** Segments sent because nothing came back for two round trips: the last one again, or new ones (RFC 8985 §7). */
    public long tailProbes() {
        return tcp.tailProbes;
    }

    /** IP packets received whole. */
    public long packetsIn() {
        return ip.packetsIn;
    }

    /** IP packets sent; a super-segment counts once. */
    public long packetsOut() {
        return ip.packetsOut;
    }

    /** Frames and packets dropped because they are not what their headers say. */
    public long malformed() {
        return ip.malformed;
    }

    /** Others that used our address. */
    public long addressConflicts() {
        return ip.addressConflicts;
    }

    /** Neighbours that did not answer ARP or neighbour discovery. */
    public long neighboursUnresolved() {
        return ip.unresolved;
    }

    /** Frames the link had no room for. */
    public long droppedByLink() {
        return ip.droppedByLink;
    }

    /** Echo requests answered. */
    public long echoesAnswered() {
        return ip.echoesAnswered;
    }

    /** Echo requests to a broadcast address, which get no answer. */
    public long echoesIgnored() {
        return ip.echoesIgnored;
    }

    /** IPv4 packets dropped for a source route. */
    public long sourceRouted() {
        return ip.sourceRouted;
    }
}
