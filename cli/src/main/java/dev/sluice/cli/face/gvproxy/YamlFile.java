package dev.sluice.cli.face.gvproxy;

import dev.sluice.cli.view.FileTrouble;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/** gvproxy's configuration file. Every mistake names the member, as {@code stack.dns[0].name}; so does a member that means nothing. */
final class YamlFile {
    private static final long LARGEST = 1 << 20;

    private YamlFile() {}

    /**
     * Reads {@code path} into {@code to}.
     *
     * @throws IllegalArgumentException saying what is wrong, and where
     */
    static void read(Path path, Configuration to) {
        Object document;
        try {
            if (Files.size(path) > LARGEST) {
                throw new IllegalArgumentException(path + " is larger than " + LARGEST + " bytes");
            }
            document = new Load(LoadSettings.builder().setLabel(path.toString()).build())
                    .loadFromString(Files.readString(path));
        } catch (IOException e) {
            throw new IllegalArgumentException("cannot read " + path + ": " + FileTrouble.reason(e), e);
        } catch (YamlEngineException e) {
            throw new IllegalArgumentException(
                    path + " is no YAML: " + String.valueOf(e.getMessage()).replaceAll("\\s+", " "), e);
        }
        if (document == null) {
            return;
        }
        try {
            top(new Members("", document), to);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(path + ": " + e.getMessage(), e);
        }
    }

    private static void top(Members members, Configuration to) {
        to.listen.addAll(members.list("listen", Members::text));
        members.text("log-level", level -> to.debug |= level.equals("debug") || level.equals("trace"));
        members.within("stack", stack -> stack(stack, to));
        members.within("interfaces", interfaces -> {
            for (Configuration.Kind kind : Configuration.Kind.values()) {
                interfaces.text(kind.name().toLowerCase(Locale.ROOT), url -> to.links.put(kind, url));
            }
            interfaces.end();
        });
        for (Members forward : members.list("forwards", Members::of)) {
            to.sshForwards.add(new Configuration.SshForward(
                    forward.text("socket"), forward.text("dest"), forward.text("user"), forward.text("identity")));
            forward.end();
        }
        members.text("pid-file", path -> to.pidFile = Path.of(path));
        members.text("log-file", path -> to.logFile = Path.of(path));
        members.text("services", url -> to.services = url);
        members.text("notification", url -> to.notification = url);
        members.flag("ec2-metadata-access", on -> to.ec2Metadata |= on);
        members.end();
    }

    private static void stack(Members stack, Configuration to) {
        stack.number("mtu", mtu -> to.mtu = mtu);
        stack.text("subnet", text -> to.subnet = Ipv4Cidr.parse(text));
        stack.text("gatewayIP", text -> to.gateway = Ipv4Address.parse(text));
        stack.text("deviceIP", text -> to.device = Ipv4Address.parse(text));
        stack.text("hostIP", text -> to.host = Ipv4Address.parse(text));
        stack.text("gatewayMacAddress", text -> to.gatewayMac = MacAddress.parse(text));
        stack.text("capture-file", text -> to.capture = Path.of(text));
        if (stack.has("dns")) {
            to.zones =
                    stack.list("dns", Members::of).stream().map(YamlFile::zone).toList();
        }
        if (stack.has("dnsSearchDomains")) {
            to.searchDomains = stack.list("dnsSearchDomains", Members::text);
        }
        if (stack.has("forwards")) {
            to.forwards = stack.map("forwards", Function.identity(), Function.identity());
        }
        if (stack.has("nat")) {
            to.nat = stack.map("nat", Ipv4Address::parse, Ipv4Address::parse);
        }
        if (stack.has("gatewayVirtualIPs")) {
            to.virtualAddresses = stack.list("gatewayVirtualIPs", Members::text).stream()
                    .map(Ipv4Address::parse)
                    .toList();
        }
        if (stack.has("dhcpStaticLeases")) {
            to.leases = stack.map("dhcpStaticLeases", Ipv4Address::parse, MacAddress::parse);
        }
        if (stack.has("vpnKitUUIDMacAddresses")) {
            to.macs = stack.map("vpnKitUUIDMacAddresses", UUID::fromString, MacAddress::parse);
        }
        stack.flag("ec2MetadataAccess", on -> to.ec2Metadata |= on);
        stack.flag("debug", on -> to.debug |= on);
        stack.end();
    }

    private static Zones.Zone zone(Members zone) {
        List<Zones.Entry> records = new ArrayList<>();
        for (Members record : zone.list("records", Members::of)) {
            String pattern = record.optional("regexp");
            String name = record.optional("name");
            records.add(new Zones.Entry(
                    name == null ? "" : name,
                    Ipv4Address.parse(record.text("ip")),
                    pattern == null ? null : Pattern.compile(pattern)));
            record.end();
        }
        String usual = zone.optional("defaultIP");
        Zones.Zone made = new Zones.Zone(
                zone.text("name"), records, usual == null || usual.isEmpty() ? null : Ipv4Address.parse(usual));
        zone.end();
        return made;
    }

    /** A mapping whose members are taken one by one. */
    private static final class Members {
        private final String place;
        private final Map<String, @Nullable Object> left = new LinkedHashMap<>();

        Members(String place, @Nullable Object value) {
            this.place = place;
            if (!(value instanceof Map<?, ?> map)) {
                throw new IllegalArgumentException(
                        (place.isEmpty() ? "the document" : place) + " must be a mapping, as in 'mtu: 1500'");
            }
            map.forEach((key, member) -> left.put(String.valueOf(key), member));
        }

        private String path(String name) {
            return place.isEmpty() ? name : place + "." + name;
        }

        private IllegalArgumentException wrong(String name, String why) {
            return new IllegalArgumentException(path(name) + ": " + why);
        }

        boolean has(String name) {
            return left.get(name) != null;
        }

        String text(String name) {
            String found = optional(name);
            if (found == null) {
                throw wrong(name, "must be there");
            }
            return found;
        }

        @Nullable
        String optional(String name) {
            Object value = left.remove(name);
            return value == null ? null : text(path(name), value);
        }

        void text(String name, Consumer<String> to) {
            Object value = left.remove(name);
            if (value != null) {
                give(name, text(path(name), value), to);
            }
        }

        private <T> void give(String name, T value, Consumer<T> to) {
            try {
                to.accept(value);
            } catch (IllegalArgumentException e) {
                throw wrong(name, String.valueOf(e.getMessage()));
            }
        }

        void number(String name, IntConsumer to) {
            Object value = left.remove(name);
            if (value instanceof Integer number) {
                to.accept(number);
            } else if (value != null) {
                throw wrong(name, "must be a whole number");
            }
        }

        void flag(String name, Consumer<Boolean> to) {
            Object value = left.remove(name);
            if (value instanceof Boolean on) {
                to.accept(on);
            } else if (value != null) {
                throw wrong(name, "must be true or false");
            }
        }

        void within(String name, Consumer<Members> to) {
            Object value = left.remove(name);
            if (value != null) {
                to.accept(new Members(path(name), value));
            }
        }

        <T> List<T> list(String name, BiFunction<String, Object, T> item) {
            Object value = left.remove(name);
            if (value == null) {
                return List.of();
            }
            if (!(value instanceof List<?> list)) {
                throw wrong(name, "must be a list");
            }
            List<T> items = new ArrayList<>();
            for (Object each : list) {
                items.add(item.apply(path(name) + "[" + items.size() + "]", each == null ? "" : each));
            }
            return items;
        }

        <K, V> Map<K, V> map(String name, Function<String, K> key, Function<String, V> value) {
            Map<K, V> made = new LinkedHashMap<>();
            within(
                    name,
                    members -> members.left.forEach((k, v) -> members.give(
                            k, k, text -> made.put(key.apply(text), value.apply(text(members.path(k), v))))));
            return made;
        }

        static Members of(String place, Object value) {
            return new Members(place, value);
        }

        static String text(String place, @Nullable Object value) {
            if (value instanceof String || value instanceof Number) {
                return value.toString();
            }
            throw new IllegalArgumentException(place + " must be a text");
        }

        /** Refuses what nobody took. */
        void end() {
            for (String name : left.keySet()) {
                throw wrong(name, "means nothing here");
            }
        }
    }
}
