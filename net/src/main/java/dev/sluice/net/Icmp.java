package dev.sluice.net;

import dev.sluice.loop.Timer;
import dev.sluice.net.ip.IpInterface;
import dev.sluice.net.ip.LocalAddress;
import dev.sluice.net.ip.Neighbour;
import dev.sluice.stack.ip.IcmpError;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.IpAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;

/** Pings from a {@link NetStack} (RFC 792, RFC 4443 §4). */
public final class Icmp {
    private static final int PING_PAYLOAD = 56;
    private static final int SEQUENCE = 1;

    /** One echo request under way. */
    private final class Ping extends Timer {
        final int identifier;
        final IpAddress address;
        final long sent;
        final Duration timeout;
        final CompletableFuture<Duration> answer;

        Ping(int identifier, IpAddress address, Duration timeout, long sent, CompletableFuture<Duration> answer) {
            this.identifier = identifier;
            this.address = address;
            this.timeout = timeout;
            this.sent = sent;
            this.answer = answer;
        }

        boolean isTo(long high, long low) {
            return address.high() == high && address.low() == low;
        }

        @Override
        protected void onTimer(long now) {
            end(this, new NetException.TimedOut(address + " did not answer to ping within " + Deadline.text(timeout)));
        }
    }

    private final NetStack stack;
    private final IpInterface ip;
    private final NetLimits limits;
    private final RandomGenerator random;
    private final Map<Integer, Ping> pings = new HashMap<>();
    private final MemorySegment memory =
            Arena.ofAuto().allocate(IpInterface.HEADROOM + IcmpHeader.LENGTH + PING_PAYLOAD, 8);

    Icmp(NetStack stack, IpInterface ip, NetLimits limits, RandomGenerator random) {
        this.stack = stack;
        this.ip = ip;
        this.limits = limits;
        this.random = random;
    }

    /**
     * Sends one echo request and waits for the answer; on any thread but the loop's.
     *
     * @return the round-trip time
     * @throws NetException.TimedOut if no answer came within {@code timeout}
     * @throws NetException.Unreachable if there is no way there
     */
    public Duration ping(IpAddress address, Duration timeout) throws NetException {
        CompletableFuture<Duration> answer = stack.call(() -> send(address, timeout));
        return stack.await(answer);
    }

    /** What an ICMP error means, in words. */
    static String reason(int type, int code) {
        if (type == IcmpHeader.TIME_EXCEEDED) {
            return "the packet was on its way for too long";
        }
        return switch (code) {
            case IcmpHeader.NET_UNREACHABLE -> "a router knows no way to that network";
            case IcmpHeader.HOST_UNREACHABLE -> "its router cannot reach it";
            case IcmpHeader.PROTOCOL_UNREACHABLE -> "it does not speak that protocol";
            case IcmpHeader.PORT_UNREACHABLE -> "nobody uses that port";
            case 9, 10, IcmpHeader.ADMINISTRATIVELY_PROHIBITED -> "a firewall forbids it";
            default -> "ICMP type " + type + ", code " + code;
        };
    }

    // ---- on the loop

    private CompletableFuture<Duration> send(IpAddress address, Duration timeout) throws NetException {
        long high = address.high();
        long low = address.low();
        Neighbour to = ip.route(high, low);
        LocalAddress own = ip.source(high, low);
        if (to == null || own == null) {
            throw stack.noRoute(address);
        }
        if (pings.size() >= limits.pings()) {
            throw new NetException.LimitReached(limits.pings() + " pings are under way already; wait for some");
        }
        int identifier = random.nextInt(0x10000);
        while (pings.containsKey(identifier)) {
            identifier = identifier + 1 & 0xffff;
        }
        long now = stack.loop().now();
        CompletableFuture<Duration> answer = new CompletableFuture<>();
        Ping ping = new Ping(identifier, address, timeout, System.nanoTime(), answer);
        pings.put(identifier, ping);
        stack.loop().schedule(ping, now + Deadline.nanos(timeout));
        long at = IpInterface.HEADROOM;
        int length = IcmpHeader.LENGTH + PING_PAYLOAD;
        memory.asSlice(at, length).fill((byte) 0x42);
        int type = own.isIpv4() ? IcmpHeader.ECHO_REQUEST : Icmpv6Header.ECHO_REQUEST;
        IcmpHeader.write(memory, at, type, 0, identifier << 16 | SEQUENCE);
        stack.icmpEngine().send(to, own.high, own.low, high, low, memory, length);
        return answer;
    }

    private void end(Ping ping, NetException how) {
        if (pings.remove(ping.identifier, ping)) {
            stack.loop().cancel(ping);
            ping.answer.completeExceptionally(how);
        }
    }

    /** An echo reply at {@code at}. */
    void onReply(long high, long low, MemorySegment s, long at) {
        Ping ping = pings.get(IcmpHeader.identifier(s, at));
        if (ping != null
                && (ping.isTo(high, low) || !ip.isUnicast(ping.address.high(), ping.address.low()))
                && IcmpHeader.sequence(s, at) == SEQUENCE) {
            pings.remove(ping.identifier);
            stack.loop().cancel(ping);
            ping.answer.complete(Duration.ofNanos(System.nanoTime() - ping.sent));
        }
    }

    /** An error about an echo message of ours to {@code high}, {@code low}. */
    void onError(IcmpError error, MemorySegment s, long high, long low) {
        Ping ping = pings.get(error.echoIdentifier(s));
        if (ping != null && ping.isTo(high, low)) {
            String message = ping.address + " is unreachable: " + reason(error.type, error.code);
            end(ping, new NetException.Unreachable(message, error.code));
        }
    }

    /** Pings through a neighbour that is not there end. */
    void onUnreachable(Neighbour neighbour) {
        for (Ping ping : new ArrayList<>(pings.values())) {
            Neighbour way = ip.route(ping.address.high(), ping.address.low());
            if (way != null && way.address().equals(neighbour.address())) {
                end(
                        ping,
                        new NetException.Unreachable(
                                ping.address + " is unreachable: " + neighbour.address()
                                        + " does not answer on this link",
                                NetException.Unreachable.LOCAL));
            }
        }
    }

    void close(Failure why) {
        for (Ping ping : new ArrayList<>(pings.values())) {
            end(ping, why.exception());
        }
    }
}
