package dev.sluice.cli.namespace;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import java.util.List;
import java.util.Map;

/** A process of its own around {@link ChildNamespace}, so that tests can be another user, send it signals and kill it. */
final class ChildProgram {
    private ChildProgram() {}

    public static void main(String[] command) throws Exception {
        int code;
        try (ChildNamespace child = ChildNamespace.start(spec(List.of(command)))) {
            child.configureAndRun();
            child.notes().forEach(System.err::println);
            code = child.waitFor();
        } catch (CommandException e) {
            System.err.println("sluice: " + e.getMessage());
            code = e.exitCode();
        } catch (java.io.IOException e) {
            System.err.println("sluice: " + e.getMessage());
            code = 125;
        }
        System.exit(code);
    }

    static ChildNamespace.Spec spec(List<String> command) {
        return new ChildNamespace.Spec(
                command,
                "tap0",
                1500,
                Ipv4Cidr.parse("192.168.65.3/24"),
                Ipv4Address.parse("192.168.65.1"),
                "nameserver 192.168.65.1\n",
                0x0250_0000_0003L,
                Map.of("SLUICE_TEST", "yes"));
    }
}
