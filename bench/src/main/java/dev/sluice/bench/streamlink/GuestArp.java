package dev.sluice.bench.streamlink;

import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A guest's part in ARP (RFC 826): asks for the gateway, and answers who asks for the guest. One thread's. */
final class GuestArp {
    private static final int FRAME = EthernetHeader.LENGTH + ArpHeader.LENGTH;
    private static final int READ = 64 * 1024;
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    private final GuestLink link;
    private final Ipv4Address own;
    private final MemorySegment out = Arena.ofAuto().allocate(FRAME + 4);
    private boolean owing;

    GuestArp(GuestLink link, Ipv4Address own) {
        this.link = link;
        this.own = own;
    }

    /** Whose {@code wanted} is. Whatever else comes meanwhile is lost. */
    static MacAddress resolve(GuestLink link, Ipv4Address own, Ipv4Address wanted) throws IOException {
        GuestArp arp = new GuestArp(link, own);
        arp.write(ArpHeader.REQUEST, MacAddress.BROADCAST.bits(), 0, wanted.bits());
        MemorySegment in = Arena.ofAuto().allocate(READ);
        int prefix = link.kind.prefix;
        int held = 0;
        long until = System.nanoTime() + PATIENCE_NANOS;
        while (System.nanoTime() < until) {
            link.await(false);
            held += link.read(in, held, READ - held);
            int at = 0;
            while (held - at >= prefix && held - at - prefix >= link.kind.length(in, at)) {
                long frame = at + prefix;
                long message = frame + EthernetHeader.LENGTH;
                arp.onFrame(in, frame);
                arp.answer();
                if (isArp(in, frame, ArpHeader.REPLY) && ArpHeader.senderAddress(in, message) == wanted.bits()) {
                    return new MacAddress(ArpHeader.senderMac(in, message));
                }
                at += prefix + link.kind.length(in, at);
            }
            held -= at;
            MemorySegment.copy(in, at, in, 0, held);
        }
        throw new IOException("nobody says whose " + wanted + " is");
    }

    private static boolean isArp(MemorySegment s, long frame, int operation) {
        return EthernetHeader.type(s, frame) == EthernetHeader.TYPE_ARP
                && ArpHeader.operation(s, frame + EthernetHeader.LENGTH) == operation;
    }

    /** Looks whether it asks for the guest. */
    void onFrame(MemorySegment s, long frame) {
        long message = frame + EthernetHeader.LENGTH;
        if (isArp(s, frame, ArpHeader.REQUEST) && ArpHeader.targetAddress(s, message) == own.bits()) {
            owing = true;
            prepare(
                    ArpHeader.REPLY,
                    ArpHeader.senderMac(s, message),
                    ArpHeader.senderMac(s, message),
                    ArpHeader.senderAddress(s, message));
        }
    }

    /** Writes the answer that is owed, if one is; between frames only. */
    void answer() throws IOException {
        if (owing) {
            owing = false;
            write();
        }
    }

    private void write(int operation, long to, long targetMac, int target) throws IOException {
        prepare(operation, to, targetMac, target);
        write();
    }

    private void prepare(int operation, long to, long targetMac, int target) {
        int prefix = link.kind.prefix;
        link.kind.putLength(out, 0, FRAME);
        EthernetHeader.write(out, prefix, to, link.mac, EthernetHeader.TYPE_ARP);
        ArpHeader.write(out, prefix + EthernetHeader.LENGTH, operation, link.mac, own.bits(), targetMac, target);
    }

    private void write() throws IOException {
        int length = link.kind.prefix + FRAME;
        for (int at = 0; at < length; ) {
            int n = link.write(out, at, length - at);
            at += n;
            if (n == 0) {
                link.await(true);
            }
        }
    }
}
