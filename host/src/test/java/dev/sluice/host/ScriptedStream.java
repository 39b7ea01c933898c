package dev.sluice.host;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** One side of a conversation: says what it is told to, and takes what it gets. */
final class ScriptedStream implements StreamSocket {
    /** Of what it got, this much is kept. */
    private static final int KEPT = 1 << 16;

    private final ByteArrayOutputStream got = new ByteArrayOutputStream();
    private byte[] said = {};
    private int taken;
    private long received;
    /** What reads say when all is taken. */
    int afterwards = WOULD_BLOCK;
    /** What writes say; 0 for that they take all. */
    int write;

    /** Whether there may be more after a short read. */
    boolean mayHoldMore = true;
    /** Whether it goes through pipes, in which it says that it has ended, as where urgent data is. */
    boolean splices;

    String ending = "";

    void says(String text) {
        says(text.getBytes(StandardCharsets.US_ASCII));
    }

    void says(byte[] bytes) {
        said = bytes;
        taken = 0;
    }

    /** Bytes that were taken of what it says. */
    int taken() {
        return taken;
    }

    /** Bytes that it got. */
    long received() {
        return received;
    }

    String got() {
        return got.toString(StandardCharsets.US_ASCII);
    }

    @Override
    public int read(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        throw new UnsupportedOperationException("a joint looks first");
    }

    @Override
    public int peek(MemorySegment memory, long at, int length) {
        int n = Math.min(length, said.length - taken);
        MemorySegment.copy(said, taken, memory, ValueLayout.JAVA_BYTE, at, n);
        return n == 0 ? afterwards : n;
    }

    @Override
    public void skip(MemorySegment memory, long at, int length) {
        taken += length;
    }

    @Override
    public int write(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        if (write < 0) {
            return write;
        }
        received += length;
        if (got.size() + length <= KEPT) {
            got.writeBytes(memory.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE));
        }
        return length;
    }

    @Override
    public boolean mayHoldMore() {
        return mayHoldMore;
    }

    @Override
    public boolean splices() {
        return splices;
    }

    @Override
    public int spliceInto(KernelPipe pipe, int length) {
        return END;
    }

    @Override
    public boolean broken() {
        return false;
    }

    @Override
    public void shutdownOutput() {
        ending += "end ";
    }

    @Override
    public void close() {
        ending += "close";
    }

    @Override
    public void reset() {
        ending += "reset";
    }

    @Override
    public HostError error() {
        return HostError.RESET;
    }
}
