package dev.sluice.gateway.dhcp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.SearchList;
import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.Ipv4Address;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which options a reply carries, and in which order (RFC 2131 §4.3.1, RFC 2132). */
final class DhcpReplyOptions {
    /** What a client that does not say what it wants gets. */
    private static final List<Integer> USUAL = List.of(
            DhcpOptions.ROUTER,
            DhcpOptions.DNS_SERVERS,
            DhcpOptions.INTERFACE_MTU,
            DhcpOptions.BROADCAST_ADDRESS,
            DhcpOptions.DOMAIN_NAME,
            DhcpOptions.DOMAIN_SEARCH);

    private final AddressPlan plan;
    private final DhcpSettings settings;
    private final SearchList search;

    /** @throws IllegalArgumentException if a search domain of the network's own is no domain name */
    DhcpReplyOptions(AddressPlan plan, DhcpSettings settings, SearchList search) {
        this.plan = plan;
        this.settings = settings;
        this.search = search;
        if (!search.own().isEmpty()) {
            DhcpOptions.builder().domainSearch(search.own()).build();
        }
    }

    /** For OFFER and ACK. */
    DhcpOptions grant(DhcpMessage request, int type, long seconds, Binding binding) {
        DhcpOptions.Builder out = begin(request, type)
                .number32(DhcpOptions.LEASE_TIME, seconds)
                .number32(DhcpOptions.RENEWAL_TIME, seconds / 2)
                .number32(DhcpOptions.REBINDING_TIME, seconds * 7 / 8);
        return configuration(out, request, binding).build();
    }

    /** For the ACK to an INFORM: neither times nor an address. */
    DhcpOptions inform(DhcpMessage request, @Nullable Binding binding) {
        return configuration(begin(request, DhcpMessage.ACK), request, binding).build();
    }

    /** For NAK. */
    DhcpOptions refuse(DhcpMessage request, String why) {
        return begin(request, DhcpMessage.NAK).text(DhcpOptions.MESSAGE, why).build();
    }

    private DhcpOptions.Builder begin(DhcpMessage request, int type) {
        DhcpOptions.Builder out =
                DhcpOptions.builder().messageType(type).address(DhcpOptions.SERVER_IDENTIFIER, plan.gateway());
        byte[] client = request.options().raw(DhcpOptions.CLIENT_IDENTIFIER);
        // RFC 6842: what the client calls itself comes back unchanged.
        return client == null || client.length > 255 ? out : out.raw(DhcpOptions.CLIENT_IDENTIFIER, client);
    }

    private DhcpOptions.Builder configuration(DhcpOptions.Builder out, DhcpMessage request, @Nullable Binding binding) {
        // The mask always, and before the router (RFC 2132 §3.3).
        out.address(DhcpOptions.SUBNET_MASK, new Ipv4Address(plan.subnet().mask()));
        List<Integer> wanted = request.options().parameterRequestList();
        for (int code : wanted.isEmpty() ? USUAL : wanted) {
            add(out, code, binding);
        }
        return out;
    }

    private void add(DhcpOptions.Builder out, int code, @Nullable Binding binding) {
        switch (code) {
            case DhcpOptions.ROUTER ->
                out.address(code, settings.router() == null ? plan.gateway() : settings.router());
            case DhcpOptions.DNS_SERVERS -> addresses(out, code, settings.dns());
            case DhcpOptions.NTP_SERVERS -> addresses(out, code, settings.ntp());
            case DhcpOptions.INTERFACE_MTU -> out.number16(code, plan.mtu());
            case DhcpOptions.BROADCAST_ADDRESS ->
                out.address(code, plan.subnet().broadcast());
            case DhcpOptions.DOMAIN_NAME -> text(out, code, search.domain());
            case DhcpOptions.HOST_NAME ->
                text(out, code, binding == null || binding.hostname == null ? "" : binding.hostname);
            case DhcpOptions.DOMAIN_SEARCH -> {
                List<String> domains = search.domains();
                if (!domains.isEmpty()) {
                    out.domainSearch(domains);
                }
            }
            default -> {}
        }
    }

    private static void addresses(DhcpOptions.Builder out, int code, List<Ipv4Address> addresses) {
        if (!addresses.isEmpty()) {
            out.address(code, addresses.toArray(new Ipv4Address[0]));
        }
    }

    private static void text(DhcpOptions.Builder out, int code, String text) {
        if (!text.isEmpty()) {
            out.text(code, text);
        }
    }

    /** The client's name for itself, if it is a host name; else null. */
    static @Nullable String hostname(DhcpMessage request) {
        String name = request.options().text(DhcpOptions.HOST_NAME);
        return name != null && name.matches("[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?") ? name : null;
    }
}
