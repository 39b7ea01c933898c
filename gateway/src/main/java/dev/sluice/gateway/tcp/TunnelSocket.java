package dev.sluice.gateway.tcp;

import dev.sluice.host.HostError;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.IpAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A connection through a tunnel: a Unix socket whose owner is told, in one length-prefixed JSON object, where it leads, answers in
 * another whether it takes it, and from then on carries it. It counts as connected when it was taken, and as refused when it was not,
 * the answer makes no sense, or none comes in time. Confined to the loop.
 */
final class TunnelSocket implements StreamSocket, StreamSocket.Events {
    /** As long as Linux tries to connect by itself. */
    private static final long PATIENCE = 127_000_000_000L;

    private static final int LONGEST_ANSWER = 4096;
    private static final Pattern ACCEPTED = Pattern.compile("\"accepted\"\\s*:\\s*true");

    private final Loop loop;
    private final Events owner;
    private @Nullable StreamSocket carrier;
    private final MemorySegment message = Arena.ofAuto().allocate(2 + LONGEST_ANSWER, 8);
    private int length;
    private int done;
    private boolean asked;
    private boolean taken;
    private boolean over;
    private final Timer patience = Timer.of(this::refuse);

    private TunnelSocket(Loop loop, Events owner) {
        this.loop = loop;
        this.owner = owner;
    }

    /** As {@link StreamHost#connect}, through the socket at {@code path}. */
    static TunnelSocket open(Loop loop, StreamHost host, String path, IpAddress address, int port, Events owner) {
        TunnelSocket socket = new TunnelSocket(loop, owner);
        // the source is not told, as nobody behind the tunnel could reach it
        byte[] text = ("{\"protocol\":\"tcp\",\"src_ip\":\"0.0.0.0\",\"src_port\":0,\"dst_ip\":\"" + address
                        + "\",\"dst_port\":" + port + "}")
                .getBytes(StandardCharsets.US_ASCII);
        Bytes.put16LE(socket.message, 0, text.length);
        MemorySegment.copy(text, 0, socket.message, ValueLayout.JAVA_BYTE, 2, text.length);
        socket.length = 2 + text.length;
        loop.schedule(socket.patience, loop.now() + PATIENCE);
        socket.carrier = host.connect(path, socket);
        return socket;
    }

    private StreamSocket carrier() {
        if (carrier == null) {
            throw new IllegalStateException("not connected");
        }
        return carrier;
    }

    // ---- what the tunnel's socket says

    @Override
    public void onConnected() {
        converse();
    }

    @Override
    public void onConnectFailed(HostError error) {
        if (!over) {
            over = true;
            loop.cancel(patience);
            owner.onConnectFailed(error);
        }
    }

    @Override
    public void onReadable() {
        if (taken) {
            owner.onReadable();
        } else {
            converse();
        }
    }

    @Override
    public void onWritable() {
        if (taken) {
            owner.onWritable();
        } else {
            converse();
        }
    }

    /** Says the rest of the question, and reads what there is of the answer: never a byte more. */
    private void converse() {
        while (!asked && !over) {
            int n = carrier().write(message, done, length - done, 0, 0);
            if (n < 0) {
                refuseUnless(n == WOULD_BLOCK);
                return;
            }
            done += n;
            if (done == length) {
                asked = true;
                done = 0;
                length = 2;
            }
        }
        while (!taken && !over) {
            int n = carrier().read(message, done, length - done, 0, 0);
            if (n < 0) {
                refuseUnless(n == WOULD_BLOCK);
                return;
            }
            done += n;
            if (done == 2) {
                length = 2 + Bytes.u16LE(message, 0);
                if (length == 2 || length > 2 + LONGEST_ANSWER) {
                    refuse();
                }
            } else if (done == length) {
                answered();
            }
        }
    }

    private void answered() {
        String text = new String(message.asSlice(2, length - 2).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        if (!ACCEPTED.matcher(text).find()) {
            refuse();
            return;
        }
        taken = true;
        loop.cancel(patience);
        owner.onConnected();
        // epoll told of what came right after the answer already
        if (!over) {
            owner.onReadable();
        }
    }

    private void refuseUnless(boolean waiting) {
        if (!waiting) {
            refuse();
        }
    }

    private void refuse() {
        if (!over && !taken) {
            over = true;
            loop.cancel(patience);
            carrier().close();
            owner.onConnectFailed(HostError.REFUSED);
        }
    }

    // ---- what the flow does

    @Override
    public int read(MemorySegment memory, long at, int size, long wrapAt, int wrapLength) {
        return carrier().read(memory, at, size, wrapAt, wrapLength);
    }

    @Override
    public int peek(MemorySegment memory, long at, int size) {
        return carrier().peek(memory, at, size);
    }

    @Override
    public void skip(MemorySegment memory, long at, int size) {
        carrier().skip(memory, at, size);
    }

    @Override
    public int write(MemorySegment memory, long at, int size, long wrapAt, int wrapLength) {
        return carrier().write(memory, at, size, wrapAt, wrapLength);
    }

    @Override
    public int write(MemorySegment memory, long[] at, int[] lengths, int count) {
        return carrier().write(memory, at, lengths, count);
    }

    @Override
    public boolean mayHoldMore() {
        return carrier().mayHoldMore();
    }

    @Override
    public boolean broken() {
        return carrier().broken();
    }

    @Override
    public void shutdownOutput() {
        carrier().shutdownOutput();
    }

    @Override
    public void close() {
        over = true;
        loop.cancel(patience);
        carrier().close();
    }

    @Override
    public void reset() {
        over = true;
        loop.cancel(patience);
        carrier().reset();
    }

    @Override
    public HostError error() {
        return carrier().error();
    }
}
