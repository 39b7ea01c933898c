package dev.sluice.examples;

import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpServer;
import java.io.IOException;

/** Sends back whatever it is sent, on port 9000. */
public final class Echo {
    static final int PORT = 9000;

    private Echo() {}

    public static void main(String... arguments) throws IOException, InterruptedException {
        try (NetStack net = Station.parse(arguments).open();
                TcpServer echo = serve(net)) {
            System.out.println("ready: echo on " + Station.addresses(net) + " port " + echo.port());
            echo.join();
        }
    }

    static TcpServer serve(NetStack net) throws NetException {
        return net.tcp()
                .serve(PORT, 1024, connection -> connection.inputStream().transferTo(connection.outputStream()));
    }
}
