package dev.sluice.cli.network;

import dev.sluice.control.ApiDoor;
import dev.sluice.control.ApiToken;
import dev.sluice.control.ControlException;
import dev.sluice.control.ControlServer;
import dev.sluice.control.ControlSockets;
import dev.sluice.control.ProxyDoor;
import dev.sluice.control.SettingsDoor;
import dev.sluice.gateway.Gateway;
import dev.sluice.loop.LateLogger;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where a network is asked about itself, and steered: its control socket and further places of the API. Nothing of them is there before the first is opened. */
public final class ControlDoors {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.network");

    private final Gateway gateway;
    private final PublishedPorts ports;
    private volatile Map<String, Object> started = Map.of();
    private volatile @Nullable SettingsDoor settingsDoor;
    private volatile @Nullable ProxyDoor proxyDoor;
    private @Nullable ControlServer control;
    private boolean closed;

    ControlDoors(Gateway gateway, PublishedPorts ports) {
        this.gateway = gateway;
        this.ports = ports;
    }

    /** How this process was started, for whoever has to find out what went wrong. */
    public void started(Map<String, Object> settings) {
        started = settings;
    }

    Map<String, Object> started() {
        return started;
    }

    /** As {@link #openSocket}, on a thread of its own: what that needs takes longer to load than many a command runs. */
    public void openSocketBeside() {
        Thread.ofPlatform().daemon().name("control-door").start(this::openSocket);
    }

    /** Starts answering {@code sluice status}; without it the network works as well, so a failure is only said. */
    public void openSocket() {
        try {
            server().open(ControlSockets.own());
        } catch (ControlException e) {
            LOG.log(System.Logger.Level.WARNING, "sluice status can't ask this process: " + e.getMessage());
        }
    }

    /**
     * Serves the control API at a further place.
     *
     * @param token what a client of a TCP port must know; null if there is none
     * @throws ControlException saying why not and what to do
     */
    public void open(ApiDoor door, @Nullable ApiToken token) throws ControlException {
        switch (door) {
            case ApiDoor.Socket(Path path) -> server().open(path);
            case ApiDoor.Port port -> {
                if (token == null) {
                    throw new IllegalArgumentException("a TCP port without a token would serve everybody");
                }
                int chosen = server().open(port, token);
                if (port.address().getPort() == 0) {
                    LOG.log(System.Logger.Level.WARNING, "the API is at http://127.0.0.1:" + chosen);
                }
            }
        }
    }

    private synchronized ControlServer server() throws ControlException {
        ControlServer server = control;
        if (server == null) {
            server = new ControlServer(new ControlView(gateway, ports, this));
            if (closed) {
                server.close();
            }
            control = server;
        }
        return server;
    }

    /** Says who knows the network's settings, for whoever asks over the control socket. */
    public void settings(SettingsDoor door) {
        settingsDoor = door;
    }

    /** Who knows the network's settings; null if nobody does. */
    @Nullable
    SettingsDoor settingsDoor() {
        return settingsDoor;
    }

    /** Which way requests go. */
    public ProxyDoor proxy() {
        ProxyDoor door = proxyDoor;
        return door == null ? ProxyDoor.of(() -> gateway.proxy().policy()) : door;
    }

    /** Says which way requests go. */
    public void proxy(ProxyDoor door) {
        proxyDoor = door;
    }

    void close() {
        ControlServer server;
        synchronized (this) {
            closed = true;
            server = control;
        }
        SettingsDoor door = settingsDoor;
        if (door != null) {
            door.close();
        }
        if (server != null) {
            server.close();
        }
        ProxyDoor followed = proxyDoor;
        if (followed != null) {
            followed.close();
        }
    }
}
