package dev.sluice.cli.settings;

import dev.sluice.cli.options.Spelling;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.forward.ForwardSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Makes settings of documents, and tells every mistake in one go. */
public final class SettingsReader {
    private final Mistakes mistakes = new Mistakes();
    private final Settings.Draft draft = new Settings.Draft();

    private SettingsReader() {}

    /**
     * Reads a file.
     *
     * @throws SettingsException with everything that is wrong
     * @throws NoSuchFileException if it is not there
     * @throws IOException if it cannot be read
     */
    public static Settings file(Path path) throws IOException, SettingsException {
        return yaml(text(path), path);
    }

    /** The content of a settings file. */
    static String text(Path path) throws IOException, SettingsException {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(path)) {
            bytes = in.readNBytes(4 * YamlDocument.MAX_LENGTH + 1);
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new SettingsException(List.of(new Mistake(where(path), "", "it is not written in UTF-8")));
        }
    }

    private static Where where(Path path) {
        return new Where(path.toString(), path.toAbsolutePath().getParent(), 0, 0);
    }

    /** Reads the text of a file. */
    static Settings yaml(String text, Path path) throws SettingsException {
        SettingsReader reader = new SettingsReader();
        Item root = YamlDocument.read(text, where(path), reader.mistakes);
        return reader.settings(root);
    }

    /** Reads a document that came as JSON. */
    static Settings json(@Nullable Object document, Where where) throws SettingsException {
        return new SettingsReader().settings(document == null ? null : Item.of(document, where));
    }

    private Settings settings(@Nullable Item root) throws SettingsException {
        switch (root) {
            case Item.Mapping mapping -> section("", mapping);
            case null -> {}
            default -> mistakes.add(root.where(), "", "it must be a mapping, as 'dns: …', not " + root.kind());
        }
        Settings settings = draft.build();
        check(settings, mistakes);
        mistakes.raise();
        return settings;
    }

    private void section(String place, Item.Mapping mapping) {
        mapping.members().forEach((name, member) -> {
            String full = place + name;
            Key<?> key = Keys.ALL.stream()
                    .filter(each -> each.name().equals(full))
                    .findFirst()
                    .orElse(null);
            if (key != null) {
                value(key, member.item());
            } else if (Keys.ALL.stream().noneMatch(each -> each.name().startsWith(full + "."))) {
                mistakes.add(member.where(), full, unknown(place, name));
            } else if (member.item() instanceof Item.Mapping below) {
                section(full + ".", below);
            } else if (!(member.item() instanceof Item.Scalar(Object value, String _, Where _) && value == null)) {
                mistakes.add(
                        member.item().where(),
                        full,
                        "is a section, with " + String.join(", ", names(full + ".")) + " in it, not "
                                + member.item().kind());
            }
        });
    }

    private <T extends Object> void value(Key<T> key, Item item) {
        T value = key.form().read(item, key.name(), mistakes);
        if (value != null) {
            draft.set(key, value, item.where());
        }
    }

    /** Names that may stand at a place. */
    private static Set<String> names(String place) {
        Set<String> names = new TreeSet<>();
        for (Key<?> key : Keys.ALL) {
            if (key.name().startsWith(place)) {
                String rest = key.name().substring(place.length());
                names.add(rest.contains(".") ? rest.substring(0, rest.indexOf('.')) : rest);
            }
        }
        return names;
    }

    private static String unknown(String place, String name) {
        Set<String> here = names(place);
        String near = Spelling.nearest(name, here);
        if (near != null) {
            return "means nothing; did you mean '" + near + "'?";
        }
        for (Key<?> key : Keys.ALL) {
            if (key.name().endsWith("." + name)) {
                return "means nothing here; did you mean '" + key.name() + "'?";
            }
        }
        return "means nothing; known " + (place.isEmpty() ? "" : "there ") + "are " + String.join(", ", here);
    }

    // ---- what one key cannot know of another

    /** Looks at what values say together. */
    static void check(Settings all, Mistakes mistakes) {
        Where six = all.where(Keys.SUBNET6);
        if (six != null && !all.get(Keys.IPV6, true)) {
            mistakes.add(six, Keys.SUBNET6.name(), "gives a network to IPv6, which network.ipv6 switches off");
        }
        if (six != null && all.get(Keys.MTU, (long) AddressPlan.MAX_MTU) < Ipv6Plan.MIN_MTU) {
            mistakes.add(
                    six,
                    Keys.SUBNET6.name(),
                    "gives a network to IPv6, which needs a network.mtu of " + Ipv6Plan.MIN_MTU + " or more");
        }
        Where published = all.where(Keys.PUBLISH);
        if (published != null) {
            Set<ForwardSpec.Listen> places = new HashSet<>();
            for (ForwardSpec spec : all.get(Keys.PUBLISH, List.of())) {
                boolean chosen = spec.listen() instanceof ForwardSpec.Port(var _, int port, var _) && port == 0;
                if (!chosen && !places.add(spec.listen())) {
                    mistakes.add(published, Keys.PUBLISH.name(), "leads " + spec.listen() + " to two places");
                }
            }
        }
        Where gateway = all.where(Keys.GATEWAY_FORWARDS);
        if (gateway != null) {
            Set<String> ports = new HashSet<>();
            all.get(Keys.GATEWAY_FORWARDS, List.of()).forEach(forward -> {
                if (!ports.add(forward.port() + (forward.udp() ? "/udp" : "/tcp"))) {
                    mistakes.add(
                            gateway, Keys.GATEWAY_FORWARDS.name(), "leads port " + forward.port() + " to two places");
                }
            });
        }
        for (Key<?> key : List.of(Keys.DNS_RECORDS, Keys.HOST_NAMES, Keys.GATEWAY_NAMES, Keys.VM_NAMES)) {
            Where where = all.where(key);
            if (where != null) {
                try {
                    NetworkParts.dnsOf(key, all);
                } catch (IllegalArgumentException e) {
                    mistakes.add(where, key.name(), String.valueOf(e.getMessage()));
                }
            }
        }
    }
}
