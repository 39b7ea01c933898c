package dev.sluice.testkit.packetdrill;

import java.util.List;

/** A TCP option as scripts write it. Timestamps and SACK blocks are in the numbers of the script. */
sealed interface TcpOption {
    record Nop() implements TcpOption {
        @Override
        public String toString() {
            return "nop";
        }
    }

    record Eol() implements TcpOption {
        @Override
        public String toString() {
            return "eol";
        }
    }

    record Mss(int size) implements TcpOption {
        @Override
        public String toString() {
            return "mss " + size;
        }
    }

    record WindowScale(int shift) implements TcpOption {
        @Override
        public String toString() {
            return "wscale " + shift;
        }
    }

    record SackPermitted() implements TcpOption {
        @Override
        public String toString() {
            return "sackOK";
        }
    }

    record Sack(List<Block> blocks) implements TcpOption {
        record Block(long left, long right) {
            @Override
            public String toString() {
                return left + ":" + right;
            }
        }

        @Override
        public String toString() {
            return "sack "
                    + String.join(" ", blocks.stream().map(Block::toString).toList());
        }
    }

    record Timestamps(long value, long echo) implements TcpOption {
        /** Stands for any value: {@code val ...}. */
        static final long ANY = -1;

        @Override
        public String toString() {
            return "TS val " + (value == ANY ? "..." : value) + " ecr " + echo;
        }
    }

    /** One that comes and that our stack does not know: it is skipped (RFC 9293 §3.1, MUST-6). {@code value} is in hexadecimal. */
    record Unknown(int kind, String value) implements TcpOption {
        @Override
        public String toString() {
            return "option " + kind + " " + value;
        }
    }

    /** One that our stack neither sends nor understands. */
    record Other(int kind, String bytes) implements TcpOption {
        @Override
        public String toString() {
            return "option " + kind + " " + bytes;
        }
    }

    /** What the offset of data leaves for options (RFC 9293 §3.1). */
    int LONGEST = 40;

    /** Bytes of {@code options} on the wire, before padding. */
    static int length(List<TcpOption> options) {
        int length = 0;
        for (TcpOption option : options) {
            length += switch (option) {
                case Nop _, Eol _ -> 1;
                case SackPermitted _ -> 2;
                case WindowScale _ -> 3;
                case Mss _ -> 4;
                case Timestamps _ -> 10;
                case Sack(List<Sack.Block> blocks) -> 2 + 8 * blocks.size();
                case Unknown u -> 2 + u.value().length() / 2;
                case Other _ -> 2;
            };
        }
        return length;
    }

    default boolean isPadding() {
        return this instanceof Nop || this instanceof Eol;
    }
}
