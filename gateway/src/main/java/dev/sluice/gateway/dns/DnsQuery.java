package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;

/**
 * A guest's question, and the message it came in.
 *
 * @param message the whole message; not to be changed
 * @param questionEnd where the question ends in it
 * @param name the name in lower case, as {@link DnsMessage#name} writes it
 * @param type QTYPE
 * @param klass QCLASS
 * @param optAt where its OPT record starts; 0 for none
 */
record DnsQuery(byte[] message, int questionEnd, String name, int type, int klass, int optAt) implements DnsRequest {

    boolean hasOpt() {
        return optAt != DnsMessage.NO_OPT;
    }

    /** Whether its OPT record carries options. */
    boolean hasOptions() {
        return hasOpt() && DnsMessage.u16(message, optAt + 9) > 0;
    }

    /** Largest UDP reply the guest takes, bytes: 512 or more, and not above what a datagram over IPv4 can hold. */
    int maxUdpReply() {
        int told = hasOpt() ? DnsMessage.u16(message, optAt + 3) : DnsMessage.CLASSIC_SIZE;
        return Math.clamp(told, DnsMessage.CLASSIC_SIZE, DnsMessage.LARGEST_DATAGRAM);
    }

    int ednsVersion() {
        return hasOpt() ? message[optAt + 6] & 0xff : 0;
    }

    /** The DO bit, which a reply's OPT repeats. */
    int optFlags() {
        return hasOpt() ? DnsMessage.u16(message, optAt + 7) & 0x8000 : 0;
    }

    boolean isInternet() {
        return klass == DnsHeader.CLASS_IN || klass == DnsMessage.CLASS_ANY;
    }

    boolean asks(int recordType) {
        return type == recordType || type == DnsMessage.TYPE_ANY;
    }
}
