package dev.sluice.net;

import dev.sluice.loop.Timer;
import dev.sluice.net.ip.IpCounters;
import dev.sluice.net.ip.Ipv4Interface;
import dev.sluice.net.ip.Neighbour;
import dev.sluice.stack.ip.IcmpErrorWriter;
import dev.sluice.stack.ip.IcmpQuote;
import dev.sluice.stack.ip.RateLimiter;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.random.RandomGenerator;

/** ICMP on a {@link NetStack} (RFC 792, RFC 1122 §3.2.2): pings, answers to pings, and errors both ways. */
public final class Icmp {
    private static final int ERRORS_PER_SECOND = 10;
    private static final int ERROR_BURST = 10;
    /** Receivers of errors whose rate is remembered; the one that got none for longest is forgotten. */
    private static final int RECEIVERS = 256;

    private static final int PING_PAYLOAD = 56;

    /** One echo request under way. */
    private final class Ping extends Timer {
        final int identifier;
        final Ipv4Address address;
        final long sent;
        final Duration timeout;
        final CompletableFuture<Duration> answer;

        Ping(int identifier, Ipv4Address address, Duration timeout, long sent, CompletableFuture<Duration> answer) {
            this.identifier = identifier;
            this.address = address;
            this.timeout = timeout;
            this.sent = sent;
            this.answer = answer;
        }

        @Override
        protected void onTimer(long now) {
            end(this, new NetException.TimedOut(address + " did not answer to ping within " + Deadline.text(timeout)));
        }
    }

    private final NetStack stack;
    private final Ipv4Interface ip;
    private final IpCounters counters;
    private final NetLimits limits;
    private final RandomGenerator random;
    private final Map<Integer, Ping> pings = new HashMap<>();
    private final MemorySegment memory = Arena.ofAuto().allocate(Ipv4Interface.HEADROOM + 65_536L, 8);
    private final Map<Integer, RateLimiter> limiters = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, RateLimiter> eldest) {
            return size() > RECEIVERS;
        }
    };

    Icmp(NetStack stack, Ipv4Interface ip, NetCounters counters, NetLimits limits, RandomGenerator random) {
        this.stack = stack;
        this.ip = ip;
        this.counters = counters.ip;
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
    public Duration ping(Ipv4Address address, Duration timeout) throws NetException {
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

    private CompletableFuture<Duration> send(Ipv4Address address, Duration timeout) throws NetException {
        Neighbour to = ip.route(address.bits());
        if (to == null) {
            throw new NetException.Unreachable("no route to " + address, NetException.Unreachable.LOCAL);
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
        stack.loop().schedule(ping, now + Math.max(0, timeout.toNanos()));
        long at = Ipv4Interface.HEADROOM;
        int length = IcmpHeader.LENGTH + PING_PAYLOAD;
        memory.asSlice(at, length).fill((byte) 0x42);
        IcmpHeader.write(memory, at, IcmpHeader.ECHO_REQUEST, 0, identifier << 16 | 1);
        send(to, address.bits(), length);
        return answer;
    }

    private void send(Neighbour to, int destination, int length) {
        long at = Ipv4Interface.HEADROOM;
        IcmpHeader.updateChecksum(memory, at, length);
        ip.send(to, ip.address(), destination, Ipv4Header.PROTOCOL_ICMP, memory, at, length, Ipv4Interface.COMPLETE);
    }

    private void end(Ping ping, NetException how) {
        if (pings.remove(ping.identifier, ping)) {
            stack.loop().cancel(ping);
            ping.answer.completeExceptionally(how);
        }
    }

    /**
     * A message to this host or to everybody.
     *
     * @param unicast whether it was to this host only
     */
    void onMessage(MemorySegment s, long ipAt, long at, int length, boolean unicast, TcpEngine tcp, UdpEngine udp) {
        if (IcmpHeader.check(s, at, length) != Flaw.NONE) {
            counters.malformed++;
            return;
        }
        counters.icmpIn++;
        int source = Ipv4Header.source(s, ipAt);
        switch (IcmpHeader.type(s, at)) {
            case IcmpHeader.ECHO_REQUEST -> {
                if (unicast) {
                    answer(s, at, length, source); // to a broadcast nobody answers (RFC 1122 §3.2.2.6 allows it)
                }
            }
            case IcmpHeader.ECHO_REPLY -> onReply(s, at, source);
            case IcmpHeader.DESTINATION_UNREACHABLE, IcmpHeader.TIME_EXCEEDED -> {
                if (unicast) {
                    onError(s, at, length, tcp, udp);
                }
            }
            default -> {}
        }
    }

    private void answer(MemorySegment s, long at, int length, int source) {
        Neighbour to = ip.route(source);
        if (to == null) {
            counters.noRoute++;
            return;
        }
        counters.echoesAnswered++;
        long out = Ipv4Interface.HEADROOM;
        MemorySegment.copy(s, at, memory, out, length);
        memory.set(java.lang.foreign.ValueLayout.JAVA_BYTE, out, (byte) IcmpHeader.ECHO_REPLY);
        send(to, source, length);
    }

    private void onReply(MemorySegment s, long at, int source) {
        Ping ping = pings.get(IcmpHeader.identifier(s, at));
        if (ping != null && ping.address.bits() == source && IcmpHeader.sequence(s, at) == 1) {
            pings.remove(ping.identifier);
            stack.loop().cancel(ping);
            ping.answer.complete(Duration.ofNanos(System.nanoTime() - ping.sent));
        }
    }

    private void onError(MemorySegment s, long at, int length, TcpEngine tcp, UdpEngine udp) {
        long quote = at + IcmpHeader.LENGTH;
        if (IcmpQuote.check(s, quote, length - IcmpHeader.LENGTH) != Flaw.NONE
                || Ipv4Header.source(s, quote) != ip.address()) {
            counters.malformed++;
            return;
        }
        int type = IcmpHeader.type(s, at);
        int code = IcmpHeader.code(s, at);
        switch (Ipv4Header.protocol(s, quote)) {
            case Ipv4Header.PROTOCOL_TCP -> tcp.onError(type, code, IcmpHeader.sequence(s, at), s, quote);
            case Ipv4Header.PROTOCOL_UDP -> udp.onError(type, code, s, quote);
            case Ipv4Header.PROTOCOL_ICMP -> {
                Ping ping = pings.get(IcmpQuote.echoIdentifier(s, quote));
                if (ping != null && ping.address.bits() == Ipv4Header.destination(s, quote)) {
                    end(
                            ping,
                            new NetException.Unreachable(
                                    ping.address + " is unreachable: " + reason(type, code), code));
                }
            }
            default -> {}
        }
    }

    /** Tells the sender of a packet that it went nowhere, unless that is forbidden or it heard enough. */
    void sendError(
            int type,
            int code,
            MemorySegment packet,
            long ipAt,
            int length,
            boolean linkBroadcast,
            int broadcast,
            long now) {
        if (!IcmpErrorWriter.mayAnswer(packet, ipAt, length, broadcast, linkBroadcast)) {
            return;
        }
        int source = Ipv4Header.source(packet, ipAt);
        RateLimiter limiter =
                limiters.computeIfAbsent(source, _ -> new RateLimiter(ERRORS_PER_SECOND, ERROR_BURST, now));
        Neighbour to = limiter.allow(now) ? ip.route(source) : null;
        if (to == null) {
            counters.icmpErrorsSuppressed++;
            return;
        }
        counters.icmpErrorsOut++;
        int written = IcmpErrorWriter.write(memory, Ipv4Interface.HEADROOM, type, code, 0, packet, ipAt, length);
        ip.send(
                to,
                ip.address(),
                source,
                Ipv4Header.PROTOCOL_ICMP,
                memory,
                Ipv4Interface.HEADROOM,
                written,
                Ipv4Interface.COMPLETE);
    }

    /** Pings through a neighbour that is not there end. */
    void onUnreachable(Neighbour neighbour) {
        for (Ping ping : new ArrayList<>(pings.values())) {
            Neighbour way = ip.route(ping.address.bits());
            if (way != null && way.address() == neighbour.address()) {
                end(
                        ping,
                        new NetException.Unreachable(
                                ping.address + " is unreachable: " + new Ipv4Address(neighbour.address())
                                        + " does not answer on this link",
                                NetException.Unreachable.LOCAL));
            }
        }
    }

    void close() {
        for (Ping ping : new ArrayList<>(pings.values())) {
            end(ping, TcpEngine.STACK_CLOSED.exception());
        }
    }
}
