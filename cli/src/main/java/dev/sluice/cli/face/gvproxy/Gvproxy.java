package dev.sluice.cli.face.gvproxy;

import dev.sluice.cli.face.Face;
import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.cli.network.Signals;
import dev.sluice.cli.view.FileTrouble;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.dhcp.DhcpSettings;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** {@code gvproxy}: a network for virtual machines, with the addresses and the ways of gvproxy. */
public final class Gvproxy implements Face {
    private static final String NAME = "gvproxy";
    private static final String VERSION = "gvproxy version v0.8.7+sluice";
    private static final long LEASE_SECONDS = 3600;
    private static final Ipv4Cidr LINK_LOCAL = Ipv4Cidr.parse("169.254.0.0/16");
    private static final int FAILED = 1;
    private static final int USAGE = 2;

    private final Runnable beVerbose;

    /** @param beVerbose turns on what {@code -debug} asks for */
    public Gvproxy(Runnable beVerbose) {
        this.beVerbose = beVerbose;
    }

    @Override
    public int call(List<String> arguments) throws IOException {
        Configuration configuration;
        try {
            configuration = Configuration.read(arguments);
            if (configuration == null) {
                System.err.print(Configuration.usage(NAME));
                return 0;
            }
            if (configuration.version) {
                System.out.println(VERSION);
                return 0;
            }
            configuration.complete();
        } catch (GoFlags.Mistake e) {
            System.err.println(e.getMessage());
            System.err.print(Configuration.usage(NAME));
            return USAGE;
        } catch (IllegalArgumentException e) {
            return failed(String.valueOf(e.getMessage()));
        }
        if (configuration.debug) {
            beVerbose.run();
        }
        try {
            serve(configuration);
            return 0;
        } catch (IOException e) {
            return failed(FileTrouble.words(e));
        } catch (IllegalArgumentException e) {
            return failed(String.valueOf(e.getMessage()));
        }
    }

    private static int failed(String message) {
        System.err.println(NAME + ": " + message);
        return FAILED;
    }

    private static void serve(Configuration configuration) throws IOException {
        if (configuration.logFile != null) {
            System.setErr(new PrintStream(Files.newOutputStream(configuration.logFile), true, StandardCharsets.UTF_8));
        }
        boolean pidWritten = false;
        CountDownLatch stop = new CountDownLatch(1);
        Signals.onStop(stop);
        Zones zones = new Zones();
        configuration.zones().forEach(zones::add);
        try (GuestNetwork guests = GuestNetwork.start(gateway(configuration), configuration.capture, List.of());
                Services services = new Services(configuration, guests, zones);
                GuestPlaces places = new GuestPlaces(guests, stop::countDown)) {
            for (Map.Entry<Ipv4Address, MacAddress> lease :
                    configuration.leases().entrySet()) {
                guests.gateway().reserve(lease.getKey(), lease.getValue());
            }
            configuration.macs().forEach(guests::choose);
            guests.gateway().dns().known(zones::addresses);
            zones.onChange(() -> guests.gateway().dns().known(zones::addresses));
            services.open();
            for (Map.Entry<Configuration.Kind, String> link : configuration.links.entrySet()) {
                places.open(link.getKey(), link.getValue());
            }
            pidWritten = writePid(configuration.pidFile);
            services.ready();
            guests.control().openSocket();
            stop.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            if (pidWritten && configuration.pidFile != null) {
                Files.deleteIfExists(configuration.pidFile);
            }
        }
    }

    /** Whether there is one now. */
    private static boolean writePid(@Nullable Path file) throws IOException {
        if (file == null) {
            return false;
        }
        Files.writeString(file, Long.toString(ProcessHandle.current().pid()));
        return true;
    }

    private static Gateway.Builder gateway(Configuration configuration) {
        AddressPlan plan = configuration.plan();
        return Gateway.builder()
                .plan(plan)
                .policy(policy(configuration, plan))
                .dhcp(new DhcpSettings(LEASE_SECONDS, List.of(plan.gateway()), List.of(), true));
    }

    /** The usual one, after translation of what {@code nat} says, and without 169.254.0.0/16 unless that is wanted. */
    static FlowPolicy policy(Configuration configuration, AddressPlan plan) {
        Map<Ipv4Address, Ipv4Address> nat = configuration.nat();
        boolean linkLocal = configuration.ec2Metadata;
        FlowPolicy usual = FlowPolicy.of(plan);
        return request -> {
            if (request.destination() instanceof Ipv4Address destination) {
                Ipv4Address to = nat.get(destination);
                if (to != null) {
                    return new FlowPolicy.Allow(to, request.destinationPort());
                }
                if (!linkLocal && LINK_LOCAL.contains(destination.bits())) {
                    return new FlowPolicy.Prohibit();
                }
            }
            return usual.decide(request);
        };
    }
}
