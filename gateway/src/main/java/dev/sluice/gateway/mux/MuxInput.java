package dev.sluice.gateway.mux;

import dev.sluice.host.StreamSocket;
import dev.sluice.wire.Bytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What comes from a multiplexer's carrier: the other side's greeting if it has one, then frames and their payload. Confined to the loop. */
final class MuxInput {
    static final byte[] GREETING =
            "https://github.com/moby/vpnkit multiplexer protocol\n".getBytes(StandardCharsets.US_ASCII);

    private static final int CAPACITY = 128 << 10;
    /** Bytes taken from the carrier before others get their turn. */
    private static final int TURN_BUDGET = 1 << 20;

    private final Multiplexer mux;
    /** Made when something comes: many carriers never stand. */
    private MemorySegment in = MemorySegment.NULL;

    private int start;
    private int end;
    /** What comes next of the other side's greeting: its text, then the length of what it has to say besides. */
    private Stage stage;
    /** The channel whose payload is coming, null for one that drops it, and how much is to come. */
    private @Nullable Channel receiver;

    private long payload;

    private enum Stage {
        GREETING,
        GREETING_LENGTH,
        FRAMES
    }

    MuxInput(Multiplexer mux, boolean greeted) {
        this.mux = mux;
        this.stage = greeted ? Stage.GREETING : Stage.FRAMES;
    }

    /** Of the frame that is being told: so many bytes follow its header, for this channel or for nobody. */
    void expect(long bytes, @Nullable Channel channel) {
        payload = bytes;
        receiver = channel;
    }

    /** Takes what the carrier has; false if that was more than one turn's share. */
    boolean takeAll(StreamSocket carrier) {
        if (in.byteSize() == 0) {
            in = Arena.ofAuto().allocate(CAPACITY, 8);
        }
        int taken = 0;
        while (!mux.isEnded()) {
            if (taken >= TURN_BUDGET) {
                return false;
            }
            if (start > 0) {
                MemorySegment.copy(in, start, in, 0, end - start);
                end -= start;
                start = 0;
            }
            int n = carrier.read(in, end, CAPACITY - end, 0, 0);
            if (n > 0) {
                end += n;
                taken += n;
                parse();
            } else if (n == StreamSocket.WOULD_BLOCK) {
                return true;
            } else {
                mux.end(n == StreamSocket.END ? "it closed the connection" : "its connection broke");
            }
        }
        return true;
    }

    /** Takes whole frames, and of payload whatever is there; leaves the start of a header. */
    private void parse() {
        while (!mux.isEnded() && start < end) {
            int available = end - start;
            if (payload > 0) {
                takePayload((int) Math.min(payload, available));
            } else if (stage != Stage.FRAMES) {
                if (!greet(available)) {
                    return;
                }
            } else {
                if (available < 2) {
                    return;
                }
                int length = MuxFrame.length(in, start);
                if (length < MuxFrame.PLAIN_LENGTH || length > MuxFrame.MAX_LENGTH) {
                    mux.end("it sent a header of " + length + " bytes, which is none of the protocol's");
                    return;
                }
                if (available < length) {
                    return;
                }
                int at = start;
                start += length;
                mux.frame(in, at, length);
            }
        }
    }

    private void takePayload(int length) {
        int at = start;
        start += length;
        payload -= length;
        if (receiver != null) {
            receiver.onData(in, at, length);
        }
    }

    /** False if more must come first. */
    private boolean greet(int available) {
        if (stage == Stage.GREETING) {
            if (available < GREETING.length) {
                return false;
            }
            byte[] text = in.asSlice(start, GREETING.length).toArray(ValueLayout.JAVA_BYTE);
            if (!Arrays.equals(text, GREETING)) {
                mux.end("it is no multiplexer: it began with '"
                        + new String(text, StandardCharsets.ISO_8859_1).replaceAll("[^ -~]", ".") + "'");
                return false;
            }
            start += GREETING.length;
            stage = Stage.GREETING_LENGTH;
            return true;
        }
        if (available < 2) {
            return false;
        }
        expect(Bytes.u16LE(in, start), null); // of no meaning yet
        start += 2;
        stage = Stage.FRAMES;
        return true;
    }
}
