package dev.sluice.proxy.source;

import dev.sluice.proxy.rule.Exceptions;
import dev.sluice.proxy.rule.NoProxy;
import dev.sluice.proxy.rule.ProxySetting;
import dev.sluice.proxy.rule.ProxyUrl;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The variables {@code http_proxy}, {@code https_proxy}, {@code all_proxy} and {@code no_proxy}, in lower case first, then in upper case.
 * {@code HTTP_PROXY} does not count where {@code REQUEST_METHOD} is set: in a CGI program it is the client's header {@code Proxy}.
 */
public final class EnvironmentSource implements ProxySource {
    private static final List<String> NAMES = List.of("http_proxy", "https_proxy", "all_proxy");

    private final Map<String, String> environment;

    public EnvironmentSource(Map<String, String> environment) {
        this.environment = environment;
    }

    /** Whether it says anything, without reading it. */
    public static boolean speaks(Map<String, String> environment) {
        for (String name : NAMES) {
            if (environment.containsKey(name) || environment.containsKey(name.toUpperCase(Locale.ROOT))) {
                return true;
            }
        }
        return false;
    }

    @Override
    public String title() {
        return "the environment";
    }

    @Override
    public List<Path> files() {
        return List.of();
    }

    @Override
    public @Nullable ProxySetting read() {
        String all = variable("all_proxy");
        ProxySetting.Way http = way("http_proxy", all);
        ProxySetting.Way https = way("https_proxy", all);
        if (http == null && https == null) {
            return null;
        }
        String except = variable("no_proxy");
        return new ProxySetting.Manual(
                title(),
                http,
                https,
                except == null
                        ? Exceptions.NONE
                        : new Exceptions(except, NoProxy.parse(String.valueOf(environment.get(except)))),
                null);
    }

    private ProxySetting.@Nullable Way way(String name, @Nullable String otherwise) {
        String variable = variable(name);
        variable = variable == null ? otherwise : variable;
        if (variable == null) {
            return null;
        }
        try {
            return new ProxySetting.Way(ProxyUrl.parse(String.valueOf(environment.get(variable))), variable);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(variable + ": " + e.getMessage(), e);
        }
    }

    /** The name under which it is set to something; null if it is not. */
    private @Nullable String variable(String name) {
        if (environment.containsKey(name)) {
            return isSet(name) ? name : null;
        }
        String upper = name.toUpperCase(Locale.ROOT);
        boolean forged = name.equals("http_proxy") && environment.containsKey("REQUEST_METHOD");
        return !forged && isSet(upper) ? upper : null;
    }

    private boolean isSet(String variable) {
        String value = environment.get(variable);
        return value != null && !value.isBlank();
    }
}
