package dev.sluice.proxy.source;

import dev.sluice.gateway.proxy.Credentials;
import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.proxy.rule.Exceptions;
import dev.sluice.proxy.rule.NoProxy;
import dev.sluice.proxy.rule.ProxySetting;
import dev.sluice.proxy.rule.ProxyUrl;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * GNOME's {@code org.gnome.system.proxy}, as {@code gsettings} prints it. The program is started only if a dconf database of the user or of
 * the machine holds the word "proxy" at all: without it every key has its default, which is none.
 */
public final class GnomeSource implements ProxySource {
    private static final Path MACHINE = Path.of("/etc/dconf/db");
    private static final int MAX_DATABASE = 4 << 20;
    private static final String SCHEMA = "org.gnome.system.proxy";

    private final Map<String, String> environment;
    private final Path machine;

    public GnomeSource(Map<String, String> environment) {
        this(environment, MACHINE);
    }

    GnomeSource(Map<String, String> environment, Path machine) {
        this.environment = environment;
        this.machine = machine;
    }

    @Override
    public String title() {
        return "the GNOME settings";
    }

    /** Where dconf keeps what the user has set. */
    public static Path database(Map<String, String> environment) {
        return KdeSource.configuration(environment).resolve("dconf").resolve("user");
    }

    @Override
    public List<Path> files() {
        return List.of(database(environment), machine);
    }

    @Override
    public @Nullable ProxySetting read() throws IOException {
        if (!mayBeSet()) {
            return null;
        }
        Path gsettings = Program.find("gsettings", environment);
        return gsettings == null ? null : parse(Program.ask(environment, gsettings, "list-recursively", SCHEMA));
    }

    private boolean mayBeSet() {
        List<Path> databases = new ArrayList<>(List.of(database(environment)));
        try (DirectoryStream<Path> more = Files.newDirectoryStream(machine)) {
            more.forEach(databases::add);
        } catch (IOException _) {
            // most machines have none
        }
        for (Path database : databases) {
            try {
                if (Files.isRegularFile(database)
                        && Files.size(database) <= MAX_DATABASE
                        && new String(Files.readAllBytes(database), StandardCharsets.ISO_8859_1).contains("proxy")) {
                    return true;
                }
            } catch (IOException _) {
                // not for this user
            }
        }
        return false;
    }

    /** Reads lines as {@code org.gnome.system.proxy.http host 'proxy.example'}. */
    @Nullable
    ProxySetting parse(String text) {
        Map<String, String> keys = new HashMap<>();
        for (String line : text.split("\n")) {
            String[] words = line.strip().split(" ", 3);
            if (words.length == 3 && words[0].startsWith(SCHEMA)) {
                keys.put(words[0].substring(SCHEMA.length()) + "." + words[1], words[2]);
            }
        }
        return switch (string(keys, ".mode")) {
            case "manual" -> manual(keys);
            case "auto" -> {
                String url = string(keys, ".autoconfig-url");
                yield new ProxySetting.Automatic(
                        title(), url.isEmpty() ? ProxySetting.Automatic.DISCOVER : url, Exceptions.NONE);
            }
            default -> null;
        };
    }

    private @Nullable ProxySetting manual(Map<String, String> keys) {
        Optional<Credentials> credentials = "true".equals(keys.get(".http.use-authentication"))
                ? Optional.of(new Credentials(
                        string(keys, ".http.authentication-user"), string(keys, ".http.authentication-password")))
                : Optional.empty();
        ProxySetting.Way socks = way(keys, "socks", Upstream.Kind.SOCKS5, Optional.empty());
        ProxySetting.Way http = way(keys, "http", Upstream.Kind.HTTP, credentials);
        ProxySetting.Way https = way(keys, "https", Upstream.Kind.HTTP, Optional.empty());
        if (https == null && !"false".equals(keys.get(".use-same-proxy"))) {
            https = http;
        }
        http = http == null ? socks : http;
        https = https == null ? socks : https;
        if (http == null && https == null) {
            return null;
        }
        List<String> ignored = strings(keys.getOrDefault(".ignore-hosts", ""));
        return new ProxySetting.Manual(
                title(), http, https, new Exceptions("GNOME ignore-hosts", NoProxy.of(ignored)), null);
    }

    private static ProxySetting.@Nullable Way way(
            Map<String, String> keys, String kind, Upstream.Kind speaks, Optional<Credentials> credentials) {
        String host = string(keys, "." + kind + ".host");
        String port = keys.getOrDefault("." + kind + ".port", "0");
        if (host.isEmpty() || port.equals("0")) {
            return null;
        }
        String place = (host.indexOf(':') >= 0 && !host.startsWith("[") ? "[" + host + "]" : host) + ":" + port;
        return new ProxySetting.Way(ProxyUrl.at(speaks, place, credentials), "GNOME " + kind + " proxy");
    }

    private static String string(Map<String, String> keys, String key) {
        List<String> values = strings(keys.getOrDefault(key, ""));
        return values.isEmpty() ? "" : values.getFirst();
    }

    /** The quoted strings of a GVariant in text form. */
    private static List<String> strings(String text) {
        List<String> strings = new ArrayList<>();
        int at = 0;
        while (at < text.length()) {
            char quote = text.charAt(at++);
            if (quote != '\'' && quote != '"') {
                continue;
            }
            StringBuilder string = new StringBuilder();
            while (at < text.length() && text.charAt(at) != quote) {
                if (text.charAt(at) == '\\' && at + 1 < text.length()) {
                    at++;
                }
                string.append(text.charAt(at++));
            }
            at++;
            strings.add(string.toString());
        }
        return strings;
    }
}
