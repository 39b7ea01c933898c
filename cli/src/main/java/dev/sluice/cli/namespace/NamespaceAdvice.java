package dev.sluice.cli.namespace;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Why this system makes no namespaces for us, and what would change that. */
final class NamespaceAdvice {
    private NamespaceAdvice() {}

    /**
     * One line for a person.
     *
     * @param error what {@code unshare} said
     * @param user whether a user namespace was asked for
     */
    static String explain(String error, boolean user) {
        return explain(error, user, NamespaceAdvice::setting);
    }

    /** @param settings the content of a file under /proc/sys, or null if there is none */
    static String explain(String error, boolean user, Function<String, @Nullable String> settings) {
        if (error.contains("kill-child")) {
            return "cannot make namespaces (" + error
                    + "): this 'unshare' knows too little, as BusyBox's and old ones do;"
                    + " install the package util-linux (2.32 or newer)";
        }
        return "cannot make namespaces (" + (error.isEmpty() ? "unshare failed" : error) + "): "
                + (error.contains("No space left") ? full(settings) : reason(user, settings));
    }

    /** One line for a person, about what {@code ip} said. */
    static String network(String error) {
        return "cannot configure the namespace's network: "
                + (error.contains("BusyBox")
                        ? "this 'ip' is BusyBox's, which knows too little; install the package iproute2"
                        : error.isEmpty() ? "its set-up shell was killed" : error);
    }

    /** ENOSPC (unshare(2)): a limit of namespaces, or of how deep user namespaces may lie in each other. */
    private static String full(Function<String, @Nullable String> settings) {
        String tightest = null;
        int least = 1000; // more are hardly ever used up
        for (String kind : List.of("user", "net", "mnt", "pid")) {
            String setting = "user/max_" + kind + "_namespaces";
            String limit = settings.apply(setting);
            if (limit != null && limit.matches("[0-9]{1,3}") && Integer.parseInt(limit) < least) {
                least = Integer.parseInt(limit);
                tightest = setting;
            }
        }
        if (tightest != null) {
            return "this system allows " + least + " of one kind; as root: sysctl -w " + tightest.replace('/', '.')
                    + "=15000";
        }
        return "there are as many as this system allows; end what has made them, or, as root, raise the limits in"
                + " /proc/sys/user";
    }

    private static String reason(boolean user, Function<String, @Nullable String> settings) {
        if (!user) {
            return "this root lacks rights, as in most containers; start the container with --cap-add SYS_ADMIN"
                    + " --cap-add NET_ADMIN, or run as an ordinary user";
        }
        if ("0".equals(settings.apply("kernel/unprivileged_userns_clone"))) {
            return "this system forbids user namespaces to ordinary users; as root: sysctl -w"
                    + " kernel.unprivileged_userns_clone=1";
        }
        if ("0".equals(settings.apply("user/max_user_namespaces"))) {
            return "this system allows no user namespaces; as root: sysctl -w user.max_user_namespaces=15000";
        }
        if ("1".equals(settings.apply("kernel/apparmor_restrict_unprivileged_userns"))) {
            return "AppArmor forbids user namespaces to programs without a profile; as root: sysctl -w"
                    + " kernel.apparmor_restrict_unprivileged_userns=0";
        }
        if ("0".equals(settings.apply("user/max_net_namespaces"))) {
            return "this system allows no network namespaces; as root: sysctl -w user.max_net_namespaces=15000";
        }
        return "user namespaces are forbidden here, in a container often by its seccomp profile; allow them there, or run as"
                + " root";
    }

    private static @Nullable String setting(String name) {
        try {
            // not readString: such a file answers one read only, and its first is of a single byte
            return Files.readAllLines(Path.of("/proc/sys", name)).getFirst();
        } catch (IOException absent) {
            return null;
        }
    }
}
