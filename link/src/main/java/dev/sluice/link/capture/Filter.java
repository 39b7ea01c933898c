package dev.sluice.link.capture;

import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.MacAddress;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Which frames are wanted: a small tree, made once from an expression and asked for every frame. Asking allocates nothing. */
public sealed interface Filter {
    /** Every frame. */
    Filter ALL = new Every();

    /** Whether the frame these facts are about is wanted. */
    boolean matches(Facts facts);

    /**
     * Reads an expression such as {@code tcp port 80 and not host 192.168.65.3}; empty means every frame.
     *
     * @param guests finds a guest by its name or address; null if there is none
     * @throws IllegalArgumentException saying which word is wrong, and what could stand there
     */
    static Filter compile(String expression, Function<String, @Nullable MacAddress> guests) {
        return FilterSyntax.parse(expression, guests);
    }

    /** Which of the two ends is meant. */
    enum Side {
        SOURCE,
        DESTINATION,
        EITHER;

        boolean source() {
            return this != DESTINATION;
        }

        boolean destination() {
            return this != SOURCE;
        }
    }

    record Every() implements Filter {
        @Override
        public boolean matches(Facts facts) {
            return true;
        }
    }

    record Not(Filter inner) implements Filter {
        @Override
        public boolean matches(Facts facts) {
            return !inner.matches(facts);
        }
    }

    record And(Filter left, Filter right) implements Filter {
        @Override
        public boolean matches(Facts facts) {
            return left.matches(facts) && right.matches(facts);
        }
    }

    record Or(Filter left, Filter right) implements Filter {
        @Override
        public boolean matches(Facts facts) {
            return left.matches(facts) || right.matches(facts);
        }
    }

    /** Addresses whose bits under the mask are these; IPv4 mapped into IPv6, as in {@link dev.sluice.wire.IpHeader}. */
    record Net(Side side, long high, long low, long maskHigh, long maskLow) implements Filter {
        @Override
        public boolean matches(Facts facts) {
            return facts.addressed
                    && (side.source() && contains(facts.sourceHigh, facts.sourceLow)
                            || side.destination() && contains(facts.destinationHigh, facts.destinationLow));
        }

        private boolean contains(long h, long l) {
            return ((h ^ high) & maskHigh) == 0 && ((l ^ low) & maskLow) == 0;
        }
    }

    /** Ports of TCP and UDP. */
    record Ports(Side side, int from, int to) implements Filter {
        @Override
        public boolean matches(Facts facts) {
            return side.source() && facts.sourcePort >= from && facts.sourcePort <= to
                    || side.destination() && facts.destinationPort >= from && facts.destinationPort <= to;
        }
    }

    /** The protocol above IP. */
    record Protocol(int number) implements Filter {
        @Override
        public boolean matches(Facts facts) {
            return facts.protocol == number && facts.etherType != EthernetHeader.TYPE_ARP;
        }
    }

    record EtherType(int type) implements Filter {
        @Override
        public boolean matches(Facts facts) {
            return facts.etherType == type;
        }
    }

    /** Frames from or to a guest's hardware address, whatever its IP addresses are. */
    record Mac(long address) implements Filter {
        @Override
        public boolean matches(Facts facts) {
            return facts.sourceMac == address || facts.destinationMac == address;
        }
    }
}
