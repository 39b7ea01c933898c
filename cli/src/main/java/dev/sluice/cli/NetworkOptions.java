package dev.sluice.cli;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.wire.Ipv4Cidr;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The options that every network has. */
final class NetworkOptions {
    @Option(
            names = "--cidr",
            paramLabel = "NETWORK",
            converter = CidrConverter.class,
            description = "The guest network; gateway and DNS are its .1, the host .2, guests start at .3"
                    + " (default: 192.168.65.0/24, or the next free one of a short list).")
    @Nullable
    Ipv4Cidr cidr;

    @Option(
            names = "--pcap",
            paramLabel = "FILE",
            description = "Write every frame of the guest network to FILE, for tcpdump and Wireshark.")
    @Nullable
    Path pcap;

    @Option(
            names = {"-v", "--verbose"},
            description = "Say more on standard error.")
    boolean verbose;

    /**
     * The addresses, checked and free on this host.
     *
     * @param mtu of the guest network
     */
    AddressPlan plan(int mtu, boolean hostLoopback) {
        if (verbose) {
            Console.beVerbose();
        }
        checkMtu(mtu);
        Ipv4Cidr subnet = SubnetChoice.choose(cidr, HostRoutes.read(), Console::say);
        try {
            return AddressPlan.of(subnet, mtu, hostLoopback);
        } catch (IllegalArgumentException e) {
            throw Failure.usage("--cidr " + subnet + ": " + e.getMessage());
        }
    }

    private static void checkMtu(int mtu) {
        if (mtu < AddressPlan.MIN_MTU || mtu > AddressPlan.MAX_MTU) {
            throw Failure.usage("--mtu " + mtu + ": an MTU is within " + AddressPlan.MIN_MTU + "…" + AddressPlan.MAX_MTU
                    + " bytes");
        }
    }

    /** Reads networks for picocli. */
    static final class CidrConverter implements ITypeConverter<Ipv4Cidr> {
        @Override
        public Ipv4Cidr convert(String text) {
            try {
                return Ipv4Cidr.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** Reads published ports for picocli. */
    static final class PortConverter implements ITypeConverter<PublishedPort> {
        @Override
        public PublishedPort convert(String text) {
            try {
                return PublishedPort.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
