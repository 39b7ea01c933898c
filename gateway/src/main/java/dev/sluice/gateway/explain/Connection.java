package dev.sluice.gateway.explain;

import dev.sluice.gateway.explain.Explained.Stage;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.net.SocketTimeoutException;

/** Opens a connection and tells how it went. */
final class Connection {
    private static final int MILLIS = 5_000;

    private Connection() {}

    /**
     * Opens it; reads of it take {@value #MILLIS} ms at most.
     *
     * @param what is there, for people
     * @throws IOException if it cannot be, which was told
     */
    static Socket open(IpAddress address, int port, String what, Steps steps) throws IOException {
        long began = System.nanoTime();
        InetSocketAddress place = new InetSocketAddress(InetAddress.ofLiteral(address.toString()), port);
        String name = (address.toString().indexOf(':') < 0 ? address : "[" + address + "]") + ":" + port;
        Socket socket = new Socket();
        try {
            socket.setSoTimeout(MILLIS);
            socket.connect(place, MILLIS);
            steps.done(Stage.CONNECT, name, "connected", began);
            return socket;
        } catch (IOException e) {
            socket.close();
            String reason = String.valueOf(e.getMessage());
            switch (e) {
                case SocketTimeoutException _ ->
                    steps.failed(
                            Stage.CONNECT,
                            name,
                            what + " at " + name + " does not answer within " + MILLIS / 1000 + " seconds",
                            "something on the way drops it: check firewalls, and whether a VPN or a proxy is needed to get there",
                            began);
                case ConnectException _
                when reason.contains("refused") ->
                    steps.failed(
                            Stage.CONNECT,
                            name,
                            name + " refuses connections",
                            "nothing listens there: check that " + what + " runs, and its port",
                            began);
                case NoRouteToHostException _ ->
                    steps.failed(
                            Stage.CONNECT,
                            name,
                            name + " can't be reached: " + reason,
                            "a router or firewall says there is no way: check the network, or its VPN",
                            began);
                default ->
                    steps.failed(
                            Stage.CONNECT,
                            name,
                            name + " can't be connected to: " + reason,
                            "check the network of this machine",
                            began);
            }
            throw e;
        }
    }
}
