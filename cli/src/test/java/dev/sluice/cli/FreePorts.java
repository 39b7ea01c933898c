package dev.sluice.cli;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Ports of the loopback for a test to open by number. They are below those that the kernel gives out by itself, so none of them is somebody's
 * by the time it is used, and no two calls give the same.
 */
public final class FreePorts {
    private static final AtomicInteger NEXT =
            new AtomicInteger(20_000 + ThreadLocalRandom.current().nextInt(10_000));

    private FreePorts() {}

    /** One that is free over TCP and UDP. */
    public static int next() {
        for (int tries = 0; tries < 1000; tries++) {
            int port = NEXT.getAndIncrement();
            try (ServerSocket _ = new ServerSocket(port, 1, InetAddress.getLoopbackAddress());
                    DatagramSocket _ = new DatagramSocket(port, InetAddress.getLoopbackAddress())) {
                return port;
            } catch (IOException e) {
                // a service has it: the next
            }
        }
        throw new AssertionError("no port is free");
    }
}
