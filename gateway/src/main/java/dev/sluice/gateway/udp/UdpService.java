package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.FlowTable;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;

/**
 * A guest's address and port that forwards lead to. Its number stands for both in the keys of sessions, which have room for one address
 * and one port more.
 */
final class UdpService extends FlowTable.Entry<UdpService> {
    /** Numbers are below this. */
    static final int LIMIT = 1 << 16;

    private final int number;
    /** That lead here; it is forgotten with the last. */
    int forwards;

    UdpService(IpAddress address, int port, int number) {
        super(address.high(), address.low(), port);
        this.number = number;
    }

    int number() {
        return number;
    }

    boolean isIpv4() {
        return IpHeader.isIpv4(high(), low());
    }

    IpAddress address() {
        return IpHeader.address(high(), low());
    }

    /** Of a session: this service, and the port under which it sees the client. */
    int key(int seenPort) {
        return number << 16 | seenPort;
    }
}
