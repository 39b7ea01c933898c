package dev.sluice.cli.settings;

import dev.sluice.gateway.dns.DnsNames;
import dev.sluice.gateway.dns.DnsSettings;
import dev.sluice.gateway.dns.Upstreams;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.proxy.ProxySettings;
import dev.sluice.wire.IpAddress;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The parts of a network that settings describe. */
public final class NetworkParts {
    private NetworkParts() {}

    /**
     * Its name server.
     *
     * @throws IllegalArgumentException saying what does not fit together
     */
    public static DnsSettings dns(Settings settings, AddressPlan plan) {
        DnsSettings made = DnsSettings.defaults()
                .withNames(names(settings, plan))
                .withServers(Upstreams.of(settings.get(Keys.DNS_SERVERS, List.of())))
                .withCache(settings.get(Keys.DNS_CACHE, true))
                .withRecords(settings.get(Keys.DNS_RECORDS, List.of()))
                .withZones(settings.get(Keys.DNS_ZONES, List.of()));
        Path hosts = settings.get(Keys.DNS_HOSTS);
        return hosts == null ? made : made.withHosts(hosts);
    }

    private static DnsNames names(Settings settings, AddressPlan plan) {
        DnsNames names = DnsNames.defaults()
                .plus(settings.get(Keys.HOST_NAMES, List.of()), settings.get(Keys.GATEWAY_NAMES, List.of()));
        List<String> ofGuest = settings.get(Keys.VM_NAMES, List.of());
        if (ofGuest.isEmpty()) {
            return names;
        }
        Map<String, List<IpAddress>> others = new HashMap<>(names.others());
        Ipv6Plan six = plan.ipv6();
        List<IpAddress> first = six == null ? List.of(plan.firstGuest()) : List.of(plan.firstGuest(), six.firstGuest());
        ofGuest.forEach(name -> others.put(name, first));
        return new DnsNames(names.host(), names.gateway(), others);
    }

    /** Makes what one key alone says of the name server, to see whether it can be. */
    static void dnsOf(Key<?> key, Settings settings) {
        AddressPlan any = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, AddressPlan.MAX_MTU, false);
        Settings.Draft alone = new Settings.Draft();
        copy(key, settings, alone);
        dns(alone.build(), any);
    }

    private static <T extends Object> void copy(Key<T> key, Settings from, Settings.Draft to) {
        T value = from.get(key);
        if (value != null) {
            to.set(key, value, Where.API);
        }
    }

    /** Its HTTP proxy, with everything going straight until somebody says which way. */
    public static ProxySettings proxy(Settings settings) {
        long port = settings.get(Keys.PROXY_PORT, (long) ProxySettings.PORT);
        List<Long> transparent = settings.get(Keys.TRANSPARENT_PORTS);
        ProxySettings made = ProxySettings.DEFAULT.withPorts(port == 0 ? List.of() : List.of(Math.toIntExact(port)));
        return transparent == null
                ? made
                : made.withTransparentPorts(
                        transparent.stream().map(Math::toIntExact).collect(Collectors.toUnmodifiableSet()));
    }

    /** Its limits. */
    public static Limits limits(Settings settings) {
        Limits usual = Limits.defaults();
        return usual.change()
                .tcpFlows(number(settings, Keys.TCP_FLOWS, usual.tcpFlows()))
                .tcpHalfOpen(number(settings, Keys.TCP_HALF_OPEN, usual.tcpHalfOpen()))
                .tcpKeepAliveSeconds(number(settings, Keys.KEEP_ALIVE, usual.tcpKeepAliveSeconds()))
                .udpFlows(number(settings, Keys.UDP_FLOWS, usual.udpFlows()))
                .bufferBytes(settings.get(Keys.BUFFER_BYTES, usual.bufferBytes()))
                .dnsQueries(number(settings, Keys.DNS_QUERIES, usual.dnsQueries()))
                .dnsQueriesPerSecond(number(settings, Keys.DNS_QUERIES_PER_SECOND, usual.dnsQueriesPerSecond()))
                .build();
    }

    private static int number(Settings settings, Key<Long> key, long usual) {
        return Math.toIntExact(settings.get(key, usual));
    }
}
