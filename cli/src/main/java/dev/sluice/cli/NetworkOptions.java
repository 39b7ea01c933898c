package dev.sluice.cli;

import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.cli.network.Signals;
import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.settings.Key;
import dev.sluice.cli.settings.Keys;
import dev.sluice.cli.settings.LiveSettings;
import dev.sluice.cli.settings.NetworkParts;
import dev.sluice.cli.settings.Settings;
import dev.sluice.cli.settings.Where;
import dev.sluice.control.ApiDoor;
import dev.sluice.control.ApiToken;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.host.porthelper.PortHelper;
import dev.sluice.link.tap.Ipv6Setup;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Cidr;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The options that every network has. */
final class NetworkOptions {
    /** How a port to publish is written, for the help. */
    static final String PORT = "[ADDRESS:]HOST:[GUEST:]PORT[/udp][,proxy]";

    private final Settings.Draft given = new Settings.Draft();
    private @Nullable Syntax syntax;
    private boolean verbose;
    private @Nullable Path file;
    private boolean noFile;
    /** What the command line says over what the file says. */
    private Settings settings = Settings.NONE;

    private SettingsFile found = SettingsFile.NONE;
    private @Nullable LiveSettings live;

    /** Adds them to a command's own. */
    Syntax addTo(Syntax syntax) {
        this.syntax = syntax;
        syntax.option(
                        "--config",
                        "FILE",
                        "Settings as YAML, instead of those in ~/.config/sluice/config.yaml; options win over them. Watched.",
                        text -> file = Path.of(text))
                .flag("--no-config", "Do without a settings file.", () -> noFile = true)
                .option(
                        "--cidr",
                        "NETWORK",
                        "The guest network; gateway and DNS are its .1, the host .2, guests start at .3"
                                + " (default: 192.168.65.0/24, or the next free one of a short list).",
                        text -> set(Keys.SUBNET, Ipv4Cidr.parse(text)))
                .option(
                        "--cidr6",
                        "NETWORK",
                        "The same of IPv6, a /64: gateway ::1, host ::2, guests from ::3 or as they choose (default:"
                                + " fd00:5109:5ce::/64, or one beside it that is free).",
                        text -> set(Keys.SUBNET6, Ipv6Cidr.parse(text)))
                .flag("--no-ipv6", "No IPv6 for guests.", () -> set(Keys.IPV6, false))
                .option(
                        "--pcap",
                        "FILE",
                        "Write every frame of the guest network to FILE, for tcpdump and Wireshark; pcapng if FILE ends"
                                + " so.",
                        text -> set(Keys.CAPTURE_FILE, Path.of(text)))
                .option(
                        "--port-helper",
                        "SOCKET",
                        "Where 'sluice port-helper' listens; it binds the published ports that this user may not.",
                        text -> set(Keys.PORT_HELPER, text))
                .flag(
                        "--capture-rings",
                        "Keep the last frames in memory, by kind, for 'sluice capture --ring' and 'sluice diagnose'.",
                        () -> set(Keys.CAPTURE_RINGS, true))
                .repeatable(
                        "--gateway-forward",
                        "PORT:ADDRESS:PORT[/udp]",
                        "Lead a port of the gateway's address to one place of this machine (PORT:unix:PATH for a socket);"
                                + " may be repeated.",
                        text -> add(Keys.GATEWAY_FORWARDS, List.of(GatewayForward.parse(text))))
                .repeatable(
                        "--api",
                        "PLACE",
                        "Serve the control API at tcp:127.0.0.1:PORT, too, with --api-token-file, or at unix:PATH; may be"
                                + " repeated.",
                        text -> add(Keys.API, List.of(ApiDoor.parse(text))))
                .option(
                        "--api-token-file",
                        "FILE",
                        "Who knows the token in FILE may use the API over TCP; a FILE that is not there is made.",
                        text -> set(Keys.API_TOKEN, Path.of(text)));
        return ProxyOptions.addTo(DnsOptions.addTo(syntax, given), given)
                .flag(
                        "--seccomp",
                        "Once it serves, let this process refuse itself what it needs no more, as to start programs.",
                        () -> set(Keys.SECCOMP, true))
                .flag("-v, --verbose", "Say more on standard error.", () -> verbose = true);
    }

    /** Takes what an option says; its name is the key's. */
    <T extends Object> void set(Key<T> key, T value) {
        given.set(key, value, Where.option(key.option()));
    }

    /** Takes one more of what an option says. */
    <T extends Object> void add(Key<List<T>> key, List<T> more) {
        given.add(key, more, Where.option(key.option()));
    }

    /** What the command line says. */
    Settings given() {
        return given.build();
    }

    /** What holds: the command line over the file. To be called once {@link #plan} was. */
    Settings settings() {
        return settings;
    }

    /**
     * Reads the file, if there is one.
     *
     * @throws Failure with all that is wrong in it
     */
    private void read() {
        if (verbose) {
            Console.beVerbose();
        }
        if (file != null && noFile) {
            throw Failure.usage("--config names a file and --no-config wants none; give one of them");
        }
        found = noFile ? SettingsFile.NONE : SettingsFile.read(file);
        settings = given().over(found.settings());
    }

    /**
     * The addresses, checked and free on this host.
     *
     * @param usualMtu of the guest network, where nobody says another
     */
    AddressPlan plan(int usualMtu, boolean usualLoopback) {
        read();
        int mtu = Math.toIntExact(settings.get(Keys.MTU, (long) usualMtu));
        checkMtu(mtu);
        checkApi();
        Ipv4Cidr subnet = SubnetChoice.choose(settings.get(Keys.SUBNET), HostRoutes.read(), Console::say);
        try {
            return withIpv6(AddressPlan.of(subnet, mtu, settings.get(Keys.HOST_LOOPBACK, usualLoopback)));
        } catch (IllegalArgumentException e) {
            throw Failure.usage("--cidr " + subnet + ": " + e.getMessage());
        }
    }

    /** Starts the network. */
    GuestNetwork start(AddressPlan plan) throws IOException {
        if (settings.get(Keys.SECCOMP, false)) {
            GuestNetwork.checkConfinement("--seccomp");
        }
        Path hosts = settings.get(Keys.DNS_HOSTS);
        if (hosts != null && !Files.isReadable(hosts)) {
            Console.say(
                    "the hosts file " + hosts + " is not there, or not to be read, so it has no names; it is watched");
        }
        Gateway.Builder builder = Gateway.builder().plan(plan).proxy(NetworkParts.proxy(settings));
        try {
            builder.dns(NetworkParts.dns(settings, plan)).limits(NetworkParts.limits(settings));
        } catch (IllegalArgumentException e) {
            throw Failure.usage(String.valueOf(e.getMessage()));
        }
        GuestNetwork network = GuestNetwork.start(
                builder, settings.get(Keys.CAPTURE_FILE), settings.get(Keys.GATEWAY_FORWARDS, List.of()));
        String portHelper = settings.get(Keys.PORT_HELPER);
        if (portHelper != null) {
            network.gateway().ports().helper(new PortHelper(portHelper));
        }
        if (settings.get(Keys.CAPTURE_RINGS, false)) {
            network.gateway().captures().keepRings();
        }
        if (syntax != null) {
            network.control().started(syntax.given());
        }
        live(network).followProxy();
        return network;
    }

    private LiveSettings live(GuestNetwork guests) {
        LiveSettings known = live;
        if (known == null) {
            known = new LiveSettings(found.path(), given(), found.settings(), guests);
            guests.control().settings(known);
            live = known;
        }
        return known;
    }

    /** Opens the ports that are to be published. */
    void publish(GuestNetwork guests) throws IOException {
        live(guests).publish();
        if (settings.get(Keys.PUBLISH_AUTO, false)) {
            guests.ports().publishAutomatically();
        }
    }

    /** With a settings file, SIGHUP has it read again, as with other daemons. */
    void reloadOnHangUp(GuestNetwork guests) {
        LiveSettings settingsOf = live(guests);
        if (settingsOf.hasFile()) {
            Signals.onHangUp(settingsOf::tryReload);
        }
    }

    /** Has the network answer the commands that ask it, and serve its API wherever that was asked for. */
    void openControl(GuestNetwork guests) throws IOException {
        live(guests).watch();
        guests.control().openSocket();
        openApi(guests);
    }

    /** The same on a thread of its own, as nobody need wait for it; without the API, which {@link #openApi} serves. */
    void openControlBeside(GuestNetwork guests) {
        live(guests).watch();
        guests.control().openSocketBeside();
    }

    /** The last step, if it was asked for: nothing can be executed afterwards. */
    void confine(GuestNetwork guests) throws IOException {
        if (settings.get(Keys.SECCOMP, false)) {
            guests.confine(true);
        }
    }

    /** Serves the network's API wherever that was asked for. */
    void openApi(GuestNetwork guests) throws IOException {
        List<ApiDoor> doors = settings.get(Keys.API, List.of());
        Path tokenFile = settings.get(Keys.API_TOKEN);
        ApiToken token = doors.isEmpty() || tokenFile == null ? null : ApiToken.fromFile(tokenFile);
        for (ApiDoor door : doors) {
            guests.control().open(door, token);
        }
    }

    private void checkApi() {
        boolean overTcp = settings.get(Keys.API, List.of()).stream().anyMatch(ApiDoor.Port.class::isInstance);
        // One of the configuration file may wait there for the day it is needed.
        if (given().has(Keys.API_TOKEN) && !overTcp) {
            throw Failure.usage(
                    "--api-token-file is for the API over TCP, which nobody asked for: say --api tcp:127.0.0.1:PORT, too");
        }
        if (!settings.has(Keys.API_TOKEN) && overTcp) {
            throw Failure.usage(
                    "--api tcp:… serves whoever knows a token: say --api-token-file FILE, too; it is made if it"
                            + " is not there");
        }
    }

    private AddressPlan withIpv6(AddressPlan plan) {
        Ipv6Cidr asked = settings.get(Keys.SUBNET6);
        if (given().has(Keys.SUBNET6) && given().has(Keys.IPV6)) {
            throw Failure.usage("--no-ipv6 and --cidr6 contradict each other; give one of them");
        }
        if (!settings.get(Keys.IPV6, true)) {
            return plan;
        }
        if (plan.mtu() < Ipv6Plan.MIN_MTU) {
            if (asked != null) {
                throw Failure.usage("--cidr6 " + asked + ": IPv6 needs an MTU of " + Ipv6Plan.MIN_MTU
                        + ", and --mtu is " + plan.mtu());
            }
            return plan;
        }
        Ipv6Support host = Ipv6Support.read();
        if (!host.enabled() && asked == null) {
            Console.detail("no IPv6 for guests: it is switched off on this host");
            return plan;
        }
        try {
            if (asked != null) {
                Ipv6Plan.of(asked, plan.mac(), true); // what can't be at all is said before what is unwise
            }
            Ipv6Cidr prefix = SubnetChoice.choose6(asked, host.networks(), Console::say);
            return plan.withIpv6(Ipv6Plan.of(prefix, plan.mac(), host.hasDefaultRoute()));
        } catch (IllegalArgumentException e) {
            throw Failure.usage("--cidr6 " + asked + ": " + e.getMessage());
        }
    }

    /** How a namespace with the plan's first addresses is configured; null without IPv6. */
    static @Nullable Ipv6Setup ipv6Setup(AddressPlan plan) {
        Ipv6Plan six = plan.ipv6();
        return six == null
                ? null
                : new Ipv6Setup(
                        new Ipv6Cidr(six.firstGuest(), six.prefix().prefix()),
                        six.defaultRoute() ? six.gateway() : null);
    }

    private static void checkMtu(int mtu) {
        if (mtu < AddressPlan.MIN_MTU || mtu > AddressPlan.MAX_MTU) {
            throw Failure.usage("--mtu " + mtu + ": an MTU is within " + AddressPlan.MIN_MTU + "…" + AddressPlan.MAX_MTU
                    + " bytes");
        }
    }
}
