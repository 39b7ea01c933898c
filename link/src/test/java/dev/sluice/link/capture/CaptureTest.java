package dev.sluice.link.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.link.FakeLink;
import dev.sluice.link.Frame;
import dev.sluice.link.FrameTap;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Pcap;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From taps to files, without a loop: the test's thread is the loop. */
class CaptureTest {
    private static final byte[] WEB =
            Packets.ipv4("192.168.65.3", "93.184.216.34", Packets.TCP, Packets.ports(40000, 80));
    private static final byte[] DNS = Packets.ipv4("192.168.65.3", "192.168.65.1", Packets.UDP, Packets.ports(5, 53));
    private static final byte[] PING = Packets.ipv4("192.168.65.3", "192.168.65.1", 1, new byte[8]);

    @TempDir
    Path directory;

    private final Capture capture = new Capture(List.of("bad-ipv4", "bad-tcp"));
    private final FrameTap tap = capture.tap(new FakeLink("tap0"));
    private final CaptureSession.Surroundings surroundings = new CaptureSession.Surroundings() {
        @Override
        public Map<IpAddress, String> names() {
            return Map.of(IpAddress.parse("192.168.65.1"), "gateway.sluice.internal");
        }

        @Override
        public String describe(String link) {
            return "guests of " + link;
        }

        @Override
        public void leave(CaptureSession session, Runnable task) {
            task.run();
        }
    };

    private void receive(byte[] frame) {
        tap.received(Packets.frame(frame));
        tap.handled();
    }

    /** What a session writes until it is stopped, which it was before. */
    private byte[] written(CaptureSession session, CaptureFormat format) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        session.stop();
        session.run(format, Channels.newChannel(out), 0);
        session.close();
        return out.toByteArray();
    }

    private CaptureSession live(String filter) {
        return CaptureSession.live(capture, surroundings, Filter.compile(filter, _ -> null), 65_535);
    }

    private static List<byte[]> framesOf(byte[] pcap) {
        MemorySegment file = Packets.segment(pcap);
        assertThat(Pcap.check(file, 0, pcap.length)).isEqualTo(Flaw.NONE);
        Pcap.Reader reader = new Pcap.Reader(file, 0, pcap.length);
        List<byte[]> frames = new ArrayList<>();
        while (reader.next()) {
            frames.add(file.asSlice(reader.at(), reader.captured()).toArray(ValueLayout.JAVA_BYTE));
        }
        return frames;
    }

    @Test
    void aLiveCaptureHoldsWhatItsFilterWantsFromItsStartToItsEnd() throws IOException {
        receive(WEB);
        CaptureSession session = live("tcp port 80");
        receive(WEB);
        receive(DNS);
        tap.sent(Packets.frame(WEB), true);
        byte[] pcap = written(session, CaptureFormat.PCAP);
        receive(WEB);
        assertThat(framesOf(pcap)).containsExactly(WEB, WEB);
        assertThat(capture.isIdle()).isTrue();
        assertThat(session.frames()).isEqualTo(2);
        assertThat(session.lost()).isZero();
    }

    @Test
    void aCaptureEndsWithItsNumberOfFrames() throws IOException {
        CaptureSession session = live("");
        for (int i = 0; i < 5; i++) {
            receive(WEB);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        session.run(CaptureFormat.PCAP, Channels.newChannel(out), 3);
        session.close();
        assertThat(framesOf(out.toByteArray())).hasSize(3);
    }

    @Test
    void ringsKeepTheLastFramesByRule() throws IOException {
        assertThat(capture.rings()).isEmpty();
        capture.keepRings();
        capture.keepRings();
        receive(WEB);
        receive(DNS);
        receive(PING);
        assertThat(capture.rings())
                .extracting(Capture.RingStatus::name, Capture.RingStatus::frames)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("all", 3L),
                        org.assertj.core.groups.Tuple.tuple("dns", 1L),
                        org.assertj.core.groups.Tuple.tuple("ntp", 0L),
                        org.assertj.core.groups.Tuple.tuple("icmp", 1L),
                        org.assertj.core.groups.Tuple.tuple("http-proxy", 0L),
                        org.assertj.core.groups.Tuple.tuple("bad", 0L));
        assertThat(framesOf(ring(Rule.DNS, ""))).containsExactly(DNS);
        assertThat(framesOf(ring(Rule.ALL, "icmp or tcp"))).containsExactly(WEB, PING);
        assertThat(Rule.of("http_proxy")).isEqualTo(Rule.HTTP_PROXY);
        assertThatThrownBy(() -> Rule.of("x"))
                .hasMessage("there is no ring 'x'; there are all, dns, ntp, icmp, http-proxy, bad");
    }

    private byte[] ring(Rule rule, String filter) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (CaptureSession session =
                CaptureSession.of(capture, surroundings, rule, Filter.compile(filter, _ -> null), false)) {
            session.run(CaptureFormat.PCAP, Channels.newChannel(out), 0);
        }
        return out.toByteArray();
    }

    @Test
    void whatIsDroppedIsInTheBadRingAndSaysWhyEverywhere() throws IOException {
        capture.keepRings();
        CaptureSession session = live("tcp");
        tap.received(Packets.frame(WEB));
        tap.sent(Packets.frame(PING), true); // an answer before the verdict
        capture.dropped(1);
        capture.dropped(0); // the first reason counts
        tap.handled();
        capture.dropped(0); // of no frame
        tap.received(Packets.frame(DNS));
        capture.badSource();
        tap.handled();
        assertThat(framesOf(ring(Rule.BAD, ""))).containsExactly(WEB, DNS);
        String text = latin(written(session, CaptureFormat.PCAPNG));
        assertThat(text).contains("dropped: bad-tcp").doesNotContain("bad-ipv4");
    }

    @Test
    void aFrameThatAFullLinkDroppedIsOnlyInTheFormatThatCanSaySo() throws IOException {
        CaptureSession pcap = live("");
        CaptureSession pcapng = live("");
        tap.sent(Packets.frame(WEB), false);
        assertThat(framesOf(written(pcap, CaptureFormat.PCAP))).isEmpty();
        assertThat(latin(written(pcapng, CaptureFormat.PCAPNG))).contains("dropped: the guest's link was full");
    }

    @Test
    void pcapngTellsOfLinksNamesAndSuperFrames() throws IOException {
        CaptureSession session = live("tcp");
        byte[] answer = Packets.ipv4(
                "192.168.65.1",
                "192.168.65.3",
                Packets.UDP,
                Packets.ports(53, 5, Packets.dnsAnswer("www.example.com", Packets.address("93.184.216.34"))));
        tap.sent(Packets.frame(answer), true);
        Frame big = Packets.frame(WEB);
        big.gso = Frame.GSO_TCP4;
        big.gsoSize = 1460;
        tap.received(big);
        tap.handled();
        String text = latin(written(session, CaptureFormat.PCAPNG));
        assertThat(text)
                .contains("tap0", "guests of tap0", "gateway.sluice.internal\0", "segments of 1460 bytes")
                .contains(latin(Packets.address("93.184.216.34")) + "www.example.com\0");
        assertThat(text.indexOf("www.example.com")).isLessThan(text.indexOf("guests of tap0"));
    }

    /** Every block's length stands at its start and its end, and all of them fill the file. */
    @Test
    void pcapngBlocksAreWhole() throws IOException {
        CaptureSession session = live("");
        for (int i = 0; i < 2000; i++) {
            receive(Packets.ethernet(1, 2, 0x88b5, new byte[46 + i % 7]));
        }
        MemorySegment file = Packets.segment(written(session, CaptureFormat.PCAPNG));
        int packets = 0;
        for (long at = 0; at < file.byteSize(); ) {
            int length = file.get(ValueLayout.JAVA_INT_UNALIGNED, at + 4);
            assertThat(length).isGreaterThan(11);
            assertThat(length % 4).isZero();
            assertThat(file.get(ValueLayout.JAVA_INT_UNALIGNED, at + length - 4))
                    .isEqualTo(length);
            packets += file.get(ValueLayout.JAVA_INT_UNALIGNED, at) == 6 ? 1 : 0;
            at += length;
        }
        assertThat(packets).isEqualTo(2000);
    }

    @Test
    void whatAReaderMissedIsCountedAndTold() throws IOException {
        CaptureSession session = live("");
        byte[] frame = Packets.ethernet(1, 2, 0x88b5, new byte[60_000]);
        Frame reused = Packets.frame(frame);
        for (int i = 0; i < 200; i++) {
            tap.received(reused);
            tap.handled();
        }
        String text = latin(written(session, CaptureFormat.PCAPNG));
        assertThat(session.frames() + session.lost()).isEqualTo(200);
        assertThat(session.lost()).isPositive();
        assertThat(text).contains(session.lost() + " frames before this one are missing");
    }

    @Test
    void recordingAllocatesNothing() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        capture.keepRings();
        try (CaptureSession _ = live("(tcp port 80 or host fd00::1) and not net 10.0.0.0/8");
                CaptureSession _ = live("guest 02:00:00:00:00:03")) {
            Frame[] frames = {Packets.frame(WEB), Packets.frame(DNS), Packets.frame(PING)};
            long least = Long.MAX_VALUE;
            // what compiling takes is the machine's business
            for (long until = System.nanoTime() + 60_000_000_000L; least >= 1000 && System.nanoTime() - until < 0; ) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 10_000; i++) {
                    Frame frame = frames[i % 3];
                    tap.received(frame);
                    if (i % 50 == 0) {
                        capture.dropped(0);
                    }
                    tap.sent(frame, true);
                    tap.handled();
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertThat(least).as("bytes for 20,000 frames").isLessThan(1000);
        }
    }

    @Test
    void aSleepingReaderIsWokenByTheNextFrame() throws Exception {
        CaptureSession session = live("");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Thread reader = Thread.ofVirtual().start(() -> {
            try {
                session.run(CaptureFormat.PCAP, Channels.newChannel(out), 1);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        while (reader.getState() != Thread.State.TIMED_WAITING) {
            Thread.sleep(1);
        }
        receive(WEB);
        assertThat(reader.join(java.time.Duration.ofSeconds(60))).isTrue();
        session.close();
        assertThat(framesOf(out.toByteArray())).containsExactly(WEB);
    }

    @Test
    void aFileIsWrittenUntilItIsClosed() throws IOException {
        Path file = directory.resolve("a.pcap");
        CaptureFile written = CaptureFile.open(file, () -> live(""));
        receive(WEB);
        receive(DNS);
        written.close();
        assertThat(framesOf(Files.readAllBytes(file))).containsExactly(WEB, DNS);
        assertThat(written.frames()).isEqualTo(2);
        assertThat(capture.isIdle()).isTrue();
        Path other = directory.resolve("b.pcapng");
        CaptureFile.open(other, () -> live("")).close();
        assertThat(latin(Files.readAllBytes(other))).startsWith("\n\r\r\n");
    }

    @Test
    void aFileThatCanNotBeWrittenIsSaidAndNothingIsRecorded() {
        assertThatThrownBy(() -> CaptureFile.open(directory.resolve("none/x.pcap"), () -> live("")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("can't write the capture file")
                .hasMessageContaining("there is no such folder");
        assertThat(capture.isIdle()).isTrue();
    }

    /** A disk that is full: the capture ends, with whole records, and the network goes on. */
    @Test
    void aFullDiskEndsTheCaptureAndLetsGoOfItsRing() throws Exception {
        org.junit.jupiter.api.Assumptions.assumeTrue(Files.exists(Path.of("/dev/full")), "needs /dev/full");
        CaptureFile file = CaptureFile.open(Path.of("/dev/full"), () -> live(""));
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (!capture.isIdle() && System.nanoTime() - deadline < 0) {
            Thread.sleep(1);
        }
        assertThat(capture.isIdle()).isTrue();
        file.close();
    }

    /** As where the program that read the pipe has stopped, and still has it open. */
    @Test
    void aPipeThatNobodyReadsDoesNotHoldUpTheEnd() throws Exception {
        Path pipe = directory.resolve("pipe.pcap");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        try (FileChannel _ = FileChannel.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            CaptureFile file = CaptureFile.open(pipe, () -> live(""));
            byte[] frame = Packets.ethernet(1, 2, 0x88b5, new byte[60_000]);
            for (int i = 0; i < 20; i++) { // many times what a pipe holds
                receive(frame);
            }
            assertThatThrownBy(() -> file.close(Duration.ofMillis(50)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(pipe + " takes no more");
            assertThat(capture.isIdle()).isTrue();
        }
    }

    private static String latin(byte[] bytes) {
        return new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
    }
}
