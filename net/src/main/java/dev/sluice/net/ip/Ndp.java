package dev.sluice.net.ip;

import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.NdpMessage;
import org.jspecify.annotations.Nullable;

/** Sends a host's neighbour discovery messages (RFC 4861 §4, RFC 4862 §5.4.2). Confined to the loop. */
final class Ndp implements NeighbourProtocol {
    private static final int LONGEST = NdpMessage.NEIGHBOUR_LENGTH + NdpMessage.LINK_ADDRESS_LENGTH;

    private final Ipv6Addresses addresses;
    private final long mac;
    private final Icmpv6Sender sender;

    Ndp(HostLink link, Ipv6Addresses addresses) {
        this.addresses = addresses;
        this.mac = link.mac();
        this.sender = new Icmpv6Sender(link, LONGEST);
    }

    @Override
    public void ask(long high, long low, long to) {
        LocalAddress source = addresses.source(high, low);
        if (source == null) {
            return;
        }
        int n = NdpMessage.writeNeighbour(
                sender.memory(), Icmpv6Sender.MESSAGE_AT, Icmpv6Header.NEIGHBOUR_SOLICITATION, 0, high, low, mac);
        if (to == 0) {
            toSolicitedNode(source.high, source.low, high, low, n);
        } else {
            sender.send(to, NdpMessage.HOP_LIMIT, source.high, source.low, high, low, n);
        }
    }

    @Override
    public void probe(long high, long low) {
        int n = NdpMessage.writeDetection(sender.memory(), Icmpv6Sender.MESSAGE_AT, high, low);
        toSolicitedNode(0, 0, high, low, n);
    }

    private void toSolicitedNode(long sourceHigh, long sourceLow, long high, long low, int length) {
        Ipv6Address group = new Ipv6Address(high, low).solicitedNode();
        long to = Icmpv6Sender.groupMac(group.low());
        sender.send(to, NdpMessage.HOP_LIMIT, sourceHigh, sourceLow, group.high(), group.low(), length);
    }

    /** Tells routers, which will soon need it, but overrides nothing (RFC 9131 §6.1). */
    @Override
    public void announce(long high, long low) {
        toGroup(Ipv6Address.ALL_ROUTERS, 0, high, low);
    }

    /** Tells everybody that {@code high}, {@code low} is here. */
    void defend(long high, long low) {
        toGroup(Ipv6Address.ALL_NODES, NdpMessage.OVERRIDE, high, low);
    }

    private void toGroup(Ipv6Address group, int flags, long high, long low) {
        int n = advertisement(flags, high, low);
        sender.send(Icmpv6Sender.groupMac(group.low()), NdpMessage.HOP_LIMIT, high, low, group.high(), group.low(), n);
    }

    /** Answers a solicitation for an address of ours. */
    void answer(long to, long high, long low, long targetHigh, long targetLow) {
        int n = advertisement(NdpMessage.SOLICITED | NdpMessage.OVERRIDE, targetHigh, targetLow);
        sender.send(to, NdpMessage.HOP_LIMIT, targetHigh, targetLow, high, low, n);
    }

    private int advertisement(int flags, long high, long low) {
        return NdpMessage.writeNeighbour(
                sender.memory(), Icmpv6Sender.MESSAGE_AT, Icmpv6Header.NEIGHBOUR_ADVERTISEMENT, flags, high, low, mac);
    }

    /** Asks routers to show themselves (RFC 4861 §6.3.7). */
    void solicitRouters(@Nullable LocalAddress source) {
        int n = NdpMessage.writeSolicitation(sender.memory(), Icmpv6Sender.MESSAGE_AT, source == null ? 0 : mac);
        Ipv6Address group = Ipv6Address.ALL_ROUTERS;
        sender.send(
                Icmpv6Sender.groupMac(group.low()),
                NdpMessage.HOP_LIMIT,
                source == null ? 0 : source.high,
                source == null ? 0 : source.low,
                group.high(),
                group.low(),
                n);
    }
}
