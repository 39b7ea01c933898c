package dev.sluice.gateway.udp;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The gateway's own services by port: a handful, so a scan of an array. */
final class LocalServices {
    private int[] ports = new int[0];
    private LocalDatagramService[] services = new LocalDatagramService[0];

    @Nullable
    LocalDatagramService on(int port) {
        for (int i = 0; i < ports.length; i++) {
            if (ports[i] == port) {
                return services[i];
            }
        }
        return null;
    }

    void add(int port, LocalDatagramService service) {
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("a UDP port is within 1…65535, not " + port);
        }
        if (on(port) != null) {
            throw new IllegalStateException("UDP port " + port + " of the gateway already has a service");
        }
        int n = ports.length;
        ports = Arrays.copyOf(ports, n + 1);
        services = Arrays.copyOf(services, n + 1);
        ports[n] = port;
        services[n] = service;
    }

    void remove(int port) {
        for (int i = 0; i < ports.length; i++) {
            if (ports[i] == port) {
                int n = ports.length - 1;
                ports[i] = ports[n];
                services[i] = services[n];
                ports = Arrays.copyOf(ports, n);
                services = Arrays.copyOf(services, n);
                return;
            }
        }
    }
}
