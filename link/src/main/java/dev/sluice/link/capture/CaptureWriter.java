package dev.sluice.link.capture;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Pcap;
import dev.sluice.wire.Pcapng;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/** Turns records of rings into a capture file, gathered in a buffer before they are written. One thread, which may block. */
final class CaptureWriter {
    private static final int BUFFER = 512 << 10;
    private static final String APPLICATION = "Sluice";

    /** An interface of the file: a link. */
    private static final class Interface {
        final int number;
        long frames;

        Interface(int number) {
            this.number = number;
        }
    }

    private final CaptureFormat format;
    private final WritableByteChannel out;
    private final Capture capture;
    private final Function<String, String> describe;
    private final int snapLength;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
    private final Map<Integer, Interface> interfaces = new HashMap<>();
    private long frames;
    private long lastTime;
    private long missing;
    /** Bytes of whole records that have been written. */
    private long wholeBytes;

    /** @param describe says more about a link, for people */
    CaptureWriter(
            CaptureFormat format,
            WritableByteChannel out,
            Capture capture,
            int snapLength,
            Function<String, String> describe) {
        this.format = format;
        this.out = out;
        this.capture = capture;
        this.snapLength = snapLength;
        this.describe = describe;
    }

    /** What the file starts with, at once: a reader that waits sees that somebody is there. */
    void begin() throws IOException {
        switch (format) {
            case PCAP -> {
                Pcap.writeFileHeader(MemorySegment.ofBuffer(buffer), 0, snapLength, Pcap.LINKTYPE_ETHERNET);
                buffer.position(Pcap.FILE_HEADER_LENGTH);
            }
            case PCAPNG -> Pcapng.writeSection(buffer, APPLICATION);
        }
        flush();
    }

    /**
     * Adds the frame of a record.
     *
     * @param lost frames that are missing in all so far
     * @return false if this format leaves it out: frames that never reached their guest can't be told from others in pcap
     */
    boolean frame(MemorySegment ring, long lost) throws IOException {
        int reason = FrameRing.reason(ring);
        if (format == CaptureFormat.PCAP && reason == Capture.REASON_LINK_FULL) {
            return false;
        }
        int captured = FrameRing.captured(ring);
        int original = FrameRing.original(ring);
        lastTime = FrameRing.time(ring);
        require(captured + Pcapng.BLOCK_OVERHEAD + 4 * Pcapng.MAX_TEXT);
        frames++;
        switch (format) {
            case PCAP -> {
                MemorySegment header = MemorySegment.ofBuffer(buffer);
                Pcap.writeRecordHeader(header, 0, lastTime, captured, original);
                buffer.position(buffer.position() + Pcap.RECORD_HEADER_LENGTH);
                buffer.put(ring.asSlice(FrameRing.RECORD_HEADER, captured).asByteBuffer());
            }
            case PCAPNG -> {
                Interface from = interfaceOf(FrameRing.link(ring));
                from.frames++;
                Pcapng.writePacket(
                        buffer,
                        from.number,
                        lastTime,
                        ring,
                        FrameRing.RECORD_HEADER,
                        captured,
                        original,
                        FrameRing.direction(ring),
                        comment(reason, FrameRing.segment(ring), lost));
            }
        }
        return true;
    }

    private String comment(int reason, int segment, long lost) {
        if (reason == 0 && segment == 0 && lost == missing) {
            return ""; // nearly always
        }
        StringBuilder comment = new StringBuilder();
        if (lost > missing) {
            comment.append(lost - missing).append(" frames before this one are missing\n");
            missing = lost;
        }
        if (reason != 0) {
            comment.append("dropped: ").append(capture.reason(reason)).append('\n');
        }
        if (segment != 0) {
            comment.append("a super-frame, cut into segments of ")
                    .append(segment)
                    .append(" bytes of payload\n");
        }
        return comment.toString().strip();
    }

    private Interface interfaceOf(int link) throws IOException {
        Interface known = interfaces.get(link);
        if (known != null) {
            return known;
        }
        Interface made = new Interface(interfaces.size());
        interfaces.put(link, made);
        String name = capture.linkName(link);
        Pcapng.writeInterface(buffer, snapLength, name, describe.apply(name));
        return made;
    }

    /** Adds names of addresses, in a format that has them. */
    void names(Map<IpAddress, String> names) throws IOException {
        if (format == CaptureFormat.PCAP || names.isEmpty()) {
            return;
        }
        int start = -1;
        for (Map.Entry<IpAddress, String> name : names.entrySet()) {
            if (start >= 0 && buffer.remaining() < Pcapng.BLOCK_OVERHEAD + Pcapng.MAX_TEXT) {
                Pcapng.endNames(buffer, start);
                start = -1;
            }
            if (start < 0) {
                require(Pcapng.BLOCK_OVERHEAD + Pcapng.MAX_TEXT);
                start = Pcapng.beginNames(buffer);
            }
            Pcapng.writeName(buffer, name.getKey(), name.getValue());
        }
        Pcapng.endNames(buffer, start);
    }

    /** The last words: what each interface saw, and how much is missing. */
    void end(long lost) throws IOException {
        if (format == CaptureFormat.PCAPNG) {
            for (Interface from : interfaces.values()) {
                require(Pcapng.BLOCK_OVERHEAD);
                // which link the missing ones were of, nobody knows: they count with the first
                Pcapng.writeStatistics(buffer, from.number, lastTime, from.frames, from.number == 0 ? lost : 0);
            }
        }
        flush();
    }

    private void require(int bytes) throws IOException {
        if (buffer.remaining() < bytes) {
            flush();
        }
    }

    /** Whether enough has come together to be worth a write. */
    boolean isFull() {
        return buffer.position() > BUFFER / 4;
    }

    void flush() throws IOException {
        buffer.flip();
        while (buffer.hasRemaining()) {
            out.write(buffer);
        }
        wholeBytes += buffer.limit();
        buffer.clear();
    }

    /** Bytes of whole records that were written. */
    long wholeBytes() {
        return wholeBytes;
    }

    long frames() {
        return frames;
    }
}
