package dev.sluice.link.capture;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * What addresses are called, learnt from DNS answers over UDP that passed: the name that was asked for, whatever aliases were on the way.
 * One thread. What guests and servers say may be broken or lies; it is bounded, and used for showing only.
 */
final class SeenNames {
    /** Addresses known at once; what comes after is not learnt. */
    private static final int MAX = 8192;

    private static final int MAX_RECORDS = 64;
    private static final int DNS_PORT = 53;
    private static final int RECORD_FIXED = 10;

    private final Map<IpAddress, String> known = new HashMap<>();
    private final Map<IpAddress, String> fresh = new HashMap<>();

    void learn(IpAddress address, String name) {
        if (known.size() < MAX && isPlain(name) && !name.equals(known.put(address, name))) {
            fresh.put(address, name);
        }
    }

    /** Learns from a frame of which {@code length} bytes lie at {@code at}. */
    void learn(MemorySegment s, long at, int length) {
        long ip = at + EthernetHeader.LENGTH;
        int left = length - EthernetHeader.LENGTH;
        if (left < Ipv4Header.MIN_LENGTH) {
            return;
        }
        boolean udp;
        int header;
        if (IpHeader.isIpv4(s, ip)) {
            header = Ipv4Header.headerLength(s, ip);
            udp = Ipv4Header.protocol(s, ip) == Ipv4Header.PROTOCOL_UDP && Ipv4Header.fragmentOffset(s, ip) == 0;
        } else {
            header = Ipv6Header.LENGTH;
            udp = left >= header && Ipv6Header.nextHeader(s, ip) == Ipv4Header.PROTOCOL_UDP;
        }
        if (udp && left >= header + UdpHeader.LENGTH && UdpHeader.sourcePort(s, ip + header) == DNS_PORT) {
            answer(s, ip + header + UdpHeader.LENGTH, left - header - UdpHeader.LENGTH);
        }
    }

    private void answer(MemorySegment s, long at, int length) {
        if (DnsHeader.check(s, at, length) != Flaw.NONE
                || !DnsHeader.isResponse(s, at)
                || DnsHeader.questions(s, at) != 1) {
            return;
        }
        String name = DnsHeader.name(s, at, length, DnsHeader.LENGTH);
        long offset = DnsHeader.skipName(s, at, length, DnsHeader.LENGTH) + 4;
        int records = Math.min(MAX_RECORDS, DnsHeader.answers(s, at));
        for (int i = 0; i < records && name != null; i++) {
            offset = DnsHeader.skipName(s, at, length, offset);
            if (offset < 0 || offset + RECORD_FIXED > length) {
                return;
            }
            int type = Bytes.u16(s, at + offset);
            int size = Bytes.u16(s, at + offset + 8);
            offset += RECORD_FIXED;
            if (offset + size > length) {
                return;
            }
            if (type == DnsHeader.TYPE_A && size == 4) {
                learn(new Ipv4Address(Bytes.i32(s, at + offset)), name);
            } else if (type == DnsHeader.TYPE_AAAA && size == 16) {
                learn(new Ipv6Address(Bytes.i64(s, at + offset), Bytes.i64(s, at + offset + 8)), name);
            }
            offset += size;
        }
    }

    /** A host name as one would write it; others would only confuse. */
    private static boolean isPlain(String name) {
        return name.matches("[A-Za-z0-9_.-]{1,253}");
    }

    /** What was learnt since the last time this was asked. */
    Map<IpAddress, String> takeFresh() {
        Map<IpAddress, String> taken = Map.copyOf(fresh);
        fresh.clear();
        return taken;
    }
}
