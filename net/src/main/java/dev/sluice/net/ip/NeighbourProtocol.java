package dev.sluice.net.ip;

/** What a family's protocol between neighbours can say: ARP's or neighbour discovery's words for it. Addresses are two halves. */
interface NeighbourProtocol {
    /** Asks everybody, or only {@code to} if it is not 0, where an address is. */
    void ask(long high, long low, long to);

    /** Asks whether anybody has an address, without claiming it. */
    void probe(long high, long low);

    /** Tells whose an address is from now on. */
    void announce(long high, long low);
}
