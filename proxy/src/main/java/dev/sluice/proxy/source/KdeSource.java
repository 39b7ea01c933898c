package dev.sluice.proxy.source;

import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.proxy.rule.Exceptions;
import dev.sluice.proxy.rule.NoProxy;
import dev.sluice.proxy.rule.ProxySetting;
import dev.sluice.proxy.rule.ProxyUrl;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** KDE's {@code kioslaverc}, group {@code [Proxy Settings]}, of the user only. */
public final class KdeSource implements ProxySource {
    private static final int MAX_BYTES = 1 << 20;

    private final Path file;

    public KdeSource(Map<String, String> environment) {
        this.file = file(environment);
    }

    /** Where KDE keeps the settings. */
    public static Path file(Map<String, String> environment) {
        return configuration(environment).resolve("kioslaverc");
    }

    /** The user's folder of settings (XDG Base Directory Specification). */
    static Path configuration(Map<String, String> environment) {
        String folder = environment.getOrDefault("XDG_CONFIG_HOME", "");
        return folder.startsWith("/")
                ? Path.of(folder)
                : Path.of(environment.getOrDefault("HOME", "/")).resolve(".config");
    }

    @Override
    public String title() {
        return "the KDE settings";
    }

    @Override
    public List<Path> files() {
        return List.of(file);
    }

    @Override
    public @Nullable ProxySetting read() throws IOException {
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new IOException(file + " has more than " + MAX_BYTES + " bytes");
            }
            return parse(Files.readString(file, StandardCharsets.UTF_8));
        } catch (NoSuchFileException _) {
            return null;
        }
    }

    @Nullable
    ProxySetting parse(String text) {
        Map<String, String> keys = group(text);
        return switch (keys.getOrDefault("ProxyType", "0")) {
            case "1" -> manual(keys);
            case "2" -> {
                String script = keys.getOrDefault("Proxy Config Script", "");
                yield script.isEmpty() ? null : new ProxySetting.Automatic(title(), script, Exceptions.NONE);
            }
            case "3" -> new ProxySetting.Automatic(title(), ProxySetting.Automatic.DISCOVER, Exceptions.NONE);
            default -> null; // 0 is none, 4 the environment, which speaks for itself
        };
    }

    private static Map<String, String> group(String text) {
        Map<String, String> keys = new HashMap<>();
        boolean inside = false;
        for (String line : text.split("\r?\n")) {
            String stripped = line.strip();
            int equals = stripped.indexOf('=');
            if (stripped.startsWith("[")) {
                inside = stripped.equals("[Proxy Settings]");
            } else if (inside && equals > 0) {
                String key = stripped.substring(0, equals).strip();
                int marks = key.indexOf("[$");
                keys.put(
                        marks > 0 ? key.substring(0, marks) : key,
                        stripped.substring(equals + 1).strip());
            }
        }
        return keys;
    }

    private @Nullable ProxySetting manual(Map<String, String> keys) {
        ProxySetting.Way socks = way(keys, "socksProxy", Upstream.Kind.SOCKS5);
        ProxySetting.Way http = way(keys, "httpProxy", Upstream.Kind.HTTP);
        ProxySetting.Way https = way(keys, "httpsProxy", Upstream.Kind.HTTP);
        http = http == null ? socks : http;
        https = https == null ? socks : https;
        if (http == null && https == null) {
            return null;
        }
        boolean reversed = keys.getOrDefault("ReversedException", "false").equals("true");
        return new ProxySetting.Manual(
                title(),
                http,
                https,
                new Exceptions("KDE NoProxyFor", NoProxy.parse(keys.getOrDefault("NoProxyFor", "")), reversed),
                null);
    }

    /** KDE writes {@code http://proxy.example 3128}, with a space before the port; a colon is understood as well. */
    private static ProxySetting.@Nullable Way way(Map<String, String> keys, String key, Upstream.Kind kind) {
        String value = keys.getOrDefault(key, "");
        if (value.isEmpty()) {
            return null;
        }
        String url = value.replaceFirst(" +([0-9]+)$", ":$1");
        Upstream upstream = kind == Upstream.Kind.SOCKS5 && url.indexOf("://") < 0
                ? ProxyUrl.parse("socks5://" + url)
                : ProxyUrl.parse(url);
        return new ProxySetting.Way(upstream, "KDE " + key);
    }
}
