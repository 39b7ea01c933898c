package dev.sluice.cli.settings;

import dev.sluice.wire.Ipv4Address;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** What can be said about this machine's proxy settings without loading what reads them: most machines have none. */
public final class HostProxy {
    /** Made by the first variable that has to be looked at. */
    private static final class Loopback {
        /** As programs write a proxy that is on their own machine; the group is the host. */
        static final Pattern FORM = Pattern.compile(
                "(?:[a-z0-9]+://)?(?:[^/]*@)?(?:localhost|127(?:\\.[0-9]{1,3}){3}|\\[::1])(?::[0-9]*)?(?:/.*)?",
                Pattern.CASE_INSENSITIVE);
    }

    private HostProxy() {}

    /** Whether there may be any: a variable, or a place where a desktop or NetworkManager keeps them. */
    static boolean mayBeSet(Map<String, String> environment) {
        for (String name : environment.keySet()) {
            if (isProxy(name)) {
                return true;
            }
        }
        String config = environment.get("XDG_CONFIG_HOME");
        Path home = config == null || config.isEmpty()
                ? Path.of(environment.getOrDefault("HOME", "/"), ".config")
                : Path.of(config);
        return !System.getProperty("os.name", "").equals("Linux")
                || Files.exists(home.resolve("dconf"))
                || Files.exists(home.resolve("kioslaverc"))
                || Files.exists(Path.of("/run/NetworkManager"));
    }

    /** The variables of a command inside that name a proxy of this machine's loopback, which is not its own: the gateway's instead. */
    public static Map<String, String> reachable(Map<String, String> environment, Ipv4Address gateway, long port) {
        Map<String, String> changed = new LinkedHashMap<>();
        for (Map.Entry<String, String> variable : environment.entrySet()) {
            if (isProxy(variable.getKey())
                    && Loopback.FORM.matcher(variable.getValue().strip()).matches()) {
                changed.put(variable.getKey(), "http://" + gateway + ":" + port);
            }
        }
        return changed;
    }

    private static boolean isProxy(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "http_proxy", "https_proxy", "all_proxy" -> true;
            default -> false;
        };
    }
}
