package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.settings.DnsForms;
import dev.sluice.cli.settings.Key;
import dev.sluice.cli.settings.Keys;
import dev.sluice.cli.settings.Settings;
import dev.sluice.cli.settings.Where;
import dev.sluice.gateway.dns.DnsServer;
import java.nio.file.Path;
import java.util.List;

/** The options of a network's name server. */
final class DnsOptions {
    private DnsOptions() {}

    /** Adds them to a command's own. */
    static Syntax addTo(Syntax syntax, Settings.Draft given) {
        return syntax.repeatable(
                        "--dns",
                        "SERVER",
                        "Ask this name server instead of those of this machine: ADDRESS[:PORT], tcp:ADDRESS, or"
                                + " tls:ADDRESS#NAME; may be repeated, the next one is asked where one fails.",
                        text -> given.add(Keys.DNS_SERVERS, List.of(DnsServer.parse(text)), Where.option("--dns")))
                .repeatable(
                        "--dns-zone",
                        "ZONE=SERVER[,SERVER]",
                        "Ask these servers for names under ZONE; without any, such names are here or nowhere. May be repeated.",
                        text -> given.add(Keys.DNS_ZONES, List.of(DnsForms.zone(text)), Where.option("--dns-zone")))
                .repeatable(
                        "--dns-record",
                        "NAME=ADDRESS",
                        "Give NAME (or *.NAME) this address, or make it an alias (NAME=OTHER.NAME); may be repeated.",
                        text -> given.add(
                                Keys.DNS_RECORDS, List.of(DnsForms.record(text)), Where.option("--dns-record")))
                .option(
                        "--hosts",
                        "FILE",
                        "Names and addresses for guests, watched (default: /etc/hosts).",
                        text -> given.set(Keys.DNS_HOSTS, Path.of(text), Where.option("--hosts")))
                .flag(
                        "--no-dns-cache",
                        "Ask the servers each time.",
                        () -> given.set(Keys.DNS_CACHE, false, Where.option("--no-dns-cache")))
                .repeatable(
                        "--host-names",
                        "NAME[,NAME]",
                        "More names of this machine, beside host.sluice.internal and host.docker.internal.",
                        text -> names(given, Keys.HOST_NAMES, text))
                .repeatable(
                        "--gateway-names",
                        "NAME[,NAME]",
                        "More names of the gateway.",
                        text -> names(given, Keys.GATEWAY_NAMES, text))
                .repeatable(
                        "--vm-names",
                        "NAME[,NAME]",
                        "Names of the first guest address.",
                        text -> names(given, Keys.VM_NAMES, text));
    }

    private static void names(Settings.Draft given, Key<List<String>> key, String text) {
        given.add(key, List.of(text.split(",")), Where.option(key.option()));
    }
}
