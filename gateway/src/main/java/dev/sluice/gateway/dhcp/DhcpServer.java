package dev.sluice.gateway.dhcp;

import dev.sluice.gateway.dhcp.DhcpAnswer.Reason;
import dev.sluice.gateway.dhcp.DhcpAnswer.Returned;
import dev.sluice.gateway.dhcp.DhcpAnswer.Send;
import dev.sluice.gateway.dhcp.DhcpAnswer.Silence;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.SearchList;
import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.util.List;

/** The server's side of RFC 2131: a machine without I/O or clock. Confined to the loop; see the package. */
public final class DhcpServer {
    private static final Ipv4Address ANY = Ipv4Address.ANY;

    private final AddressPlan plan;
    private final DhcpSettings settings;
    private final int reservationLimit;
    private final LeaseTable table;
    private final SearchList search;
    private DhcpReplyOptions options;

    /**
     * Starts with all addresses free.
     *
     * @throws IllegalArgumentException if a search domain of the plan is no domain name
     */
    public DhcpServer(AddressPlan plan, DhcpSettings settings, Limits limits) {
        this(plan, settings, limits, SearchList.of(plan));
    }

    /** As above, with search domains that may change. */
    public DhcpServer(AddressPlan plan, DhcpSettings settings, Limits limits, SearchList search) {
        this(plan, settings, limits, search, (_, _) -> false);
    }

    /** As above; what others use is not given to clients (RFC 2131 §3.1). */
    public DhcpServer(
            AddressPlan plan, DhcpSettings settings, Limits limits, SearchList search, LeaseTable.Neighbours others) {
        this.plan = plan;
        this.settings = settings;
        this.reservationLimit = limits.guests();
        this.table = new LeaseTable(plan, limits.guests(), others);
        this.search = search;
        this.options = new DhcpReplyOptions(plan, settings, search);
    }

    /**
     * Gives guests other names from their next message on.
     *
     * @param domain the guests' domain; empty for none
     * @param searchDomains none for those of the host, where it is asked for them
     * @throws IllegalArgumentException if a search domain is no domain name; then nothing changes
     */
    public void names(String domain, List<String> searchDomains) {
        options = new DhcpReplyOptions(plan, settings, search.with(domain, searchDomains));
    }

    /** The leases, for status. */
    public LeaseTable table() {
        return table;
    }

    /**
     * Ties {@code address} to {@code mac} for good: it is offered to nobody else. What {@code mac} had before goes back to the pool.
     *
     * @param now nanoseconds of the clock that {@link #handle} gets
     * @return false if it is not a guest's address, somebody else has it, or {@code Limits.guests} are reserved
     */
    public boolean reserve(MacAddress mac, Ipv4Address address, long now) {
        return table.reserve(mac.bits(), address.bits(), reservationLimit, now);
    }

    /** Ends a reservation; a lease of a pool address that is under way goes on until its end. */
    public void unreserve(MacAddress mac, Ipv4Address address) {
        Binding binding = table.of(mac.bits());
        if (binding != null && binding.address == address.bits()) {
            table.unreserve(binding);
        }
    }

    /**
     * Answers one message.
     *
     * @param source the hardware address its frame came from
     * @param origin the link it came through, known by identity only
     * @param now nanoseconds of any monotonic clock
     */
    public DhcpAnswer handle(DhcpMessage message, MacAddress source, Object origin, long now) {
        if (message.operation() != DhcpMessage.BOOTREQUEST) {
            return new Silence(Reason.NOT_FOR_SERVERS);
        }
        if (!message.relayAddress().equals(ANY)
                || message.hardwareAddress().isGroup()
                || message.hardwareAddress().bits() == 0) {
            return new Silence(Reason.BAD_FIELDS);
        }
        if (!message.hardwareAddress().equals(source)) {
            return new Silence(Reason.SPOOFED);
        }
        return switch (message.type()) {
            case DhcpMessage.DISCOVER -> discover(message, source, origin, now);
            case DhcpMessage.REQUEST -> request(message, source, now);
            case DhcpMessage.DECLINE -> decline(message, now);
            case DhcpMessage.RELEASE -> release(message, now);
            case DhcpMessage.INFORM -> inform(message, source);
            default -> new Silence(Reason.NOT_FOR_SERVERS);
        };
    }

    private DhcpAnswer discover(DhcpMessage message, MacAddress source, Object origin, long now) {
        Binding binding =
                table.offer(message.hardwareAddress().bits(), message.options().requestedAddress(), origin, now);
        if (binding == null) {
            return new Silence(Reason.EXHAUSTED);
        }
        long seconds = leaseSeconds(message);
        // A client with a reservation may stop here: VPNKit's own Go client takes the offer and never requests.
        return send(message, DhcpMessage.OFFER, binding.address, ANY, seconds, binding, source, binding.reserved);
    }

    /** The four states of a client that requests, told apart as in RFC 2131 §4.3.2. */
    private DhcpAnswer request(DhcpMessage message, MacAddress source, long now) {
        Ipv4Address server = message.options().serverIdentifier();
        Ipv4Address requested = message.options().requestedAddress();
        Ipv4Address client = message.clientAddress();
        Binding known = table.of(message.hardwareAddress().bits());
        if (server != null) { // SELECTING
            if (!server.equals(plan.gateway())) {
                if (known != null && known.state == Lease.State.OFFERED) {
                    table.release(known, now);
                }
                return new Silence(Reason.OTHER_SERVER);
            }
            if (requested == null) {
                return new Silence(Reason.BAD_FIELDS);
            }
            return confirm(message, requested, source, "that address was not offered or is taken", now);
        }
        if (client.equals(ANY)) { // INIT-REBOOT
            if (requested == null) {
                return new Silence(Reason.BAD_FIELDS);
            }
            if (!plan.subnet().contains(requested)) {
                return refuse(message, "that address belongs to another network");
            }
            if (known == null && !settings.authoritative()) {
                return new Silence(Reason.NO_RECORD);
            }
            return confirm(message, requested, source, "that address is not yours", now);
        }
        // RENEWING or REBINDING: they differ in how the request was sent, not in the answer.
        return confirm(message, client, source, "that lease has ended or is somebody else's", now);
    }

    private DhcpAnswer confirm(
            DhcpMessage message, Ipv4Address address, MacAddress source, String otherwise, long now) {
        Binding binding = table.claim(message.hardwareAddress().bits(), address.bits(), now);
        if (binding == null) {
            return refuse(message, otherwise);
        }
        long seconds = leaseSeconds(message);
        table.bind(binding, seconds, now);
        String hostname = DhcpReplyOptions.hostname(message);
        binding.hostname = hostname != null ? hostname : binding.hostname;
        return send(message, DhcpMessage.ACK, binding.address, message.clientAddress(), seconds, binding, source, true);
    }

    private DhcpAnswer decline(DhcpMessage message, long now) {
        Binding binding = table.of(message.hardwareAddress().bits());
        Ipv4Address address = message.options().requestedAddress();
        if (address == null || !plan.gateway().equals(message.options().serverIdentifier())) {
            return new Silence(Reason.BAD_FIELDS);
        }
        if (binding == null || binding.address != address.bits() || !binding.holds(now)) {
            return new Silence(Reason.NO_RECORD);
        }
        table.decline(binding, now);
        return new Returned(message.hardwareAddress(), address, true);
    }

    private DhcpAnswer release(DhcpMessage message, long now) {
        Binding binding = table.of(message.hardwareAddress().bits());
        if (!plan.gateway().equals(message.options().serverIdentifier())) {
            return new Silence(Reason.BAD_FIELDS);
        }
        if (binding == null
                || binding.address != message.clientAddress().bits()
                || binding.state != Lease.State.BOUND) {
            return new Silence(Reason.NO_RECORD);
        }
        table.release(binding, now);
        return new Returned(message.hardwareAddress(), message.clientAddress(), false);
    }

    /** The client has an address from elsewhere and wants the rest (RFC 2131 §4.3.5): no lease, no times. */
    private DhcpAnswer inform(DhcpMessage message, MacAddress source) {
        if (!table.isGuestAddress(message.clientAddress().bits())) {
            return new Silence(Reason.BAD_FIELDS);
        }
        DhcpMessage reply = reply(
                message,
                ANY,
                message.clientAddress(),
                options.inform(message, table.of(message.hardwareAddress().bits())));
        return new Send(reply, message.clientAddress(), source, DhcpMessage.CLIENT_PORT, false);
    }

    private DhcpAnswer refuse(DhcpMessage message, String why) {
        DhcpMessage nak = reply(message, ANY, ANY, options.refuse(message, why));
        return new Send(nak, Ipv4Address.BROADCAST, MacAddress.BROADCAST, DhcpMessage.CLIENT_PORT, false);
    }

    private DhcpAnswer send(
            DhcpMessage message,
            int type,
            int address,
            Ipv4Address clientAddress,
            long seconds,
            Binding binding,
            MacAddress source,
            boolean binds) {
        Ipv4Address yours = new Ipv4Address(address);
        DhcpMessage reply = reply(message, yours, clientAddress, options.grant(message, type, seconds, binding));
        // RFC 2131 §4.1: to the address it has; else as the broadcast bit says.
        if (!clientAddress.equals(ANY)) {
            return new Send(reply, clientAddress, source, DhcpMessage.CLIENT_PORT, binds);
        }
        if (message.broadcast()) {
            return new Send(reply, Ipv4Address.BROADCAST, MacAddress.BROADCAST, DhcpMessage.CLIENT_PORT, binds);
        }
        return new Send(reply, yours, message.hardwareAddress(), DhcpMessage.CLIENT_PORT, binds);
    }

    /** RFC 2131 §4.3.1, table 3. */
    private DhcpMessage reply(DhcpMessage request, Ipv4Address yours, Ipv4Address client, DhcpOptions replyOptions) {
        boolean nak = replyOptions.messageType() == DhcpMessage.NAK;
        return new DhcpMessage(
                DhcpMessage.BOOTREPLY,
                0,
                request.transaction(),
                0,
                request.broadcast(),
                client,
                yours,
                nak ? ANY : plan.gateway(),
                ANY,
                request.hardwareAddress(),
                "",
                "",
                replyOptions);
    }

    private long leaseSeconds(DhcpMessage message) {
        long asked = message.options().number32(DhcpOptions.LEASE_TIME);
        return asked < 0
                ? settings.leaseSeconds()
                : Math.clamp(asked, DhcpSettings.MIN_LEASE_SECONDS, settings.leaseSeconds());
    }
}
