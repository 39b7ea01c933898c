package dev.sluice.net;

import dev.sluice.wire.IpAddress;

/** UDP on a {@link NetStack}, for any thread but the loop's. */
public final class Udp {
    private final NetStack stack;
    private final UdpEngine engine;

    Udp(NetStack stack, UdpEngine engine) {
        this.stack = stack;
        this.engine = engine;
    }

    /**
     * Takes a port, for talking to everybody over either family.
     *
     * @param port 1–65535, or 0 to let the stack choose
     * @throws NetException.AddressInUse if the port is taken
     * @throws NetException.LimitReached if there are too many sockets
     */
    public UdpSocket bind(int port) throws NetException {
        if (port < 0 || port > 0xffff) {
            throw new IllegalArgumentException("a port is within 0…65535, not " + port);
        }
        return stack.call(() -> engine.bind(port, null, 0));
    }

    /**
     * Takes any port, for talking to one peer only: datagrams of others are not for it, and what ICMP says about the peer comes out of
     * the next call.
     *
     * @throws NetException.LimitReached if there are too many sockets
     */
    public UdpSocket connect(IpAddress address, int port) throws NetException {
        if (port < 1 || port > 0xffff) {
            throw new IllegalArgumentException("a port is within 1…65535, not " + port);
        }
        return stack.call(() -> engine.bind(0, address, port));
    }
}
