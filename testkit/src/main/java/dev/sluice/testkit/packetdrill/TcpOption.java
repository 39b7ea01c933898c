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

    /** One that our stack neither sends nor understands. */
    record Other(int kind, String bytes) implements TcpOption {
        @Override
        public String toString() {
            return "option " + kind + " " + bytes;
        }
    }

    default boolean isPadding() {
        return this instanceof Nop || this instanceof Eol;
    }
}
