package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.link.tap.NamespaceTap;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.loop.EventLoop;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** On a TAP of the kernel, in a network namespace made for the test. */
class RealTapTest {
    private final EventLoop loop;
    private final Recorder recorder = new Recorder() {
        @Override
        public void onFrame(Link link, Frame frame) {
            answer(link, frame);
            super.onFrame(link, frame);
        }
    };
    private @Nullable Process namespace;
    private @Nullable TapLink link;

    RealTapTest() throws Exception {
        loop = EventLoop.start("test");
    }

    @BeforeEach
    void open() throws Exception {
        OpenTap tap;
        try {
            Process process = new ProcessBuilder(
                            "unshare", "--user", "--map-root-user", "--net", "sh", "-c", "echo; read _")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            namespace = process;
            assumeTrue(process.getInputStream().read() >= 0, "skipped: no network namespace can be made here");
            tap = NamespaceTap.openByPid(
                    process.pid(),
                    new TapSpec(
                            "tap0", 1500, Ipv4Cidr.parse("10.9.8.2/24"), Ipv4Address.parse("10.9.8.1"), null, true));
        } catch (IOException e) {
            assumeTrue(false, "skipped: " + e.getMessage());
            return;
        }
        TapLink made = new TapLink(loop, tap, 1500);
        link = made;
        Peer.on(loop, () -> {
            made.start(recorder);
            return null;
        });
    }

    @AfterEach
    void end() throws Exception {
        if (link != null) {
            TapLink made = link;
            Peer.on(loop, () -> {
                made.close();
                return null;
            });
        }
        if (namespace != null) {
            namespace.getOutputStream().close();
            assertThat(namespace.waitFor(60, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(loop.failures()).isZero();
        loop.close();
    }

    /** Turns an ARP request or ping around in place. */
    private static void answer(Link link, Frame frame) {
        MemorySegment s = frame.head;
        long at = frame.headAt;
        long guest = EthernetHeader.source(s, at);
        int type = EthernetHeader.type(s, at);
        if (type == EthernetHeader.TYPE_ARP) {
            int target = Bytes.i32(s, at + 38);
            Bytes.put16(s, at + 20, 2);
            Bytes.put48(s, at + 32, guest);
            Bytes.put32(s, at + 38, Bytes.i32(s, at + 28));
            Bytes.put48(s, at + 22, Frames.GATEWAY);
            Bytes.put32(s, at + 28, target);
        } else if (type == EthernetHeader.TYPE_IPV4 && Bytes.u8(s, at + 23) == 1) {
            int source = Bytes.i32(s, at + 26);
            Bytes.put32(s, at + 26, Bytes.i32(s, at + 30));
            Bytes.put32(s, at + 30, source);
            Bytes.put8(s, at + 34, 0);
            int sum = Bytes.u16(s, at + 36) + 0x800;
            Bytes.put16(s, at + 36, (sum & 0xffff) + (sum >>> 16));
        } else {
            return;
        }
        Bytes.put48(s, at, guest);
        Bytes.put48(s, at + 6, Frames.GATEWAY);
        link.send(frame);
    }

    private int inNamespace(String... command) throws Exception {
        Process process = namespace;
        assertThat(process).isNotNull();
        List<String> all = new ArrayList<>(
                List.of("nsenter", "--preserve-credentials", "-U", "-n", "-t", Long.toString(process.pid())));
        all.addAll(List.of(command));
        Process child = new ProcessBuilder(all)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return child.exitValue();
    }

    @Test
    void theKernelsPingsAreHeardAndItHearsTheAnswers() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/bin/ping")), "skipped: no ping");
        assertThat(inNamespace("ping", "-c", "3", "-i", "0.2", "-W", "20", "10.9.8.1"))
                .isZero();
        assertThat(inNamespace("ping", "-c", "1", "-s", "1472", "-W", "20", "10.9.8.1"))
                .isZero();
    }

    @Test
    void anInterfaceThatIsDownCountsErrorsAndWorksAgainWhenUp() throws Exception {
        TapLink made = link;
        assertThat(made).isNotNull();
        assertThat(inNamespace("ip", "link", "set", "tap0", "down")).isZero();
        Frame frame = Frames.frame(Frames.ethernet(0xffff_ffff_ffffL, Frames.GATEWAY, 60));
        assertThat(Peer.on(loop, () -> made.send(frame))).isFalse();
        assertThat(made.counters().droppedError).isEqualTo(1);
        long turns = loop.turns();
        assertThat(inNamespace("ip", "link", "set", "tap0", "up")).isZero();
        assertThat(loop.turns() - turns).as("it does not spin meanwhile").isLessThan(1000);
        assertThat(Peer.on(loop, () -> made.send(frame))).isTrue();
        assertThat(recorder.closed).isEmpty();
        recorder.frames.clear();
        inNamespace("ping", "-c", "1", "-W", "20", "10.9.8.1");
        assertThat(Recorder.next(recorder.frames)).isNotNull();
    }

    @Test
    void anInterfaceThatIsDeletedEndsTheLink() throws Exception {
        assertThat(inNamespace("ip", "link", "delete", "tap0")).isZero();
        assertThat(Recorder.next(recorder.closed)).contains("the interface is gone");
    }

    @Test
    void aNamespaceWithoutProcessesLivesAsLongAsTheLink() throws Exception {
        TapLink made = link;
        assertThat(made).isNotNull();
        Process process = namespace;
        assertThat(process).isNotNull();
        process.getOutputStream().close();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        // The descriptor holds the namespace: closing the link is what ends both.
        assertThat(Peer.on(loop, () -> made.send(Frames.frame(Frames.ethernet(0xffff_ffff_ffffL, Frames.GATEWAY, 60)))))
                .isTrue();
        assertThat(recorder.closed).isEmpty();
    }
}
