package dev.sluice.bench.lan;

import dev.sluice.link.TapLink;
import dev.sluice.link.tap.NamespaceTap;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetLimits;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpServer;
import java.nio.file.Path;

/** {@code LanHost NETNS MTU ADDRESS/PREFIX}: a host on the TAP {@code tap0} of that namespace, answering iperf3 and echoing. */
public final class LanHost {
    private static final int ECHO = 7700;
    private static final int IPERF = 5201;
    private static final int BUFFER = 4 << 20;
    private static final int QUEUE = 1 << 20;

    private LanHost() {}

    /** Prints a line when it is ready, and serves until it is killed. */
    public static void main(String[] arguments) throws Exception {
        int mtu = Integer.parseInt(arguments[1]);
        // Address and gateway of a TapSpec are for the kernel's side, which the harness sees to.
        TapSpec spec = TapSpec.unconfigured("tap0", mtu);
        OpenTap tap = NamespaceTap.openByPath(Path.of(arguments[0]), spec);
        NetConfig config = NetConfig.of(arguments[2])
                .with(ConflictDetection.none())
                .with(NetLimits.defaults().withConnections(1024, BUFFER, QUEUE));
        try (NetStack net = NetStack.open(loop -> new TapLink(loop, tap, mtu), config);
                IperfServer _ = new IperfServer(net, IPERF);
                TcpServer echo = net.tcp()
                        .serve(
                                ECHO,
                                64,
                                connection -> connection.inputStream().transferTo(connection.outputStream()))) {
            System.out.println("ready: " + net.address());
            echo.join();
        }
    }
}
