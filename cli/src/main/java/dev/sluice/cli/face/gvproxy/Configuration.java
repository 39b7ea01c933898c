package dev.sluice.cli.face.gvproxy;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** What gvproxy's flags and file ask for. What neither says follows from the subnet, once all is read. */
final class Configuration {
    static final Ipv4Cidr SUBNET = Ipv4Cidr.parse("192.168.127.0/24");
    static final MacAddress GATEWAY_MAC = MacAddress.parse("5a:94:ef:e4:0c:dd");
    static final MacAddress DEVICE_MAC = MacAddress.parse("5a:94:ef:e4:0c:ee");
    /** What HyperKit's guest of CRC calls itself. */
    private static final UUID DEVICE_UUID = UUID.fromString("c3d68012-0208-11ea-9fd7-f2189899ab08");

    private static final int SSH_PORT = 22;
    private static final int USUAL_SSH = 2222;
    private static final int USUAL_MTU = 1500;

    /** A socket of the guest that is reached through ssh. */
    record SshForward(String socket, String destination, String user, String identity) {
        private static final String SCHEME = "unix://";

        /** @param socket its path, or that as a URL */
        SshForward {
            if (socket.startsWith(SCHEME)) {
                socket = socket.substring(SCHEME.length());
            }
        }
    }

    /** Where guests connect, by gvproxy's name for the kind. */
    enum Kind {
        QEMU,
        BESS,
        VFKIT,
        VPNKIT,
        STDIO
    }

    final List<String> listen = new ArrayList<>();
    final Map<Kind, String> links = new TreeMap<>();

    @Nullable
    String services;

    @Nullable
    String notification;

    boolean debug;
    boolean version;

    @Nullable
    Path capture;

    /** 0 is the usual one, too. */
    int mtu = USUAL_MTU;
    /** Of the host, to the guest's ssh; -1 for none. */
    int sshPort = USUAL_SSH;
    /** Whether there is a file: then there are no names, leases and forwards but those that are said. */
    private boolean file;
    /** Whether a flag has said where to listen. */
    private boolean listenGiven;

    Ipv4Cidr subnet = SUBNET;

    @Nullable
    Ipv4Address gateway;

    @Nullable
    Ipv4Address device;

    @Nullable
    Ipv4Address host;

    MacAddress gatewayMac = GATEWAY_MAC;
    boolean ec2Metadata;

    @Nullable
    Path pidFile;

    @Nullable
    Path logFile;

    final List<SshForward> sshForwards = new ArrayList<>();

    /** Null where the file says nothing. */
    @Nullable
    List<Zones.Zone> zones;

    @Nullable
    List<String> searchDomains;

    @Nullable
    Map<String, String> forwards;

    @Nullable
    Map<Ipv4Address, Ipv4Address> nat;

    @Nullable
    Map<Ipv4Address, MacAddress> leases;

    @Nullable
    List<Ipv4Address> virtualAddresses;

    /** Of vpnkit guests, by the name they give. */
    @Nullable
    Map<UUID, MacAddress> macs;

    // the four parallel lists of the command line
    final List<String> forwardSockets = new ArrayList<>();
    final List<String> forwardDestinations = new ArrayList<>();
    final List<String> forwardUsers = new ArrayList<>();
    final List<String> forwardIdentities = new ArrayList<>();

    /**
     * What a command line asks for, and the file that it names: a flag counts more than the file, wherever it stands.
     *
     * @return null if help was asked for
     * @throws IllegalArgumentException saying what is wrong in the file
     */
    static @Nullable Configuration read(List<String> words) throws GoFlags.Mistake {
        List<String> files = new ArrayList<>();
        if (!new Configuration().flags(files::add).parse(words)) {
            return null;
        }
        Configuration made = new Configuration();
        if (!files.isEmpty()) {
            made.file = true;
            made.sshPort = -1;
            YamlFile.read(Path.of(files.getLast()), made);
        }
        made.flags(_ -> {}).parse(words);
        return made;
    }

    /** All flags with what they do. */
    static String usage(String program) {
        return new Configuration().flags(_ -> {}).usage(program);
    }

    private void listen(String url) {
        if (!listenGiven) {
            listen.clear(); // the file's
        }
        listenGiven = true;
        listen.add(url);
    }

    /** The flags, bound to this; {@code file} takes the configuration file's path. */
    private GoFlags flags(GoFlags.Value file) {
        return new GoFlags()
                .value("config", "FILE", "settings as YAML; flags win", file)
                .value("listen", "URL", "API, and guests at its /connect: unix:// tcp:// vsock://", this::listen)
                .value("services", "URL", "API without /connect", text -> services = text)
                .toggle("debug", "say more", on -> debug = on)
                .value("pcap", "FILE", "write all frames there", text -> capture = Path.of(text))
                .value("mtu", "N", "largest IP packet, default 1500", text -> mtu = GoFlags.integer(text))
                .value(
                        "ssh-port",
                        "N",
                        "of the host, to the guest's 22, default 2222; -1 for none",
                        text -> sshPort = GoFlags.integer(text))
                .value("subnet", "CIDR", "default " + SUBNET, text -> subnet = Ipv4Cidr.parse(text))
                .value("gatewayIP", "IP", "default the subnet's first", text -> gateway = Ipv4Address.parse(text))
                .value(
                        "deviceIP",
                        "IP",
                        "of the first guest, default the second",
                        text -> device = Ipv4Address.parse(text))
                .value(
                        "hostIP",
                        "IP",
                        "means the host's 127.0.0.1, default the last",
                        text -> host = Ipv4Address.parse(text))
                .value("listen-vpnkit", "URL", "guests by VPNKit's protocol, unix://", link(Kind.VPNKIT))
                .value("listen-qemu", "URL", "guests by QEMU's framing, unix://", link(Kind.QEMU))
                .value("listen-bess", "URL", "guests by packets, unixpacket://", link(Kind.BESS))
                .value("listen-stdio", "ANY", "a guest on standard input and output", link(Kind.STDIO))
                .value("listen-vfkit", "URL", "a guest by datagrams, unixgram://", link(Kind.VFKIT))
                .value("forward-sock", "PATH", "a socket here, to one of the guest by ssh", forwardSockets::add)
                .value("forward-dest", "PATH", "the socket in the guest", forwardDestinations::add)
                .value("forward-user", "USER", "the user there", forwardUsers::add)
                .value("forward-identity", "FILE", "the key", forwardIdentities::add)
                .value("pid-file", "FILE", "write the process id there", text -> pidFile = Path.of(text))
                .value("log-file", "FILE", "write messages there", text -> logFile = Path.of(text))
                .toggle("ec2-metadata-access", "let guests reach 169.254.0.0/16", on -> ec2Metadata = on)
                .value("notification", "URL", "tell of guests there, unix://", text -> notification = text)
                .toggle("version", "print the version", on -> version = on);
    }

    private GoFlags.Value link(Kind kind) {
        return text -> links.put(kind, text);
    }

    /**
     * Brings what was read together.
     *
     * @throws IllegalArgumentException saying what does not fit
     */
    void complete() {
        int count = forwardSockets.size();
        if (forwardDestinations.size() != count || forwardUsers.size() != count || forwardIdentities.size() != count) {
            throw new IllegalArgumentException(
                    "-forward-sock, -forward-dest, -forward-user and -forward-identity go together, as often each");
        }
        for (int i = 0; i < count; i++) {
            sshForwards.add(new SshForward(
                    forwardSockets.get(i), forwardDestinations.get(i), forwardUsers.get(i), forwardIdentities.get(i)));
        }
        if (mtu == 0) {
            mtu = USUAL_MTU;
        }
        if (mtu < AddressPlan.MIN_MTU || mtu > AddressPlan.MAX_MTU) {
            throw new IllegalArgumentException(
                    "-mtu " + mtu + ": an MTU is within " + AddressPlan.MIN_MTU + "…" + AddressPlan.MAX_MTU);
        }
        if (sshPort != -1 && (sshPort < 1024 || sshPort > 65_535)) {
            throw new IllegalArgumentException("ssh-port value must be between 1024 and 65535, or -1");
        }
        if (subnet.prefix() < 8 || subnet.prefix() > 29) {
            throw new IllegalArgumentException("-subnet " + subnet + ": the prefix length is within 8…29");
        }
        subnet = new Ipv4Cidr(subnet.network(), subnet.prefix());
        for (Ipv4Address inside : List.of(gateway(), device(), host())) {
            if (!subnet.contains(inside.bits())) {
                throw new IllegalArgumentException(inside + " is not in the subnet " + subnet);
            }
        }
        if (gateway().equals(device()) || gateway().equals(host()) || device().equals(host())) {
            throw new IllegalArgumentException("gateway, device and host have three addresses, not " + gateway() + ", "
                    + device() + " and " + host());
        }
        for (Ipv4Address virtual : virtualAddresses == null ? List.<Ipv4Address>of() : virtualAddresses) {
            if (!virtual.equals(host())) {
                throw new IllegalArgumentException("gatewayVirtualIPs: only " + host()
                        + ", the host's, is answered for inside of the subnet; nat works for addresses outside of it");
            }
        }
    }

    Ipv4Address gateway() {
        return gateway == null ? subnet.network().plus(1) : gateway;
    }

    Ipv4Address device() {
        return device == null ? subnet.network().plus(2) : device;
    }

    Ipv4Address host() {
        return host == null ? subnet.broadcast().plus(-1) : host;
    }

    Map<Ipv4Address, Ipv4Address> nat() {
        return nat == null ? Map.of(host(), Ipv4Address.LOOPBACK) : nat;
    }

    Map<Ipv4Address, MacAddress> leases() {
        return leases != null ? leases : file ? Map.of() : Map.of(device(), DEVICE_MAC);
    }

    Map<UUID, MacAddress> macs() {
        return macs != null ? macs : file ? Map.of() : Map.of(DEVICE_UUID, DEVICE_MAC);
    }

    /** Local to remote. */
    Map<String, String> forwards() {
        Map<String, String> all = new LinkedHashMap<>();
        if (sshPort != -1) {
            all.put("127.0.0.1:" + sshPort, device() + ":" + SSH_PORT);
        }
        if (forwards != null) {
            all.putAll(forwards);
        }
        return all;
    }

    List<Zones.Zone> zones() {
        if (zones != null || file) {
            return zones == null ? List.of() : zones;
        }
        List<Zones.Entry> names =
                List.of(new Zones.Entry("gateway", gateway(), null), new Zones.Entry("host", host(), null));
        return List.of(
                new Zones.Zone("containers.internal.", names, null), new Zones.Zone("docker.internal.", names, null));
    }

    AddressPlan plan() {
        return new AddressPlan(
                subnet,
                gateway(),
                host(),
                subnet.network().plus(2),
                subnet.broadcast().plus(-1),
                gatewayMac,
                mtu,
                Ipv4Address.LOOPBACK.equals(nat().get(host())),
                "",
                searchDomains == null ? List.of() : searchDomains);
    }
}
