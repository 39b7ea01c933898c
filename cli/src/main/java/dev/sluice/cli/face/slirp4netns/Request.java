package dev.sluice.cli.face.slirp4netns;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.MacAddress;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a command line of slirp4netns asks for, checked. */
final class Request {
    /** Its default, and the most that it lets through. */
    private static final int DEFAULT_MTU = 1500;

    private static final int MTU_LIMIT = 65_521;

    static final List<Getopt.Option> OPTIONS = List.of(
            new Getopt.Option('c', "configure", false),
            new Getopt.Option('e', "exit-fd", true),
            new Getopt.Option('r', "ready-fd", true),
            new Getopt.Option('m', "mtu", true),
            new Getopt.Option('6', "enable-ipv6", false),
            new Getopt.Option('a', "api-socket", true),
            new Getopt.Option((char) 0, "cidr", true),
            new Getopt.Option((char) 0, "disable-host-loopback", false),
            new Getopt.Option((char) 0, "netns-type", true),
            new Getopt.Option((char) 0, "userns-path", true),
            new Getopt.Option((char) 0, "enable-sandbox", false),
            new Getopt.Option((char) 0, "enable-seccomp", false),
            new Getopt.Option((char) 0, "outbound-addr", true),
            new Getopt.Option((char) 0, "outbound-addr6", true),
            new Getopt.Option((char) 0, "disable-dns", false),
            new Getopt.Option((char) 0, "macaddress", true),
            new Getopt.Option((char) 0, "target-type", true),
            new Getopt.Option('h', "help", false),
            new Getopt.Option('v', "version", false));

    /** Where the network is to be. */
    sealed interface Target {}

    record ByPid(long pid) implements Target {}

    record ByPath(Path path) implements Target {}

    /** An interface that was made already, as an open descriptor. */
    record TapDescriptor(int fd) implements Target {}

    /** A place for User Mode Linux to connect to. */
    record Bess(String path) implements Target {}

    /** What is wrong with it. */
    static final class Wrong extends Exception {
        private static final long serialVersionUID = 1L;
        /** Whether the usage is shown, too. */
        final boolean usage;

        Wrong(String message, boolean usage) {
            super(message, null, false, false);
            this.usage = usage;
        }
    }

    boolean help;
    boolean version;
    boolean configure;

    @Nullable
    Integer exitFd;

    @Nullable
    Integer readyFd;

    int mtu = DEFAULT_MTU;
    boolean ipv6;

    @Nullable
    String apiSocket;

    Ipv4Cidr cidr = Ipv4Cidr.parse("10.0.2.0/24");
    boolean disableHostLoopback;
    boolean disableDns;
    boolean seccomp;

    @Nullable
    MacAddress mac;

    @Nullable
    Ipv4Address outbound;

    @Nullable
    Ipv6Address outbound6;

    Target target = new ByPid(0);
    String tapName = "";
    /** What to tell the user that changes nothing. */
    final List<String> warnings = new ArrayList<>();

    private String netnsType = "";
    private String userns = "";
    private String targetType = "netns";

    private Request() {}

    /** Reads a line; with {@code --help} or {@code --version} only as far as that. */
    static Request parse(List<String> words) throws Getopt.Mistake, Wrong {
        Getopt.Line line = Getopt.parse(OPTIONS, words);
        Request request = new Request();
        for (Getopt.Given given : line.options()) {
            request.take(given.option().name(), given.value());
            if (request.help || request.version) {
                return request;
            }
        }
        request.takeOperands(line.operands());
        return request;
    }

    private void take(String name, String value) throws Wrong {
        switch (name) {
            case "configure" -> configure = true;
            case "exit-fd" -> exitFd = descriptor(name, value);
            case "ready-fd" -> readyFd = descriptor(name, value);
            case "mtu" -> mtu = mtu(value);
            case "enable-ipv6" -> ipv6 = true;
            case "api-socket" -> apiSocket = value;
            case "cidr" -> cidr = cidr(value);
            case "disable-host-loopback" -> disableHostLoopback = true;
            case "netns-type" -> netnsType = value;
            case "userns-path" -> userns = value;
            case "enable-seccomp" -> seccomp = true;
            case "enable-sandbox" ->
                warnings.add("--" + name + " has no effect in sluice; docs/faces.md says what protects instead");
            case "outbound-addr" -> outbound = (Ipv4Address) outbound(name, value, "ipv4", Inet4Address.class);
            case "outbound-addr6" -> outbound6 = (Ipv6Address) outbound(name, value, "ipv6", Inet6Address.class);
            case "disable-dns" -> disableDns = true;
            case "macaddress" -> mac = mac(value);
            case "target-type" -> targetType = value;
            case "help" -> help = true;
            case "version" -> version = true;
            default -> throw new IllegalStateException(name);
        }
    }

    private static int descriptor(String name, String value) throws Wrong {
        if (!value.matches("[0-9]{1,9}")) {
            throw new Wrong(name + " must be a non-negative integer", true);
        }
        return Integer.parseInt(value);
    }

    private static int mtu(String value) throws Wrong {
        int number = value.matches("[0-9]{1,9}") ? Integer.parseInt(value) : 0;
        if (number == 0 || number > MTU_LIMIT) {
            throw new Wrong("MTU must be a positive integer (< " + (MTU_LIMIT + 1) + ")", true);
        }
        if (number < AddressPlan.MIN_MTU) {
            throw new Wrong("MTU must be at least " + AddressPlan.MIN_MTU + " here", true);
        }
        return Math.min(number, AddressPlan.MAX_MTU);
    }

    private static Ipv4Cidr cidr(String value) throws Wrong {
        if (!value.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}/[0-9]{1,2}")) {
            throw new Wrong("invalid CIDR: " + value, false);
        }
        String address = value.substring(0, value.indexOf('/'));
        int prefix = Integer.parseInt(value.substring(value.indexOf('/') + 1));
        if (prefix < 1 || prefix > 25) {
            throw new Wrong("prefix length needs to be 1-25", false);
        }
        Ipv4Cidr parsed;
        try {
            parsed = new Ipv4Cidr(Ipv4Address.parse(address), prefix);
        } catch (IllegalArgumentException e) {
            throw new Wrong("invalid network address: " + address, false);
        }
        if (!parsed.network().equals(parsed.address())) {
            throw new Wrong(
                    "CIDR needs to be a network address like " + parsed.network() + "/" + prefix + ", not like "
                            + value,
                    false);
        }
        return parsed;
    }

    /** An address, or the first of an interface's. */
    private static Object outbound(String option, String value, String family, Class<? extends InetAddress> kind)
            throws Wrong {
        try {
            return kind == Inet4Address.class ? Ipv4Address.parse(value) : Ipv6Address.parse(value);
        } catch (IllegalArgumentException e) {
            try {
                NetworkInterface device = NetworkInterface.getByName(value);
                if (device != null) {
                    for (InetAddress address : device.inetAddresses().toList()) {
                        ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
                        if (kind.isInstance(address) && !address.isLinkLocalAddress()) {
                            return address instanceof Inet4Address
                                    ? new Ipv4Address(bytes.getInt())
                                    : new Ipv6Address(bytes.getLong(), bytes.getLong());
                        }
                    }
                }
            } catch (SocketException unreadable) {
                // said below
            }
            throw new Wrong(option + " has to be valid " + family + " address or interface name.", false);
        }
    }

    private static MacAddress mac(String value) throws Wrong {
        try {
            MacAddress address = MacAddress.parse(value);
            if (!MacAddress.isGroup(address.bits())) {
                return address;
            }
        } catch (IllegalArgumentException e) {
            // said below
        }
        throw new Wrong("macaddress has to be a valid MAC address, with an even second digit, not " + value, false);
    }

    private void takeOperands(List<String> operands) throws Wrong {
        if (mac != null && !configure) {
            throw new Wrong("--macaddr cannot be specified when --configure or -c is not specified", true);
        }
        switch (targetType) {
            case "netns" -> takeNamespace(operands);
            case "bess" -> takeBess(operands);
            default -> throw new Wrong("--target-type must be either \"netns\" or \"bess\"", true);
        }
    }

    private void takeBess(List<String> operands) throws Wrong {
        if (configure) {
            throw new Wrong("--configure conflicts with --target-type=bess", true);
        }
        if (!netnsType.isEmpty()) {
            throw new Wrong("--netns-type conflicts with --target-type=bess", true);
        }
        if (!userns.isEmpty()) {
            throw new Wrong("--userns-path conflicts with --target-type=bess", true);
        }
        if (operands.isEmpty()) {
            throw new Wrong("", true);
        }
        tooMany(operands, 1);
        target = new Bess(operands.getFirst());
    }

    private void takeNamespace(List<String> operands) throws Wrong {
        if (!userns.isEmpty() && !Files.exists(Path.of(userns))) {
            throw new Wrong("userns path doesn't exist: " + userns, true);
        }
        if (netnsType.equals("tapfd")) {
            takeTap(operands);
            return;
        }
        if (operands.size() < 2) {
            throw new Wrong("", true);
        }
        tooMany(operands, 2);
        String first = operands.getFirst();
        tapName = operands.get(1);
        switch (netnsType) {
            case "path" -> {
                if (!Files.exists(Path.of(first))) {
                    throw new Wrong("existing path expected when --netns-type=path: " + first, true);
                }
                target = new ByPath(Path.of(first));
            }
            case "", "pid" -> {
                if (!first.matches("[0-9]{1,9}") || Integer.parseInt(first) == 0) {
                    throw new Wrong("PID must be a positive integer", true);
                }
                target = new ByPid(Integer.parseInt(first));
            }
            default -> throw new Wrong("--netns-type must be \"path\", \"pid\" or \"tapfd\"", true);
        }
    }

    private void takeTap(List<String> operands) throws Wrong {
        if (configure) {
            throw new Wrong("--configure conflicts with --netns-type=tapfd", true);
        }
        if (operands.isEmpty()) {
            throw new Wrong("", true);
        }
        tooMany(operands, 1);
        target = new TapDescriptor(descriptor("tapfd", operands.getFirst()));
    }

    private void tooMany(List<String> operands, int most) {
        if (operands.size() > most) {
            warnings.add("too many arguments");
        }
    }

    /** The network that follows from it. */
    AddressPlan plan() {
        AddressPlan four = new AddressPlan(
                cidr,
                cidr.address().plus(3),
                router(),
                cidr.address().plus(15),
                cidr.address().plus(30),
                AddressPlan.DEFAULT_MAC,
                mtu,
                !disableHostLoopback,
                "",
                List.of());
        if (!ipv6 || mtu < Ipv6Plan.MIN_MTU) {
            return four;
        }
        Ipv6Address network = Ipv6Address.parse("fd00::");
        return four.withIpv6(new Ipv6Plan(
                new Ipv6Cidr(network, 64),
                network.plus(3),
                network.plus(2),
                Ipv6Address.linkLocal(AddressPlan.DEFAULT_MAC),
                network.plus(0x100),
                true));
    }

    Ipv4Address router() {
        return cidr.address().plus(2);
    }

    /** What {@code --configure} sets, and where forwards lead. */
    Ipv4Address guest() {
        return cidr.address().plus(100);
    }
}
