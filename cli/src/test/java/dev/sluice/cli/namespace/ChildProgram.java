package dev.sluice.cli.namespace;

import dev.sluice.posix.Processes;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import sun.misc.Signal;

/** A process of its own around {@link ChildNamespace}, so that tests can be another user, send it signals and kill it. */
final class ChildProgram {
    private ChildProgram() {}

    /** @param arguments the gateway's address, then the command */
    public static void main(String[] arguments) {
        List<String> command = List.of(arguments).subList(1, arguments.length);
        int code;
        try (ChildNamespace child = ChildNamespace.start(spec(Ipv4Address.parse(arguments[0]), command))) {
            Signal.handle(new Signal("TERM"), _ -> child.signal(Processes.SIGTERM));
            child.configureAndRun();
            child.notes().forEach(note -> System.err.println("note: " + note));
            code = child.waitFor();
        } catch (CommandException e) {
            System.err.println("sluice: " + e.getMessage());
            code = e.exitCode();
        } catch (IOException e) {
            System.err.println("sluice: " + e.getMessage());
            code = 125;
        }
        System.exit(code);
    }

    private static ChildNamespace.Spec spec(Ipv4Address gateway, List<String> command) {
        return new ChildNamespace.Spec(
                command,
                "tap0",
                9000,
                Ipv4Cidr.parse("192.168.65.3/24"),
                gateway,
                "nameserver 192.168.65.1\nsearch sluice.test\n",
                0x0250_0000_0003L,
                Map.of("SLUICE_TEST", "a b"));
    }
}
