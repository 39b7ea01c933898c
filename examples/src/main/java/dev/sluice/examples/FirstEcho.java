package dev.sluice.examples;

import dev.sluice.link.TapLink;
import dev.sluice.link.tap.NamespaceTap;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpServer;
import java.io.IOException;

/** An echo server with an address of its own: all that it takes. */
public final class FirstEcho {
    private FirstEcho() {}

    public static void main(String... arguments) throws IOException, InterruptedException {
        OpenTap tap = NamespaceTap.open(TapSpec.unconfigured("tap0", 1500));
        try (NetStack net = NetStack.open(loop -> new TapLink(loop, tap, 1500), NetConfig.of("10.0.0.2/24"));
                TcpServer echo = net.tcp().serve(9000, 64, c -> c.inputStream().transferTo(c.outputStream()))) {
            System.out.println("ready: echo on " + net.address() + " port " + echo.port());
            echo.join();
        }
    }
}
