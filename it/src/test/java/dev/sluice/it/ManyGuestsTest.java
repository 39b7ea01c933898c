package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.FramePort;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Packets;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.RawGuest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** A daemon to which guests come, and from which they go, all day. */
class ManyGuestsTest {
    private static final int GUESTS = 1000;
    /** At a time. */
    private static final int THERE = 20;

    @Test
    void aThousandGuestsComeAndGoAndLeaveNothing() throws Exception {
        try (Lab lab = Lab.open()) {
            Path socket = lab.folder().resolve("vm.sock");
            Program serve = lab.serve("-l", "qemu:" + socket);
            visit(socket, 0); // what is made with the first stays
            awaitAlone(lab, serve);
            int before = sockets(lab, serve);
            crowd(socket, serve, 1, GUESTS);
            awaitAlone(lab, serve);
            Await.until(
                    "as many sockets as before: " + before,
                    () -> sockets(lab, serve) + ", " + serve,
                    () -> sockets(lab, serve) <= before);
            visit(socket, 1);
            serve.signal("TERM");
            assertThat(serve.exitCode()).as(serve.toString()).isZero();
            assertThat(serve.err()).doesNotContain("WARNING", "internal error", "Exception");
            lab.awaitNothingLeft();
        }
    }

    private static void crowd(Path socket, Program serve, int first, int last) throws InterruptedException {
        try (ExecutorService crowd = Executors.newFixedThreadPool(THERE)) {
            List<Future<?>> visits = new ArrayList<>();
            for (int i = first; i <= last; i++) {
                int number = i;
                visits.add(crowd.submit(() -> {
                    visit(socket, number);
                    return true;
                }));
            }
            for (Future<?> visit : visits) {
                visit.get();
            }
        } catch (ExecutionException e) {
            throw new AssertionError(serve.toString(), e);
        }
    }

    /** Addresses come again and again, hardware addresses never. */
    private static void visit(Path socket, int number) throws IOException {
        try (RawGuest guest = new RawGuest(FramePort.qemu(socket), 0x02_00_00_01_00_00L | number)) {
            guest.address = Packets.address("192.168.65." + (3 + number % 250));
            guest.gatewayMac = guest.arp(RawGuest.GATEWAY);
            guest.ping(RawGuest.GATEWAY, 56);
        }
    }

    private static void awaitAlone(Lab lab, Program serve) {
        Await.until(
                "no guest is known any more",
                () -> status(lab, serve) + serve,
                () -> status(lab, serve).contains("\"links\": []"));
    }

    private static String status(Lab lab, Program serve) {
        return lab.sluice("status", "--json", "" + serve.pid()).output();
    }

    /** Its sockets; of other descriptors the runtime opens some whenever it first has to wait for a virtual thread's socket. */
    private static int sockets(Lab lab, Program serve) {
        return Integer.parseInt(lab.onHost("sh", "-c", "ls -l /proc/" + serve.pid() + "/fd | grep -c socket:")
                .output()
                .strip());
    }
}
