package dev.sluice.cli;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.link.LinkUrl;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The pieces of one guest network, wired by hand: gateway, links, capture, published ports, control socket. */
final class GuestNetwork implements AutoCloseable {
    private final AddressPlan plan;

    private GuestNetwork(AddressPlan plan) {
        this.plan = plan;
    }

    /**
     * Starts the gateway.
     *
     * @param pcap where to write every frame; null for nowhere
     * @throws IOException saying what failed and what to do; nothing is left behind
     */
    static GuestNetwork start(AddressPlan plan, @Nullable Path pcap) throws IOException {
        return new GuestNetwork(plan);
    }

    /** Serves a TAP interface; owns its descriptor from now on, also if this throws. */
    void attach(OpenTap tap, String name) throws IOException {
        throw new IOException("not there yet");
    }

    /** Opens a place where guests connect; {@code ended} is called if it is one that can end, and does. */
    void listen(LinkUrl url, Runnable ended) throws IOException {
        throw new IOException("not there yet");
    }

    /** Opens ports of the host that lead to {@code guest}. */
    void publish(List<PublishedPort> ports, Ipv4Address guest) throws IOException {
        if (!ports.isEmpty()) {
            throw new IOException("not there yet");
        }
    }

    /** What a guest without DHCP needs as its /etc/resolv.conf. */
    static String resolvConf(AddressPlan plan) {
        return "nameserver " + plan.gateway() + "\n";
    }

    @Override
    public void close() {}
}
