package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What servers said, for as long as they allow (RFC 1035 §3.2.1, RFC 2308). Looking up takes no lock and allocates nothing, since it is
 * done for each datagram on the loop; any thread may.
 *
 * <p>A table of {@value #SETS} sets of {@value #WAYS} places: an answer may stand in one set only, which its hash names, and when all of its places are
 * taken, the one unused for the longest time goes. So looking up reads four references, and nothing has to be kept in order. That is
 * the reason for a table of our own and not a library's: a general cache wants a key object for each lookup and keeps its order by writing
 * down each read.
 *
 * <p>Kept are whole replies of up to {@value #MAX_MESSAGE} bytes with NOERROR or NXDOMAIN, without their OPT record, which is between
 * neighbours (RFC 6891 §6.1.1). A reply goes out with the asker's id and letter case, its TTLs counted down. An answer that does not
 * exist is kept only if an SOA record says how long (RFC 2308 §5).
 */
final class AnswerCache {
    /** Longest reply kept; longer ones are rare and mostly fetched over TCP. */
    static final int MAX_MESSAGE = 1232;

    /** Room that a reply needs, an OPT record included. */
    static final int ROOM = MAX_MESSAGE + 11;

    static final int SETS = 1024;
    static final int WAYS = 4;
    /** However long the server allows it: who corrects a mistake should not have to wait for days. */
    static final int MAX_SECONDS = 3_600;

    /** The same for what does not exist. */
    static final int MAX_NEGATIVE_SECONDS = 300;

    private static final long SECOND = 1_000_000_000L;
    private static final int MAX_RECORDS = 128;

    /** One reply. Immutable but for when it was used, which is a hint and may be lost. */
    private static final class Kept {
        final byte[] message;
        final int hash;
        final int type;
        final int variant;
        final int questionEnd;
        /** Where TTLs stand. */
        final int[] ttlAt;

        final long stored;
        final long expires;
        long used;

        Kept(CacheProbe probe, byte[] message, int[] ttlAt, long stored, long expires) {
            this.message = message;
            this.hash = probe.hash;
            this.type = probe.type;
            this.variant = probe.variant;
            this.questionEnd = probe.questionEnd;
            this.ttlAt = ttlAt;
            this.stored = stored;
            this.expires = expires;
            this.used = stored;
        }
    }

    private final LongSupplier nanoClock;
    /** Null until there is something to keep. */
    private volatile @Nullable AtomicReferenceArray<@Nullable Kept> table;

    /** Counts flushes, so that what was asked before one is not kept after it. */
    private volatile int generation;

    AnswerCache(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    int generation() {
        return generation;
    }

    /** Forgets everything, and what is being asked now. */
    void flush() {
        synchronized (this) {
            generation++;
            table = null;
        }
    }

    /**
     * Writes the reply to a query into {@code out}.
     *
     * @param probe has read {@code query}
     * @param maxReply bytes the asker can take
     * @param out {@link #ROOM} bytes
     * @return its length; 0 if there is none
     */
    int answer(CacheProbe probe, byte[] query, int maxReply, byte[] out) {
        AtomicReferenceArray<@Nullable Kept> places = table;
        if (places == null) {
            return 0;
        }
        int set = (probe.hash & SETS - 1) * WAYS;
        for (int i = set; i < set + WAYS; i++) {
            Kept kept = places.getAcquire(i);
            if (kept != null && matches(kept, probe, query)) {
                long now = nanoClock.getAsLong();
                if (kept.expires - now <= 0 || kept.message.length + (probe.hasOpt ? 11 : 0) > maxReply) {
                    return 0;
                }
                kept.used = now;
                return write(kept, probe, query, (now - kept.stored) / SECOND, out);
            }
        }
        return 0;
    }

    private static boolean matches(Kept kept, CacheProbe probe, byte[] query) {
        return kept.hash == probe.hash
                && kept.type == probe.type
                && kept.variant == probe.variant
                && kept.questionEnd == probe.questionEnd
                && probe.sameName(query, kept.message);
    }

    private static int write(Kept kept, CacheProbe probe, byte[] query, long age, byte[] out) {
        int length = kept.message.length;
        System.arraycopy(kept.message, 0, out, 0, length);
        out[0] = query[0];
        out[1] = query[1];
        System.arraycopy(query, DnsHeader.LENGTH, out, DnsHeader.LENGTH, kept.questionEnd - DnsHeader.LENGTH);
        for (int at : kept.ttlAt) {
            // The smallest TTL is not used up yet, so none is.
            DnsMessage.put32(out, at, (int) (DnsMessage.u32(out, at) - age));
        }
        if (!probe.hasOpt) {
            return length;
        }
        DnsMessage.put16(out, 10, DnsMessage.u16(out, 10) + 1);
        return DnsMessage.putOpt(out, length, 0, probe.dnssecOk());
    }

    /**
     * Keeps a reply, if it may be kept.
     *
     * @param query whose question the reply repeats
     * @param reply as it came from a server; copied
     * @param asked the {@link #generation} at the time it was asked for
     * @param maxSeconds keep it no longer
     */
    void keep(DnsQuery query, byte[] reply, int asked, int maxSeconds) {
        CacheProbe probe = new CacheProbe();
        int rcode = DnsMessage.flags(reply) & DnsMessage.RCODE_MASK;
        if (!probe.read(query.message(), query.message().length)
                || (DnsMessage.flags(reply) & DnsHeader.TRUNCATED) != 0
                || rcode != DnsHeader.NOERROR && rcode != DnsHeader.NXDOMAIN
                || reply.length > MAX_MESSAGE
                || DnsMessage.recordsAt(reply) != probe.questionEnd
                || !probe.sameName(query.message(), reply)) {
            return;
        }
        Lifetime lifetime = Lifetime.of(reply, probe.questionEnd, rcode == DnsHeader.NXDOMAIN);
        long seconds = lifetime == null ? 0 : Math.min(lifetime.seconds, maxSeconds);
        if (lifetime == null || seconds <= 0) {
            return;
        }
        byte[] message = Arrays.copyOf(reply, lifetime.end);
        DnsMessage.put16(message, 2, DnsMessage.flags(message) & ~DnsHeader.AUTHORITATIVE);
        DnsMessage.put16(message, 10, lifetime.additional);
        long now = nanoClock.getAsLong();
        place(
                new Kept(probe, message, lifetime.ttlAt, now, now + seconds * SECOND),
                probe,
                query.message(),
                asked,
                now);
    }

    private void place(Kept kept, CacheProbe probe, byte[] query, int asked, long now) {
        synchronized (this) {
            if (asked != generation) {
                return;
            }
            AtomicReferenceArray<@Nullable Kept> places = table;
            if (places == null) {
                places = new AtomicReferenceArray<>(SETS * WAYS);
                table = places;
            }
            int set = (kept.hash & SETS - 1) * WAYS;
            int best = set;
            long longest = Long.MIN_VALUE;
            for (int i = set; i < set + WAYS; i++) {
                Kept there = places.get(i);
                if (there == null || matches(there, probe, query)) {
                    best = i;
                    break;
                }
                long unused = there.expires - now <= 0 ? Long.MAX_VALUE : now - there.used;
                if (unused > longest) {
                    longest = unused;
                    best = i;
                }
            }
            places.setRelease(best, kept);
        }
    }

    /** Answers kept now, expired ones included; for tests and people. */
    int size() {
        AtomicReferenceArray<@Nullable Kept> places = table;
        int count = 0;
        for (int i = 0; places != null && i < places.length(); i++) {
            count += places.get(i) != null ? 1 : 0;
        }
        return count;
    }

    /**
     * How long a reply may be kept, and what of it.
     *
     * @param end where it ends without an OPT record
     * @param additional how many additional records are left
     */
    private record Lifetime(long seconds, int[] ttlAt, int end, int additional) {

        /** Null if it may not be kept: broken, signed for one transaction, a referral, or silent about what does not exist. */
        static @Nullable Lifetime of(byte[] m, int from, boolean negative) {
            int answers = DnsMessage.u16(m, 6);
            int authority = DnsMessage.u16(m, 8);
            int all = answers + authority + DnsMessage.u16(m, 10);
            if (all > MAX_RECORDS) {
                return null;
            }
            int[] ttlAt = new int[all];
            int additional = DnsMessage.u16(m, 10);
            long seconds = Long.MAX_VALUE;
            boolean toldHowLong = answers > 0 && !negative;
            int count = 0;
            int at = from;
            for (int i = 0; i < all; i++) {
                int end = DnsMessage.skipRecord(m, at);
                if (end < 0) {
                    return null;
                }
                int fixed = DnsMessage.skipName(m, at);
                int type = DnsMessage.u16(m, fixed);
                if (type == DnsMessage.TYPE_OPT) {
                    // The extended rcode must be 0, and nothing may stand behind it that would have to move.
                    return i == all - 1 && i >= answers + authority && m[fixed + 4] == 0 && toldHowLong
                            ? new Lifetime(seconds, Arrays.copyOf(ttlAt, count), at, additional - 1)
                            : null;
                }
                if (type >= 128 && type <= 255) {
                    return null;
                }
                long ttl = DnsMessage.u32(m, fixed + 4);
                seconds = Math.min(seconds, ttl > Integer.MAX_VALUE ? 0 : ttl); // RFC 2181 §8
                if (type == DnsMessage.TYPE_SOA && i >= answers && end - fixed >= 10 + 22) {
                    seconds = Math.min(seconds, DnsMessage.u32(m, end - 4)); // MINIMUM
                    if (answers == 0 || negative) {
                        seconds = Math.min(seconds, MAX_NEGATIVE_SECONDS);
                    }
                    toldHowLong = true;
                }
                ttlAt[count++] = fixed + 4;
                at = end;
            }
            return toldHowLong ? new Lifetime(seconds, Arrays.copyOf(ttlAt, count), at, additional) : null;
        }
    }
}
