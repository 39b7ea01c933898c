package dev.sluice.cli.namespace;

import dev.sluice.link.tap.NamespaceTap;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.nio.file.Path;

/** A process of its own around {@link NamespaceTap}: holds the interface until its standard input ends. */
final class AttachProgram {
    private AttachProgram() {}

    /** @param arguments a process id or a path; the interface; yes or no for configuring it */
    public static void main(String[] arguments) throws IOException {
        TapSpec spec = new TapSpec(
                arguments[1],
                9000,
                Ipv4Cidr.parse("192.168.65.3/24"),
                Ipv4Address.parse("192.168.65.1"),
                MacAddress.parse("02:50:00:00:00:03"),
                arguments[2].equals("yes"));
        try {
            OpenTap tap = arguments[0].startsWith("/")
                    ? NamespaceTap.openByPath(Path.of(arguments[0]), spec)
                    : NamespaceTap.openByPid(Long.parseLong(arguments[0]), spec);
            System.out.println("open " + tap.name() + " " + tap.mac() + " " + tap.offloads());
            int _ = System.in.read();
        } catch (IOException e) {
            System.out.println("error " + e.getMessage());
        }
    }
}
