package dev.sluice.it.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A {@link Lab}'s three network namespaces, and the cables, addresses and routes that make host, router and Internet of them. */
final class Network {
    private static final String PREFIX = "sluice-it-";
    private static int made;

    final String id;
    final String host;
    final String router;
    final String internet;

    /** Names only; nothing is there before {@link #build}. */
    Network() {
        synchronized (Network.class) {
            id = PREFIX + ProcessHandle.current().pid() + "-" + made++;
        }
        host = id + "-host";
        router = id + "-router";
        internet = id + "-internet";
    }

    void build() throws IOException {
        removeThoseOfEndedRuns();
        for (String namespace : all()) {
            root("ip", "netns", "add", namespace);
            in(namespace, "ip", "link", "set", "lo", "up");
        }
        cable(host, "up0", Lab.HOST + "/24", router, "down0", Lab.ROUTER + "/24");
        cable(router, "up0", "198.51.100.254/24", internet, "down0", Lab.SERVER + "/24");
        in(host, "ip", "route", "add", "default", "via", Lab.ROUTER);
        in(internet, "ip", "route", "add", "default", "via", "198.51.100.254");
        in(router, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward");
        // replies of traceroute's hops and echo requests, without limits for tests that send many
        for (String namespace : all()) {
            in(
                    namespace,
                    "sh",
                    "-c",
                    "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range");
        }
        Path etc = Files.createDirectories(etc(host));
        Files.writeString(etc.resolve("resolv.conf"), "nameserver " + Lab.SERVER + "\nsearch example.test\n");
    }

    void addIpv6() {
        in(router, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
        for (String namespace : all()) {
            in(namespace, "sh", "-c", "echo 0 >/proc/sys/net/ipv6/icmp/ratelimit");
        }
        in(host, "ip", "addr", "add", "2001:db8:1::1/64", "dev", "up0", "nodad");
        in(router, "ip", "addr", "add", Lab.ROUTER6 + "/64", "dev", "down0", "nodad");
        in(router, "ip", "addr", "add", "2001:db8::fe/64", "dev", "up0", "nodad");
        in(internet, "ip", "addr", "add", Lab.SERVER6 + "/64", "dev", "down0", "nodad");
        in(host, "ip", "-6", "route", "add", "default", "via", Lab.ROUTER6);
        in(internet, "ip", "-6", "route", "add", "default", "via", "2001:db8::fe");
    }

    private List<String> all() {
        return List.of(host, router, internet);
    }

    private static void cable(
            String left, String leftEnd, String leftAddress, String right, String rightEnd, String rightAddress) {
        in(left, "ip", "link", "add", leftEnd, "type", "veth", "peer", "name", rightEnd, "netns", right);
        in(left, "ip", "addr", "add", leftAddress, "dev", leftEnd);
        in(right, "ip", "addr", "add", rightAddress, "dev", rightEnd);
        in(left, "ip", "link", "set", leftEnd, "up");
        in(right, "ip", "link", "set", rightEnd, "up");
    }

    /** A command as it is run in a namespace. */
    static List<String> command(String namespace, String... command) {
        return Stream.concat(Stream.of("ip", "netns", "exec", namespace), Stream.of(command))
                .toList();
    }

    /** Runs a command in a namespace; its output. */
    static String in(String namespace, String... command) {
        return Program.start(command(namespace, command), Map.of(), null).output();
    }

    static String root(String... command) {
        return Program.start(List.of(command), Map.of(), null).output();
    }

    /** With all processes that are in them. */
    void remove() {
        all().forEach(Network::remove);
    }

    private static void remove(String namespace) {
        Program.start(
                        List.of(
                                "sh",
                                "-c",
                                "ip netns pids " + namespace + " | xargs -r kill -9; ip netns del " + namespace),
                        Map.of(),
                        null)
                .exitCode();
        deleteTree(etc(namespace));
    }

    /** What stands in place of files of /etc there. */
    private static Path etc(String namespace) {
        return Path.of("/etc/netns", namespace);
    }

    /** Namespaces of test runs that were killed: their names carry the process id. */
    private static void removeThoseOfEndedRuns() {
        try (Stream<Path> all = Files.list(Path.of("/run/netns"))) {
            for (Path path : all.toList()) {
                String name = path.getFileName().toString();
                if (name.startsWith(PREFIX)
                        && ProcessHandle.of(Long.parseLong(
                                        name.substring(PREFIX.length()).split("-")[0]))
                                .isEmpty()) {
                    remove(name);
                }
            }
        } catch (IOException e) {
            // no namespace was ever made here
        }
    }

    static void deleteTree(Path root) {
        if (!Files.exists(root)) {
            return;
        }
        try (Stream<Path> all = Files.walk(root)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            System.out.println("left behind: " + root + " (" + e + ")");
        }
    }
}
