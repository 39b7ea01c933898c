package dev.sluice.cli.face.slirp4netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.MacAddress;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** slirp4netns's command line: what each option means, and what is said of wrong ones, as the original says it. */
class RequestTest {
    private static Request parse(String line) throws Getopt.Mistake, Request.Wrong {
        return Request.parse(List.of(line.split(" ")));
    }

    @Test
    void theUsualAddressesFollowFromTheNetwork() throws Exception {
        AddressPlan plan = parse("42 tap0").plan();
        assertThat(plan.subnet()).hasToString("10.0.2.0/24");
        assertThat(plan.host()).hasToString("10.0.2.2");
        assertThat(plan.gateway()).as("the name server").hasToString("10.0.2.3");
        assertThat(plan.firstGuest()).hasToString("10.0.2.15");
        assertThat(plan.lastGuest()).hasToString("10.0.2.30");
        assertThat(plan.mtu()).isEqualTo(1500);
        assertThat(plan.hostLoopback()).isTrue();
        assertThat(plan.ipv6()).isNull();
        assertThat(parse("42 tap0").guest()).hasToString("10.0.2.100");
        assertThat(parse("--cidr=192.168.7.128/25 42 tap0").guest()).hasToString("192.168.7.228");
    }

    @Test
    void ipv6HasItsOwnAddresses() throws Exception {
        AddressPlan plan = parse("-6 42 tap0").plan();
        assertThat(plan.ipv6()).isNotNull();
        assertThat(plan.ipv6().prefix()).hasToString("fd00::/64");
        assertThat(plan.ipv6().host()).hasToString("fd00::2");
        assertThat(plan.ipv6().gateway()).hasToString("fd00::3");
        assertThat(parse("-6 -m 1000 42 tap0").plan().ipv6())
                .as("no IPv6 below 1280")
                .isNull();
    }

    @Test
    void everyOptionIsTaken() throws Exception {
        Request request = parse("-c -e 3 --ready-fd=4 -m65520 -6 -a /tmp/s --cidr 10.1.0.0/16 --disable-host-loopback"
                + " --netns-type=path --userns-path=/proc/self/ns/user --enable-sandbox --enable-seccomp"
                + " --outbound-addr=192.0.2.1 --outbound-addr6=2001:db8::1 --disable-dns --macaddress=02:00:00:00:00:07"
                + " --target-type=netns /proc/self/ns/net tap7");
        assertThat(request.configure).isTrue();
        assertThat(request.exitFd).isEqualTo(3);
        assertThat(request.readyFd).isEqualTo(4);
        assertThat(request.mtu).isEqualTo(65520);
        assertThat(request.ipv6).isTrue();
        assertThat(request.apiSocket).isEqualTo("/tmp/s");
        assertThat(request.cidr).hasToString("10.1.0.0/16");
        assertThat(request.plan().hostLoopback()).isFalse();
        assertThat(request.target).isEqualTo(new Request.ByPath(Path.of("/proc/self/ns/net")));
        assertThat(request.outbound).isEqualTo(Ipv4Address.parse("192.0.2.1"));
        assertThat(request.outbound6).isEqualTo(Ipv6Address.parse("2001:db8::1"));
        assertThat(request.disableDns).isTrue();
        assertThat(request.seccomp).isTrue();
        assertThat(request.mac).isEqualTo(MacAddress.parse("02:00:00:00:00:07"));
        assertThat(request.tapName).isEqualTo("tap7");
        assertThat(request.warnings)
                .as("what is not there is not passed over")
                .hasSize(1)
                .allMatch(warning -> warning.contains("has no effect"));
    }

    @Test
    void optionsMayBeShortenedAndMixedWithTheRest() throws Exception {
        Request request = parse("42 --conf tap0 --mt 1400 -6cr7 --disable-h");
        assertThat(request.configure).isTrue();
        assertThat(request.mtu).isEqualTo(1400);
        assertThat(request.readyFd).isEqualTo(7);
        assertThat(request.disableHostLoopback).isTrue();
        assertThat(request.target).isEqualTo(new Request.ByPid(42));
    }

    @Test
    void anInterfacesNameStandsForItsAddress() throws Exception {
        assertThat(parse("--outbound-addr=lo 42 tap0").outbound).isEqualTo(Ipv4Address.LOOPBACK);
    }

    @Test
    void theLargestMtuIsOurs() throws Exception {
        assertThat(parse("-m 65521 42 tap0").mtu).isEqualTo(AddressPlan.MAX_MTU);
    }

    @Test
    void aPlaceForUserModeLinuxNeedsNoInterface() throws Exception {
        assertThat(parse("--target-type=bess /tmp/uml.sock").target).isEqualTo(new Request.Bess("/tmp/uml.sock"));
    }

    @Test
    void anInterfaceMayComeAsADescriptor() throws Exception {
        assertThat(parse("--netns-type=tapfd 7").target).isEqualTo(new Request.TapDescriptor(7));
    }

    @Test
    void tooManyWordsAreOnlyAWarning() throws Exception {
        assertThat(parse("42 tap0 more").warnings).containsExactly("too many arguments");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            42                                           | ''
            -m 0 42 tap0                                 | MTU must be a positive integer (< 65522)
            -m 65522 42 tap0                             | MTU must be a positive integer (< 65522)
            -m x 42 tap0                                 | MTU must be a positive integer (< 65522)
            -m 500 42 tap0                               | MTU must be at least 576 here
            -e -1 42 tap0                                | exit-fd must be a non-negative integer
            --ready-fd=x 42 tap0                         | ready-fd must be a non-negative integer
            --cidr=24 42 tap0                            | invalid CIDR: 24
            --cidr=10.0.2.0 42 tap0                      | invalid CIDR: 10.0.2.0
            --cidr=10.0.2.0/24/ 42 tap0                  | invalid CIDR: 10.0.2.0/24/
            --cidr=10.0.2.0/-1 42 tap0                   | invalid CIDR: 10.0.2.0/-1
            --cidr=10.0.2.0/0 42 tap0                    | prefix length needs to be 1-25
            --cidr=10.0.2.0/26 42 tap0                   | prefix length needs to be 1-25
            --cidr=999.0.2.0/24 42 tap0                  | invalid network address: 999.0.2.0
            --cidr=10.0.2.1/24 42 tap0                   | CIDR needs to be a network address like 10.0.2.0/24, not like 10.0.2.1/24
            --macaddress=02:00:00:00:00:07 42 tap0       | --macaddr cannot be specified when --configure or -c is not specified
            -c --macaddress=x 42 tap0                    | macaddress has to be a valid MAC address, with an even second digit, not x
            --target-type=vde 42 tap0                    | --target-type must be either "netns" or "bess"
            --netns-type=x 42 tap0                       | --netns-type must be "path", "pid" or "tapfd"
            --netns-type=path /no/such tap0              | existing path expected when --netns-type=path: /no/such
            --userns-path=/no/such 42 tap0               | userns path doesn't exist: /no/such
            --target-type=bess -c /tmp/x                 | --configure conflicts with --target-type=bess
            --netns-type=tapfd -c 7                      | --configure conflicts with --netns-type=tapfd
            --netns-type=tapfd x                         | tapfd must be a non-negative integer
            x tap0                                       | PID must be a positive integer
            0 tap0                                       | PID must be a positive integer
            --outbound-addr=nosuch 42 tap0               | outbound-addr has to be valid ipv4 address or interface name.
            --outbound-addr6=10.0.0.1 42 tap0            | outbound-addr6 has to be valid ipv6 address or interface name.
            """)
    void whatIsWrongIsSaidInTheOriginalsWords(String line, String message) {
        assertThatThrownBy(() -> parse(line)).isInstanceOf(Request.Wrong.class).hasMessage(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --foo 42 tap0          | unrecognized option '--foo'
            --enable-ipv6=1 42 t   | option '--enable-ipv6' doesn't allow an argument
            --mtu                  | option '--mtu' requires an argument
            -m                     | option requires an argument -- 'm'
            -cd 42 tap0            | invalid option -- 'd'
            --m 1 42 tap0          | option '--m' is ambiguous; possibilities: '--mtu' '--macaddress'
            """)
    void wordsThatAreNoOptionsAreSaidAsGetoptDoes(String line, String message) {
        assertThatThrownBy(() -> parse(line)).isInstanceOf(Getopt.Mistake.class).hasMessage(message);
    }

    @Test
    void callersFindVersionAndOptionsWhereTheyLook() {
        assertThat(out("--version").lines().map(line -> line.split("[ :]")[0]))
                .containsExactly("slirp4netns", "commit", "libslirp", "SLIRP_CONFIG_VERSION_MAX", "libseccomp");
        assertThat(out("-v")).matches("(?s)slirp4netns version [0-9]+\\.[0-9]+\\.[0-9]+.*");
        for (Getopt.Option option : Request.OPTIONS) {
            assertThat(out("--help")).contains("--" + option.name());
        }
    }

    private static String out(String argument) {
        PrintStream real = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            assertThat(new Slirp4netns().call(List.of(argument))).isZero();
        } finally {
            System.setOut(real);
        }
        return out.toString(StandardCharsets.UTF_8);
    }
}
