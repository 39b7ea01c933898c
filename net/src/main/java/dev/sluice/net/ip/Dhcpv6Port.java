package dev.sluice.net.ip;

import dev.sluice.loop.Timer;
import dev.sluice.stack.dhcp6.Dhcpv6Client;
import dev.sluice.wire.Dhcpv6Reply;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.NdpMessage;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Carries a host's DHCPv6 client: its messages and its time. Made when a router first says that there is something to ask for. Confined to the loop. */
final class Dhcpv6Port {
    private static final int LONGEST = 1024;

    private final Ipv6Interface ip;
    private final HostLink link;
    private final IpCounters counters;
    private final Dhcpv6Client client;
    private final MemorySegment memory = Arena.ofAuto().allocate(IpInterface.HEADROOM + LONGEST, 8);

    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long now) {
            done(client.onTimer(now));
        }
    };

    Dhcpv6Port(Ipv6Interface ip, HostLink link, IpCounters counters, RandomGenerator random) {
        this.ip = ip;
        this.link = link;
        this.counters = counters;
        this.client = new Dhcpv6Client(new MacAddress(link.mac()), random);
    }

    /** What a router says is to be had (RFC 4861 §4.2); one that no longer says so takes nothing back. */
    void onRouter(int flags, long now) {
        if ((flags & NdpMessage.MANAGED) != 0) {
            client.seekAddress(now);
        } else if ((flags & NdpMessage.OTHER) != 0) {
            client.seekSettings(now);
        }
        schedule();
    }

    /** The payload of a datagram whose checksum has been found right. */
    void onMessage(MemorySegment s, long at, int length, long now) {
        if (length >= 4 && !client.awaits(Dhcpv6Reply.transaction(s, at))) {
            return; // whoever says whatever costs no more than this
        }
        Dhcpv6Reply reply = Dhcpv6Reply.parse(s, at, length);
        if (reply == null) {
            counters.malformed++;
        } else {
            done(client.onMessage(reply, now));
        }
    }

    /** Somebody else has an address that was given. */
    void onDuplicate(Ipv6Address address, long now) {
        done(client.onDuplicate(address, now));
    }

    private void done(byte @Nullable [] message) {
        send(message);
        ip.reconcile();
        schedule();
    }

    private void schedule() {
        long deadline = client.deadline();
        if (deadline == Long.MAX_VALUE) {
            link.loop.cancel(timer);
        } else {
            link.loop.schedule(timer, deadline);
        }
    }

    private void send(byte @Nullable [] message) {
        Ipv6Address to = Dhcpv6Client.SERVERS;
        Neighbour servers = ip.route(to.high(), to.low());
        LocalAddress own = ip.source(to.high(), to.low());
        if (message == null || servers == null || own == null || message.length > LONGEST - UdpHeader.LENGTH) {
            return;
        }
        long at = IpInterface.HEADROOM;
        int length = UdpHeader.LENGTH + message.length;
        UdpHeader.write(memory, at, Dhcpv6Client.CLIENT_PORT, Dhcpv6Client.SERVER_PORT, length);
        MemorySegment.copy(message, 0, memory, ValueLayout.JAVA_BYTE, at + UdpHeader.LENGTH, message.length);
        ip.send(
                servers,
                own.high,
                own.low,
                to.high(),
                to.low(),
                Ipv4Header.PROTOCOL_UDP,
                memory,
                at,
                length,
                UdpHeader.CHECKSUM);
    }

    List<Dhcpv6Client.Leased> addresses() {
        return client.addresses();
    }

    Dhcpv6Reply.Settings settings() {
        return client.settings();
    }

    /** Gives back what it holds. */
    void close() {
        link.loop.cancel(timer);
        send(client.stop());
    }
}
