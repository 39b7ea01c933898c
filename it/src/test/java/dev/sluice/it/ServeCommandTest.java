package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code sluice serve} as a daemon: its sockets, and how it ends. {@link VirtualMachineTest} is for its guests. */
class ServeCommandTest {
    @RegisterExtension
    static final Lab lab = Lab.needing("socat");

    private Program serve(Path socket, String... options) {
        String[] line = new String[options.length + 3];
        line[0] = "serve";
        line[1] = "--listen";
        line[2] = "qemu:" + socket;
        System.arraycopy(options, 0, line, 3, options.length);
        Program serve = lab.sluice(line);
        Await.listening(serve, socket);
        return serve;
    }

    @Test
    void aGuestWhoseStreamIsCutMidFrameIsDroppedAndTheNextIsServed() throws IOException {
        Path socket = lab.folder().resolve("cut.sock");
        Program serve = serve(socket, "-v");
        // a length that no frame follows, a length of 0, one above the limit
        for (String bytes :
                new String[] {"\\000\\000\\000\\100abc", "\\000\\000\\000\\000", "\\377\\377\\377\\377xyz"}) {
            lab.onHost("sh", "-c", "printf '" + bytes + "' | socat -t 5 - UNIX-CONNECT:" + socket)
                    .exitCode();
        }
        Await.until(
                "the guests' ends are said", serve::toString, () -> serve.err().split(" left: ", -1).length > 3);
        assertThat(serve.alive()).isTrue();
        assertThat(lab.sluice("status", "" + serve.pid()).output()).contains("192.168.65.0/24");
        serve.signal("TERM");
        assertThat(serve.exitCode()).isZero();
    }

    @Test
    void aPlaceThatCannotBeListenedAtIsSaidInOneLineAndStays() throws IOException {
        Path file = Files.writeString(lab.folder().resolve("a-file"), "precious");
        Path used = lab.folder().resolve("used.sock");
        Program first = serve(used);
        for (String url : new String[] {
            "qemu:" + file, "qemu:" + used, "vmnet:/no/such/folder/x.sock", "qemu:/proc/x.sock", "fd:77"
        }) {
            Program serve = lab.sluice("serve", "--listen", url);
            assertThat(serve.exitCode()).as(serve.toString()).isEqualTo(69);
            assertThat(serve.err().lines()).as(serve.toString()).hasSize(1);
        }
        assertThat(file).hasContent("precious");
        assertThat(first.alive()).isTrue();
        first.signal("TERM");
        assertThat(first.exitCode()).isZero();
    }

    @Test
    void oneBadPlaceOfSeveralLeavesNoSocketBehind() {
        Path good = lab.folder().resolve("good.sock");
        Program serve = lab.sluice("serve", "--listen", "qemu:" + good, "--listen", "bess:/no/such/folder/x");
        assertThat(serve.exitCode()).isEqualTo(69);
        assertThat(good).doesNotExist();
    }

    @Test
    void theSocketOfAKilledDaemonIsTakenOver() {
        Path socket = lab.folder().resolve("stale.sock");
        Program first = serve(socket);
        first.signal("KILL");
        assertThat(first.exitCode()).isEqualTo(137);
        Program second = lab.sluice("serve", "--listen", "qemu:" + socket);
        Await.until("the second serves", second::toString, () -> second.err().contains("serving") || !second.alive());
        second.signal("TERM");
        assertThat(second.exitCode()).as(second.toString()).isZero();
        assertThat(socket).doesNotExist();
    }
}
