package dev.sluice.it.lab;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** What a test needs of the machine; it is skipped with a printed reason where that is missing. */
public final class Needs {
    private Needs() {}

    /** Namespaces with TAP interfaces, and these programs. */
    public static void lab(String... programs) {
        check("root".equals(System.getProperty("user.name")), "needs root, to make network namespaces");
        check(Files.exists(Path.of("/dev/net/tun")), "needs /dev/net/tun (modprobe tun)");
        check(Files.isDirectory(Path.of("/run")), "needs /run");
        programs("ip", "unshare", "nsenter", "setpriv");
        programs(programs);
    }

    public static void programs(String... names) {
        for (String name : names) {
            check(find(name), "needs the program " + name);
        }
    }

    public static void check(boolean given, String reason) {
        if (!given) {
            System.out.println("skipped: " + reason);
        }
        Assumptions.assumeTrue(given, reason);
    }

    private static boolean find(String name) {
        String path = System.getenv().getOrDefault("PATH", "") + ":/usr/sbin:/sbin";
        for (String folder : path.split(":")) {
            if (new File(folder, name).canExecute()) {
                return true;
            }
        }
        return false;
    }
}
