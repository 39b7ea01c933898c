package dev.sluice.fuzz;

import dev.sluice.control.vpnkit.PortSpec;
import dev.sluice.gateway.dns.DnsServer;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.host.ResolverConfig;
import dev.sluice.link.LinkUrl;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.MacAddress;
import java.nio.charset.StandardCharsets;

/** What people and programs write: addresses, networks, name servers, forwards. Refused with an {@link IllegalArgumentException}, or the same when written. */
public final class Texts {
    private Texts() {}

    /** The first byte says as what the rest is read. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        int kind = input.u8() % 11;
        String text = new String(input.rest(), StandardCharsets.ISO_8859_1);
        try {
            switch (kind) {
                case 0 ->
                    same(
                            Ipv4Address.parse(text),
                            Ipv4Address.parse(Ipv4Address.parse(text).toString()));
                case 1 ->
                    same(
                            Ipv6Address.parse(text),
                            Ipv6Address.parse(Ipv6Address.parse(text).toString()));
                case 2 ->
                    same(
                            MacAddress.parse(text),
                            MacAddress.parse(MacAddress.parse(text).toString()));
                case 3 ->
                    same(
                            Ipv4Cidr.parse(text),
                            Ipv4Cidr.parse(Ipv4Cidr.parse(text).toString()));
                case 4 ->
                    same(
                            Ipv6Cidr.parse(text),
                            Ipv6Cidr.parse(Ipv6Cidr.parse(text).toString()));
                case 7 ->
                    same(
                            DnsServer.parse(text),
                            DnsServer.parse(DnsServer.parse(text).toString()));
                case 8 ->
                    same(
                            GatewayForward.parse(text),
                            GatewayForward.parse(GatewayForward.parse(text).toString()));
                case 9 ->
                    same(
                            PortSpec.parse(text),
                            PortSpec.parse(PortSpec.parse(text).toString()));
                case 10 -> ResolverConfig.parse(text);
                case 5 -> Memory.require(!LinkUrl.parse(text).toString().isEmpty(), "it has a text");
                default -> Memory.require(!ForwardSyntax.parse(text).isEmpty(), "it says something");
            }
        } catch (IllegalArgumentException e) {
            // Refused.
        }
    }

    private static void same(Object first, Object second) {
        Memory.require(first.equals(second), first + " is read as " + second);
    }
}
