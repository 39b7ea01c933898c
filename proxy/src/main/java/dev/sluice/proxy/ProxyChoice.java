package dev.sluice.proxy;

import dev.sluice.proxy.rule.Exceptions;
import dev.sluice.proxy.rule.ProxySetting;
import dev.sluice.proxy.rule.ProxyUrl;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a user may choose to follow. */
public sealed interface ProxyChoice {
    /** No proxy, whatever the host says. */
    record None() implements ProxyChoice {}

    /** The host's settings, live. */
    record Host() implements ProxyChoice {}

    /** One setting, until it is replaced. */
    record Fixed(ProxySetting setting) implements ProxyChoice {}

    /** The script's path as it was written, perhaps a relative one; null if it is no file. */
    default @Nullable String file() {
        return this instanceof Fixed(ProxySetting.Automatic script)
                        && !script.script().equals(ProxySetting.Automatic.DISCOVER)
                        && script.script().indexOf(':') < 0
                ? script.script()
                : null;
    }

    /**
     * Reads what users write: {@code none}, {@code host}, {@code wpad}, a proxy's URL, or a script's: a URL with a path, or a file whose name
     * ends in {@code .pac}, {@code .dat} or {@code .js}.
     *
     * @param origin who says so, for rules
     * @throws IllegalArgumentException saying what is wrong
     */
    static ProxyChoice parse(String text, String origin) {
        String word = text.strip();
        return switch (word) {
            case "" ->
                throw new IllegalArgumentException(
                        "write 'host', 'none', a proxy as in http://proxy.example:3128, or the URL of a PAC file");
            case "none" -> new None();
            case "host" -> new Host();
            case "wpad" ->
                new Fixed(new ProxySetting.Automatic(origin, ProxySetting.Automatic.DISCOVER, Exceptions.NONE));
            default -> {
                if (isScript(word)) {
                    yield new Fixed(new ProxySetting.Automatic(origin, word, Exceptions.NONE));
                }
                ProxySetting.Way way = new ProxySetting.Way(ProxyUrl.parse(word), origin);
                yield new Fixed(new ProxySetting.Manual(origin, way, way, Exceptions.NONE, null));
            }
        };
    }

    private static boolean isScript(String word) {
        String lower = word.toLowerCase(Locale.ROOT);
        int scheme = lower.indexOf("://");
        if (scheme < 0) {
            return lower.startsWith("file:")
                    || lower.endsWith(".pac")
                    || lower.endsWith(".dat") && lower.indexOf('/') >= 0
                    || lower.endsWith(".js") && lower.indexOf('/') >= 0;
        }
        if (lower.startsWith("file:")) {
            return true;
        }
        boolean web = lower.startsWith("http:") || lower.startsWith("https:");
        int user = lower.lastIndexOf('@');
        int slash = lower.indexOf('/', Math.max(scheme + 3, user));
        return web && slash >= 0 && slash < lower.length() - 1;
    }
}
