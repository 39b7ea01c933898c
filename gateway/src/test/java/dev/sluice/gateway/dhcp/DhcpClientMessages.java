package dev.sluice.gateway.dhcp;

import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import org.jspecify.annotations.Nullable;

/** The messages of RFC 2131's table 5, as clients send them. */
final class DhcpClientMessages {
    static final Ipv4Address GATEWAY = Ipv4Address.parse("192.168.65.1");
    static final Ipv4Address ANY = Ipv4Address.ANY;

    private DhcpClientMessages() {}

    static MacAddress mac(int n) {
        return new MacAddress(0x0250_0000_0000L + n);
    }

    static Ipv4Address ip(String text) {
        return Ipv4Address.parse(text);
    }

    static DhcpMessage message(
            MacAddress mac, boolean broadcast, Ipv4Address client, Ipv4Address relay, DhcpOptions options) {
        return new DhcpMessage(
                DhcpMessage.BOOTREQUEST, 0, 0x1234_5678, 3, broadcast, client, ANY, ANY, relay, mac, "", "", options);
    }

    static DhcpOptions.Builder type(int type) {
        return DhcpOptions.builder().messageType(type);
    }

    private static DhcpOptions.Builder wanting(DhcpOptions.Builder options, int code, @Nullable Ipv4Address address) {
        return address == null ? options : options.address(code, address);
    }

    static DhcpMessage discover(MacAddress mac, @Nullable Ipv4Address wanted) {
        return message(
                mac,
                false,
                ANY,
                ANY,
                wanting(type(DhcpMessage.DISCOVER), DhcpOptions.REQUESTED_ADDRESS, wanted)
                        .build());
    }

    static DhcpMessage selecting(MacAddress mac, Ipv4Address server, @Nullable Ipv4Address address) {
        return message(
                mac,
                false,
                ANY,
                ANY,
                wanting(type(DhcpMessage.REQUEST), DhcpOptions.REQUESTED_ADDRESS, address)
                        .address(DhcpOptions.SERVER_IDENTIFIER, server)
                        .build());
    }

    static DhcpMessage rebooting(MacAddress mac, @Nullable Ipv4Address address) {
        return message(
                mac,
                false,
                ANY,
                ANY,
                wanting(type(DhcpMessage.REQUEST), DhcpOptions.REQUESTED_ADDRESS, address)
                        .build());
    }

    static DhcpMessage renewing(MacAddress mac, Ipv4Address address) {
        return message(mac, false, address, ANY, type(DhcpMessage.REQUEST).build());
    }

    static DhcpMessage decline(MacAddress mac, Ipv4Address address) {
        return message(
                mac,
                false,
                ANY,
                ANY,
                type(DhcpMessage.DECLINE)
                        .address(DhcpOptions.REQUESTED_ADDRESS, address)
                        .address(DhcpOptions.SERVER_IDENTIFIER, GATEWAY)
                        .build());
    }

    static DhcpMessage release(MacAddress mac, Ipv4Address address) {
        return message(
                mac,
                false,
                address,
                ANY,
                type(DhcpMessage.RELEASE)
                        .address(DhcpOptions.SERVER_IDENTIFIER, GATEWAY)
                        .build());
    }

    static DhcpMessage inform(MacAddress mac, Ipv4Address address) {
        return message(mac, false, address, ANY, type(DhcpMessage.INFORM).build());
    }
}
