package dev.sluice.proxy.source;

import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.proxy.rule.AllowList;
import dev.sluice.proxy.rule.Exceptions;
import dev.sluice.proxy.rule.ProxySetting;
import dev.sluice.proxy.rule.ProxyUrl;
import dev.sluice.proxy.rule.VpnkitList;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** VPNKit's settings file: {@code {"http": "proxy:3128", "https": …, "exclude": …, "allow_enabled": …, "allow": […]}}. */
public final class VpnkitSource implements ProxySource {
    private static final int MAX_BYTES = 1 << 20;

    private final Path file;
    private final Function<String, @Nullable Object> json;

    /**
     * @param json reads JSON: objects as maps, arrays as lists, integers as {@link Long}; throws {@link IllegalArgumentException} where it
     *     is none
     */
    public VpnkitSource(Path file, Function<String, @Nullable Object> json) {
        this.file = file;
        this.json = json;
    }

    @Override
    public String title() {
        return file.toString();
    }

    @Override
    public List<Path> files() {
        return List.of(file);
    }

    @Override
    public @Nullable ProxySetting read() throws IOException {
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new IOException("it has more than " + MAX_BYTES + " bytes");
            }
            String text = Files.readString(file, StandardCharsets.UTF_8);
            return text.isBlank() ? null : setting(title(), json.apply(text));
        } catch (NoSuchFileException _) {
            return null;
        }
    }

    /**
     * What such a file says, however it came here.
     *
     * @throws IllegalArgumentException saying what is wrong
     */
    public static ProxySetting setting(String origin, @Nullable Object json) {
        if (!(json instanceof Map<?, ?> object)) {
            throw new IllegalArgumentException("an object is expected: {…}");
        }
        ProxySetting.Way http = way(object, "http");
        ProxySetting.Way https = way(object, "https");
        List<String> allowed = strings(object, "allow");
        boolean allowing = flag(object, "allow_enabled");
        String message = string(object, "allow_error_msg");
        return new ProxySetting.Manual(
                origin,
                http,
                https,
                new Exceptions("\"exclude\"", VpnkitList.parse(string(object, "exclude"))),
                allowing
                        ? new AllowList(
                                "\"allow\" of " + origin,
                                VpnkitList.of(allowed),
                                message.isEmpty() ? AllowList.USUAL_MESSAGE : message)
                        : null);
    }

    /** The ports whose connections the file wants looked into: {@code transparent_http_ports} or {@code transparent_https_ports}. */
    public static List<Integer> ports(@Nullable Object json, String name, List<Integer> usual) {
        if (!(json instanceof Map<?, ?> object) || object.get(name) == null) {
            return usual;
        }
        if (!(object.get(name) instanceof List<?> list)) {
            throw new IllegalArgumentException("\"" + name + "\" must be a list of ports");
        }
        List<Integer> ports = new ArrayList<>();
        for (Object one : list) {
            if (!(one instanceof Long number) || number < 1 || number > 65_535) {
                throw new IllegalArgumentException("\"" + name + "\" must be a list of ports");
            }
            ports.add(number.intValue());
        }
        return List.copyOf(ports);
    }

    private static ProxySetting.@Nullable Way way(Map<?, ?> object, String name) {
        String text = string(object, name);
        if (text.isBlank()) {
            return null;
        }
        try {
            Upstream upstream = ProxyUrl.parse(text);
            return new ProxySetting.Way(upstream, "\"" + name + "\"");
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("\"" + name + "\": " + e.getMessage(), e);
        }
    }

    private static String string(Map<?, ?> object, String name) {
        return switch (object.get(name)) {
            case null -> "";
            case String text -> text;
            default -> throw new IllegalArgumentException("\"" + name + "\" must be a string");
        };
    }

    private static boolean flag(Map<?, ?> object, String name) {
        return switch (object.get(name)) {
            case null -> false;
            case Boolean flag -> flag;
            default -> throw new IllegalArgumentException("\"" + name + "\" must be true or false");
        };
    }

    private static List<String> strings(Map<?, ?> object, String name) {
        List<String> strings = new ArrayList<>();
        switch (object.get(name)) {
            case null -> {}
            case List<?> list -> {
                for (Object one : list) {
                    if (!(one instanceof String text)) {
                        throw new IllegalArgumentException("\"" + name + "\" must be a list of strings");
                    }
                    strings.add(text);
                }
            }
            default -> throw new IllegalArgumentException("\"" + name + "\" must be a list of strings");
        }
        return strings;
    }
}
