package dev.sluice.proxy.source;

import dev.sluice.proxy.rule.Exceptions;
import dev.sluice.proxy.rule.ProxySetting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The PAC file that NetworkManager has for an active connection ({@code proxy.method auto}): the first one that has a URL, in the order of
 * {@code nmcli}, which begins with the connection that has the default route. Not tested against a real NetworkManager.
 */
public final class NetworkManagerSource implements ProxySource {
    /** There while it runs. */
    public static final Path STATE = Path.of("/run/NetworkManager");

    private static final int MAX_CONNECTIONS = 16;

    private final Map<String, String> environment;
    private final Path state;

    public NetworkManagerSource(Map<String, String> environment) {
        this(environment, STATE);
    }

    NetworkManagerSource(Map<String, String> environment, Path state) {
        this.environment = environment;
        this.state = state;
    }

    @Override
    public String title() {
        return "NetworkManager";
    }

    /** It rewrites the state of a device whenever a connection comes or goes. */
    @Override
    public List<Path> files() {
        return List.of(state.resolve("devices"), state.resolve("resolv.conf"));
    }

    @Override
    public @Nullable ProxySetting read() throws IOException {
        Path nmcli = Files.isDirectory(state) ? Program.find("nmcli", environment) : null;
        if (nmcli == null) {
            return null;
        }
        String active = Program.ask(environment, nmcli, "-g", "UUID", "connection", "show", "--active");
        for (String id : active.lines().limit(MAX_CONNECTIONS).toList()) {
            if (id.isBlank()) {
                continue;
            }
            String[] said = Program.ask(
                            environment,
                            nmcli,
                            "-e",
                            "no",
                            "-g",
                            "proxy.method,proxy.pac-url",
                            "connection",
                            "show",
                            id.strip())
                    .split("\n", -1);
            if (said[0].strip().equals("auto") && said.length > 1 && !said[1].isBlank()) {
                return new ProxySetting.Automatic(
                        "NetworkManager connection " + id.strip(), said[1].strip(), Exceptions.NONE);
            }
        }
        return null;
    }
}
