package dev.sluice.gateway;

import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.IcmpErrors;
import dev.sluice.gateway.icmp.EchoFlows;
import dev.sluice.gateway.tcp.TcpFlows;
import dev.sluice.gateway.udp.UdpFlows;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;

/** What both families' packets have in common above their headers: checks the transport and hands it to its protocol. */
final class TransportInput {
    private final Counters counters;
    private final IcmpErrors errors;
    private final TcpFlows tcp;
    private final UdpFlows udp;
    private final EchoFlows echo;
    private final GuestErrors reports;

    TransportInput(
            Counters counters, IcmpErrors errors, TcpFlows tcp, UdpFlows udp, EchoFlows echo, GuestErrors reports) {
        this.counters = counters;
        this.errors = errors;
        this.tcp = tcp;
        this.udp = udp;
        this.echo = echo;
        this.reports = reports;
    }

    /**
     * A whole packet whose header has been checked, from a guest that may send it, to somebody the gateway answers for.
     *
     * @param ip where its IP header starts, which gives the addresses
     * @param protocol of the bytes from {@code at}
     * @param trusted whether the transport checksum needs no check
     */
    void onPacket(Guest guest, MemorySegment s, long ip, int protocol, long at, int length, boolean trusted, long now) {
        switch (protocol) {
            case Ipv4Header.PROTOCOL_TCP -> {
                if (TcpHeader.check(s, at, length) != Flaw.NONE) {
                    counters.drop(Drop.BAD_TCP);
                } else if (!trusted && !IpHeader.checksumOk(s, ip, protocol, at, length)) {
                    counters.drop(Drop.BAD_TCP_CHECKSUM);
                } else {
                    tcp.onSegment(guest, s, ip, at, length, now);
                }
            }
            case Ipv4Header.PROTOCOL_UDP -> {
                if (UdpHeader.check(s, at, length) != Flaw.NONE) {
                    counters.drop(Drop.BAD_UDP);
                } else if (!trusted && !IpHeader.udpChecksumOk(s, ip, at)) {
                    counters.drop(Drop.BAD_UDP_CHECKSUM);
                } else {
                    udp.onDatagram(guest, s, ip, at, UdpHeader.length(s, at), now);
                }
            }
            default -> {
                if (protocol == (guest.isIpv4() ? Ipv4Header.PROTOCOL_ICMP : Ipv6Header.ICMPV6)) {
                    if (!reports.onMessage(guest, s, ip, at, length, now)) {
                        echo.onMessage(guest, s, ip, at, length, now);
                    }
                    return;
                }
                counters.drop(Drop.UNKNOWN_PROTOCOL);
                errors.send(
                        guest,
                        IcmpHeader.DESTINATION_UNREACHABLE,
                        IcmpHeader.PROTOCOL_UNREACHABLE,
                        s,
                        ip,
                        (int) (at - ip) + length);
            }
        }
    }

    /** A UDP super-datagram of a guest's kernel: each {@code size} bytes of payload are a datagram, its header goes in front. */
    void onSuperDatagram(Guest guest, MemorySegment s, long ip, int protocol, long at, int length, int size, long now) {
        if (protocol != Ipv4Header.PROTOCOL_UDP || length < UdpHeader.LENGTH) {
            counters.drop(Drop.BAD_UDP);
            return;
        }
        int sourcePort = UdpHeader.sourcePort(s, at);
        int destinationPort = UdpHeader.destinationPort(s, at);
        for (int from = UdpHeader.LENGTH; from < length; from += size) {
            int piece = UdpHeader.LENGTH + Math.min(size, length - from);
            long datagram = at + from - UdpHeader.LENGTH; // over the end of the one before, which is done with
            UdpHeader.write(s, datagram, sourcePort, destinationPort, piece);
            udp.onDatagram(guest, s, ip, datagram, piece, now);
        }
    }
}
