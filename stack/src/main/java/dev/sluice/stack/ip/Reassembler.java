package dev.sluice.stack.ip;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Chain;
import dev.sluice.wire.Ipv6Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Puts fragments of either family together, within a fixed budget of datagrams and bytes. See the package for what becomes of a datagram.
 *
 * <p>Payload is stored in pages by its offset and noted in a bitmap of 8-byte units, instead of RFC 815's hole list: overlap is then a
 * test of a few words, and thousands of tiny fragments cost no more than as many large ones (CVE-2018-5391).
 */
public final class Reassembler {
    /** What became of a fragment. */
    public enum Outcome {
        /** Stored; the datagram still has holes. */
        INCOMPLETE,
        /** It was the last one missing: {@link #packet()} has the datagram. */
        COMPLETE,
        /** Shares bytes with another fragment, or belongs to a datagram that was poisoned earlier. The datagram is poisoned. */
        OVERLAP,
        /** Ends elsewhere than the last fragment said, or mixes ECN marks that exclude each other. The datagram is poisoned. */
        INCONSISTENT,
        /** The datagram would be longer than 65,535 bytes (of which IPv6 does not count its header). The datagram is poisoned. */
        TOO_LONG,
        /** Splits the TCP header (RFC 1858 §3), or any header over IPv6 (RFC 7112). The datagram is poisoned. */
        TINY,
        /** Carries nothing, or is not the last and no multiple of eight bytes. Only this fragment is dropped. */
        BAD_LENGTH;

        /** True if something was dropped. */
        public boolean dropped() {
            return this != INCOMPLETE && this != COMPLETE;
        }
    }

    /** Told of each datagram that ran out of time with its first fragment there (RFC 1122 §3.3.2: send Time Exceeded, code 1). */
    @FunctionalInterface
    public interface Expired {
        /** Nobody wants to know. */
        Expired IGNORED = (packet, at, length) -> {};

        /** {@code length} bytes of {@code packet} from {@code at}: the first fragment's header and the data from the beginning. */
        void expired(MemorySegment packet, long at, int length);
    }

    /** How long a datagram may stay incomplete, from its first fragment on. */
    public static final long TIMEOUT = 15_000_000_000L;

    /** Free bytes before {@link #packetAt()}, for a link header. */
    public static final int HEADROOM = 64;

    static final int MAX_PACKET = 65_535;
    /** The smallest sensible budget: two datagrams of full size. */
    public static final long MIN_BYTES = 2L * FragmentedDatagram.PAGES * PageStore.PAGE;

    private static final int TCP_MIN = 20;
    private static final int FRAGMENT_HEADER = Ipv6Fragmenter.FRAGMENT_HEADER;
    /** Payload shown to {@link Expired}: as much as an ICMP error can quote. */
    private static final int MAX_QUOTE = 576;

    private final Expired listener;
    private final int capacity;
    private final PageStore store;
    private final MemorySegment output;
    private final FragmentedDatagram[] buckets;
    /** Both ends of the list by age; the sentinel's next is the oldest. */
    private final FragmentedDatagram ages = new FragmentedDatagram();

    private FragmentedDatagram spares = new FragmentedDatagram();
    private int count;
    private int length;
    private long evictions;

    /**
     * @param arena where memory comes from, as it is needed; must outlive this object and be usable by its thread
     * @param datagrams incomplete datagrams at a time, 2 or more; the oldest is evicted
     * @param bytes memory for fragments, {@link #MIN_BYTES} or more; the oldest datagram is evicted
     * @param listener told of what ran out of time, from within {@link #add} and {@link #expire}
     */
    public Reassembler(Arena arena, int datagrams, long bytes, Expired listener) {
        if (datagrams < 2 || bytes < MIN_BYTES) {
            throw new IllegalArgumentException(
                    "reassembly needs 2 datagrams and " + MIN_BYTES + " bytes, not " + datagrams + " and " + bytes);
        }
        this.listener = listener;
        this.capacity = datagrams;
        this.store = new PageStore(arena, bytes);
        this.output = arena.allocate(HEADROOM + Ipv6Header.LENGTH + MAX_PACKET + 1L, 8);
        int size = Integer.highestOneBit(Math.min(datagrams, 1 << 20)) * 2;
        this.buckets = new FragmentedDatagram[size];
        for (int i = 0; i < size; i++) {
            buckets[i] = FragmentedDatagram.END;
        }
        ages.older = ages;
        ages.newer = ages;
        spares.chained = FragmentedDatagram.END;
    }

    /**
     * Takes one fragment: an IPv4 packet at {@code at} that has passed {@link Ipv4Header#check}. Its bytes are copied.
     *
     * @param now nanoseconds; datagrams that have run out of time by then are forgotten first
     */
    public Outcome add(MemorySegment s, long at, long now) {
        expire(now);
        int header = Ipv4Header.headerLength(s, at);
        int payload = Ipv4Header.totalLength(s, at) - header;
        int offset = Ipv4Header.fragmentOffset(s, at);
        boolean more = Ipv4Header.moreFragments(s, at);
        int protocol = Ipv4Header.protocol(s, at);
        boolean tiny = protocol == Ipv4Header.PROTOCOL_TCP && (offset == 0 && payload < TCP_MIN || offset == 8);
        int rest = protocol << 16 | Ipv4Header.identification(s, at);
        return add(s, at, header, at + header, payload, offset, more, tiny, rest, now);
    }

    /**
     * Takes one IPv6 fragment, as above.
     *
     * @param chain has walked the packet and found its fragment header
     */
    public Outcome add(MemorySegment s, long at, Ipv6Chain chain, long now) {
        expire(now);
        int header = (int) (chain.fragmentAt - at);
        long payloadAt = chain.fragmentAt + FRAGMENT_HEADER;
        int payload = (int) (at + Ipv6Header.LENGTH + Ipv6Header.payloadLength(s, at) - payloadAt);
        if (header > FragmentedDatagram.MAX_HEADER) {
            return Outcome.BAD_LENGTH;
        }
        int offset = Ipv6Chain.fragmentOffset(s, chain.fragmentAt);
        boolean more = Ipv6Chain.moreFragments(s, chain.fragmentAt);
        // The first fragment has all headers (RFC 7112), and what follows them is what the chain found.
        boolean tiny = offset == 0
                && chain.length
                        < switch (chain.protocol) {
                            case Ipv4Header.PROTOCOL_TCP -> TCP_MIN;
                            case Ipv4Header.PROTOCOL_UDP, Ipv6Header.ICMPV6 -> 8;
                            default -> 0;
                        };
        int next = Bytes.u8(s, chain.fragmentAt);
        Bytes.put8(s, chain.fragmentField, next); // the whole packet will have no fragment header
        if (offset == 0 && !more) {
            return tiny ? Outcome.TINY : atomic(s, at, header, payloadAt, payload);
        }
        int identification = Ipv6Chain.identification(s, chain.fragmentAt);
        return add(s, at, header, payloadAt, payload, offset, more, tiny, identification, now);
    }

    /** A fragment that is all there is has nothing to do with others (RFC 6946). */
    private Outcome atomic(MemorySegment s, long at, int header, long payloadAt, int payload) {
        MemorySegment.copy(s, at, output, HEADROOM, header);
        MemorySegment.copy(s, payloadAt, output, HEADROOM + header, payload);
        length = header + payload;
        FragmentedDatagram.complete(output, HEADROOM, length, false);
        return Outcome.COMPLETE;
    }

    private Outcome add(
            MemorySegment s,
            long at,
            int header,
            long payloadAt,
            int payload,
            int offset,
            boolean more,
            boolean tiny,
            int rest,
            long now) {
        if (payload <= 0 || more && (payload & 7) != 0) {
            return Outcome.BAD_LENGTH;
        }
        long sourceHigh = IpHeader.sourceHigh(s, at);
        long sourceLow = IpHeader.sourceLow(s, at);
        long destinationHigh = IpHeader.destinationHigh(s, at);
        long destinationLow = IpHeader.destinationLow(s, at);
        FragmentedDatagram datagram = find(sourceHigh, sourceLow, destinationHigh, destinationLow, rest);
        if (datagram == FragmentedDatagram.END) {
            datagram = create(sourceHigh, sourceLow, destinationHigh, destinationLow, rest, now);
        }
        if (datagram.poisoned) {
            return Outcome.OVERLAP;
        }
        int end = offset + payload;
        if (header - (IpHeader.isIpv4(s, at) ? 0 : Ipv6Header.LENGTH) + end > MAX_PACKET) {
            return poison(datagram, Outcome.TOO_LONG);
        }
        if (tiny) {
            return poison(datagram, Outcome.TINY);
        }
        if (more ? datagram.end >= 0 && end > datagram.end : !datagram.acceptsEnd(end)) {
            return poison(datagram, Outcome.INCONSISTENT);
        }
        if (!datagram.claim(offset, payload)) {
            return poison(datagram, Outcome.OVERLAP);
        }
        if (!more) {
            datagram.end = end;
        }
        datagram.furthest = Math.max(datagram.furthest, end);
        datagram.ecn |= 1 << (IpHeader.trafficClass(s, at) & 3);
        if (offset == 0) {
            datagram.saveHeader(s, at, header);
        }
        makeRoom(datagram, offset, payload);
        store.write(datagram, offset, s, payloadAt, payload);
        return datagram.isComplete() ? finish(datagram) : Outcome.INCOMPLETE;
    }

    private Outcome finish(FragmentedDatagram datagram) {
        int header = datagram.headerLength;
        if (header - (datagram.header[0] >>> 4 == 4 ? 0 : Ipv6Header.LENGTH) + datagram.end > MAX_PACKET) {
            return poison(datagram, Outcome.TOO_LONG);
        }
        // RFC 3168 §5.3: congestion marks survive; a mix with "not capable" is somebody's fault.
        boolean congestion = (datagram.ecn & 1 << 3) != 0;
        if (congestion && (datagram.ecn & 1) != 0) {
            return poison(datagram, Outcome.INCONSISTENT);
        }
        datagram.loadHeader(output, HEADROOM);
        store.read(datagram, 0, datagram.end, output, HEADROOM + header);
        length = header + datagram.end;
        FragmentedDatagram.complete(output, HEADROOM, length, congestion);
        remove(datagram);
        return Outcome.COMPLETE;
    }

    /** Memory of the datagram that was completed last; valid until the next call of {@link #add}. */
    public MemorySegment packet() {
        return output;
    }

    /** Where the completed packet starts; {@link #HEADROOM} bytes before it are free. */
    public long packetAt() {
        return HEADROOM;
    }

    /** Length of the completed packet, header included. */
    public int packetLength() {
        return length;
    }

    /**
     * Forgets datagrams whose time is over; call it about once per second.
     *
     * @return how many, poisoned ones not counted
     */
    public int expire(long now) {
        int expired = 0;
        while (ages.newer != ages && now - ages.newer.born >= TIMEOUT) {
            FragmentedDatagram datagram = ages.newer;
            if (!datagram.poisoned) {
                expired++;
                if (datagram.headerLength > 0) {
                    datagram.loadHeader(output, HEADROOM);
                    int quoted = datagram.leading(MAX_QUOTE);
                    store.read(datagram, 0, quoted, output, HEADROOM + datagram.headerLength);
                    if (!IpHeader.isIpv4(output, HEADROOM)) {
                        FragmentedDatagram.complete(output, HEADROOM, datagram.headerLength + quoted, false);
                    }
                    listener.expired(output, HEADROOM, datagram.headerLength + quoted);
                }
            }
            remove(datagram);
        }
        return expired;
    }

    /** Incomplete datagrams held now, poisoned ones included. */
    public int datagrams() {
        return count;
    }

    /** Bytes of fragment memory in use now, in whole pages. */
    public long bytes() {
        return store.used() * (long) PageStore.PAGE;
    }

    /** Bytes of fragment memory ever taken from the arena. */
    public long allocated() {
        return store.allocated();
    }

    /** Datagrams that were dropped because a limit was reached. */
    public long evictions() {
        return evictions;
    }

    private Outcome poison(FragmentedDatagram datagram, Outcome why) {
        store.free(datagram);
        datagram.poisoned = true;
        return why;
    }

    private void makeRoom(FragmentedDatagram datagram, int offset, int payload) {
        int needed = datagram.missingPages(offset, payload);
        if (needed == 0) {
            return;
        }
        int share = Math.max(store.capacity() / 2, FragmentedDatagram.PAGES);
        while (pagesOf(datagram.sourceHigh, datagram.sourceLow) + needed > share) {
            evict(datagram, true);
        }
        while (store.used() + needed > store.capacity()) {
            evict(datagram, false);
        }
    }

    private int pagesOf(long high, long low) {
        int pages = 0;
        for (FragmentedDatagram d = ages.newer; d != ages; d = d.newer) {
            pages += d.isFrom(high, low) ? d.pageCount : 0;
        }
        return pages;
    }

    private int datagramsOf(long high, long low) {
        int datagrams = 0;
        for (FragmentedDatagram d = ages.newer; d != ages; d = d.newer) {
            datagrams += d.isFrom(high, low) ? 1 : 0;
        }
        return datagrams;
    }

    /** Drops the oldest datagram that has memory, but not {@code keep}; there is one, because a budget has room for two. */
    private void evict(FragmentedDatagram keep, boolean sameSource) {
        FragmentedDatagram d = ages.newer;
        while (d == keep || d.pageCount == 0 || sameSource && !d.isFrom(keep.sourceHigh, keep.sourceLow)) {
            d = d.newer;
        }
        evictions++;
        remove(d);
    }

    private FragmentedDatagram create(
            long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int rest, long now) {
        if (datagramsOf(sourceHigh, sourceLow) >= Math.max(capacity / 2, 1)) {
            FragmentedDatagram d = ages.newer;
            while (!d.isFrom(sourceHigh, sourceLow)) {
                d = d.newer;
            }
            evictions += d.poisoned ? 0 : 1;
            remove(d);
        } else if (count >= capacity) {
            evictions += ages.newer.poisoned ? 0 : 1;
            remove(ages.newer);
        }
        FragmentedDatagram d = spares;
        if (d.chained == FragmentedDatagram.END) {
            spares = new FragmentedDatagram();
            spares.chained = FragmentedDatagram.END;
        } else {
            spares = d.chained;
        }
        d.start(sourceHigh, sourceLow, destinationHigh, destinationLow, rest, now);
        int bucket = bucket(d);
        d.chained = buckets[bucket];
        buckets[bucket] = d;
        d.older = ages.older;
        d.newer = ages;
        ages.older.newer = d;
        ages.older = d;
        count++;
        return d;
    }

    private void remove(FragmentedDatagram d) {
        store.free(d);
        d.older.newer = d.newer;
        d.newer.older = d.older;
        int bucket = bucket(d);
        if (buckets[bucket] == d) {
            buckets[bucket] = d.chained;
        } else {
            FragmentedDatagram before = buckets[bucket];
            while (before.chained != d) {
                before = before.chained;
            }
            before.chained = d.chained;
        }
        d.chained = spares;
        spares = d;
        count--;
    }

    private FragmentedDatagram find(
            long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int rest) {
        FragmentedDatagram d = buckets[bucket(sourceHigh, sourceLow, destinationHigh, destinationLow, rest)];
        while (d != FragmentedDatagram.END && !d.is(sourceHigh, sourceLow, destinationHigh, destinationLow, rest)) {
            d = d.chained;
        }
        return d;
    }

    private int bucket(FragmentedDatagram d) {
        return bucket(d.sourceHigh, d.sourceLow, d.destinationHigh, d.destinationLow, d.rest);
    }

    private int bucket(long sourceHigh, long sourceLow, long destinationHigh, long destinationLow, int rest) {
        long addresses = ((sourceHigh * 31 + sourceLow) * 31 + destinationHigh) * 31 + destinationLow;
        long mixed = (addresses * 31 + rest) * 0x9e37_79b9_7f4a_7c15L;
        return (int) (mixed >>> 40) & buckets.length - 1;
    }
}
