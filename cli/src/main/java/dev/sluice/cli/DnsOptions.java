package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.gateway.dns.DnsDirectory;
import dev.sluice.gateway.dns.DnsNames;
import dev.sluice.gateway.dns.DnsServer;
import dev.sluice.gateway.dns.DnsSettings;
import dev.sluice.gateway.dns.Upstreams;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.wire.IpAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The options of a network's name server. */
final class DnsOptions {
    /** Records given on the command line go as soon as the process does, so guests keep them for a short time only. */
    private static final int RECORD_TTL = 60;

    private final List<DnsServer> servers = new ArrayList<>();
    private final List<DnsDirectory.Zone> zones = new ArrayList<>();
    private final List<DnsDirectory.Entry> records = new ArrayList<>();
    private final List<String> hostNames = new ArrayList<>();
    private final List<String> gatewayNames = new ArrayList<>();
    private final List<String> vmNames = new ArrayList<>();
    private @Nullable Path hosts;
    private boolean noCache;
    private boolean any;

    /** Adds them to a command's own. */
    Syntax addTo(Syntax syntax) {
        return syntax.repeatable(
                        "--dns",
                        "SERVER",
                        "Ask this name server instead of those of this machine: ADDRESS[:PORT], tcp:ADDRESS, or"
                                + " tls:ADDRESS#NAME; may be repeated, the next one is asked where one fails.",
                        text -> given(() -> servers.add(DnsServer.parse(text))))
                .repeatable(
                        "--dns-zone",
                        "ZONE=SERVER[,SERVER]",
                        "Ask these servers for names under ZONE; without any, such names are here or nowhere. May be repeated.",
                        text -> given(() -> zone(text)))
                .repeatable(
                        "--dns-record",
                        "NAME=ADDRESS",
                        "Give NAME (or *.NAME) this address, or make it an alias (NAME=OTHER.NAME); may be repeated.",
                        text -> given(() -> record(text)))
                .option(
                        "--hosts",
                        "FILE",
                        "Names and addresses for guests, watched (default: /etc/hosts).",
                        text -> given(() -> hosts = Path.of(text)))
                .flag("--no-dns-cache", "Ask the servers each time.", () -> given(() -> noCache = true))
                .repeatable(
                        "--host-names",
                        "NAME[,NAME]",
                        "More names of this machine, beside host.sluice.internal and host.docker.internal.",
                        text -> given(() -> hostNames.addAll(List.of(text.split(",")))))
                .repeatable(
                        "--gateway-names",
                        "NAME[,NAME]",
                        "More names of the gateway.",
                        text -> given(() -> gatewayNames.addAll(List.of(text.split(",")))))
                .repeatable(
                        "--vm-names",
                        "NAME[,NAME]",
                        "Names of the first guest address.",
                        text -> given(() -> vmNames.addAll(List.of(text.split(",")))));
    }

    private void given(Runnable action) {
        any = true;
        action.run();
    }

    private void zone(String text) {
        int equals = text.indexOf('=');
        if (equals <= 0) {
            throw new IllegalArgumentException("write ZONE=SERVER, as in corp.example=10.0.0.53");
        }
        String list = text.substring(equals + 1);
        List<String> asked = list.isEmpty() ? List.of() : List.of(list.split(","));
        asked.forEach(DnsServer::parse);
        zones.add(new DnsDirectory.Zone(text.substring(0, equals), asked));
    }

    private void record(String text) {
        int equals = text.indexOf('=');
        if (equals <= 0 || equals == text.length() - 1) {
            throw new IllegalArgumentException("write NAME=ADDRESS, as in db.test=10.0.0.5");
        }
        String value = text.substring(equals + 1);
        boolean digits = value.chars().allMatch(c -> c == '.' || c >= '0' && c <= '9');
        String type = value.indexOf(':') >= 0 ? "AAAA" : digits ? "A" : "CNAME";
        records.add(new DnsDirectory.Entry(text.substring(0, equals), type, RECORD_TTL, value));
    }

    /** What they amount to. */
    DnsSettings settings(AddressPlan plan) {
        if (!any) {
            return DnsSettings.defaults();
        }
        try {
            DnsNames names = DnsNames.defaults().plus(hostNames, gatewayNames);
            Map<String, List<IpAddress>> others = new HashMap<>(names.others());
            Ipv6Plan six = plan.ipv6();
            List<IpAddress> first =
                    six == null ? List.of(plan.firstGuest()) : List.of(plan.firstGuest(), six.firstGuest());
            vmNames.forEach(name -> others.put(name, first));
            DnsSettings settings = DnsSettings.defaults()
                    .withNames(new DnsNames(names.host(), names.gateway(), others))
                    .withServers(Upstreams.of(servers))
                    .withCache(!noCache)
                    .withRecords(records)
                    .withZones(zones);
            return hosts == null ? settings : settings.withHosts(hosts);
        } catch (IllegalArgumentException e) {
            throw Failure.usage(String.valueOf(e.getMessage()));
        }
    }
}
