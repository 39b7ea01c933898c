package dev.sluice.wire;

import java.lang.foreign.MemorySegment;

/**
 * The classic capture file format (draft-ietf-opsawg-pcap), as bytes only: a 24-byte file header, then per packet a 16-byte record
 * header and the bytes. Written little-endian with nanoseconds; read in both byte orders and both resolutions.
 */
public final class Pcap {
    public static final int FILE_HEADER_LENGTH = 24;
    public static final int RECORD_HEADER_LENGTH = 16;
    /** Seconds and nanoseconds; microseconds is 0xA1B2C3D4. */
    public static final int MAGIC_NANOSECONDS = 0xa1b2_3c4d;

    public static final int MAGIC_MICROSECONDS = 0xa1b2_c3d4;
    public static final int LINKTYPE_ETHERNET = 1;
    /** Packets start with the IP header. */
    public static final int LINKTYPE_RAW = 101;
    /** Largest snap length that other readers accept. */
    public static final int MAX_SNAP_LENGTH = 262_144;

    private Pcap() {}

    public static void writeFileHeader(MemorySegment s, long at, int snapLength, int linkType) {
        Bytes.put32LE(s, at, MAGIC_NANOSECONDS);
        Bytes.put16LE(s, at + 4, 2);
        Bytes.put16LE(s, at + 6, 4);
        Bytes.put32LE(s, at + 8, 0);
        Bytes.put32LE(s, at + 12, 0);
        Bytes.put32LE(s, at + 16, snapLength);
        Bytes.put32LE(s, at + 20, linkType);
    }

    /**
     * Writes what stands before a packet's bytes.
     *
     * @param time nanoseconds since 1970
     * @param captured bytes that follow
     * @param original bytes the packet had
     */
    public static void writeRecordHeader(MemorySegment s, long at, long time, int captured, int original) {
        Bytes.put32LE(s, at, (int) Math.floorDiv(time, 1_000_000_000L));
        Bytes.put32LE(s, at + 4, (int) Math.floorMod(time, 1_000_000_000L));
        Bytes.put32LE(s, at + 8, captured);
        Bytes.put32LE(s, at + 12, original);
    }

    /** Validates a file header of either byte order and resolution. */
    public static Flaw check(MemorySegment s, long at, long length) {
        if (length < FILE_HEADER_LENGTH) {
            return Flaw.TRUNCATED;
        }
        if (!known(Bytes.i32LE(s, at)) && !known(Bytes.i32(s, at))) {
            return Flaw.BAD_FIELD;
        }
        boolean big = known(Bytes.i32(s, at));
        return (big ? Bytes.u16(s, at + 4) : Bytes.u16LE(s, at + 4)) == 2 ? Flaw.NONE : Flaw.BAD_VERSION;
    }

    private static boolean known(int magic) {
        return magic == MAGIC_NANOSECONDS || magic == MAGIC_MICROSECONDS;
    }

    /** Walks the records of a file in memory; confined to one thread, borrows the memory. */
    public static final class Reader {
        private final MemorySegment file;
        private final long start;
        private final long end;
        private final boolean big;
        private final boolean nanoseconds;
        private long next;
        private long record = -1;

        /**
         * Starts before the first record of a file whose header {@link Pcap#check} has accepted.
         *
         * @param at where the file header starts
         * @param length bytes of the whole file
         */
        public Reader(MemorySegment file, long at, long length) {
            this.file = file;
            this.start = at;
            this.end = at + length;
            this.big = known(Bytes.i32(file, at));
            this.nanoseconds = (big ? Bytes.i32(file, at) : Bytes.i32LE(file, at)) == MAGIC_NANOSECONDS;
            this.next = at + FILE_HEADER_LENGTH;
        }

        private int word(long at) {
            return big ? Bytes.i32(file, at) : Bytes.i32LE(file, at);
        }

        public int snapLength() {
            return word(start + 16);
        }

        /** What the packets start with, such as {@link Pcap#LINKTYPE_ETHERNET}. */
        public int linkType() {
            return word(start + 20) & 0xfff_ffff;
        }

        /** Goes to the next record; false at the end, or where a record is cut off or claims more bytes than any packet has. */
        public boolean next() {
            if (end - next < RECORD_HEADER_LENGTH) {
                return false;
            }
            int captured = word(next + 8);
            if (captured < 0 || captured > MAX_SNAP_LENGTH || captured > end - next - RECORD_HEADER_LENGTH) {
                return false;
            }
            record = next;
            next += RECORD_HEADER_LENGTH + captured;
            return true;
        }

        /** Nanoseconds since 1970 of the current record. */
        public long time() {
            return (word(record) & 0xffff_ffffL) * 1_000_000_000L
                    + (word(record + 4) & 0xffff_ffffL) * (nanoseconds ? 1 : 1000);
        }

        /** Where the current packet's bytes start. */
        public long at() {
            return record + RECORD_HEADER_LENGTH;
        }

        /** Bytes of the current packet in the file. */
        public int captured() {
            return word(record + 8);
        }

        /** Bytes the current packet had on the wire. */
        public long original() {
            return word(record + 12) & 0xffff_ffffL;
        }
    }
}
