package dev.sluice.gateway.mux;

import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Work;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Many streams through one; see the package. Confined to the loop. */
public final class Multiplexer extends Work {
    /** Channels at a time; the other side's further ones are closed at once, ours fail. */
    public static final int MAX_CHANNELS = 8192;
    /** With more channels than these, new ones get a smaller window: what all may hold stays below 160 MiB. */
    private static final int MANY = 512;

    private static final int KEPT_BUFFERS = 16;
    /** A datagram with all that belongs to it. */
    private static final int SCRATCH = 1 << 16;

    private static final int OUTPUT = 256 << 10;
    /** A Data frame shorter than what was to be sent is worth its header from this size on. */
    private static final int SMALLEST_PART = 2048;

    /** Who is told of what happens. */
    public interface Owner {
        /** The other side asks for a connection: {@link Channel#accept} it, now or later, or close it. */
        void onOpen(Channel channel);

        /** There is no channel, and nothing of one that is still to be sent; told again and again as long as it is so. */
        default void onIdle() {}

        /** The carrier has ended, and with it all channels. */
        void onEnd(String reason);
    }

    final Loop loop;
    private final Generation generation;
    private final Owner owner;
    private final MuxInput input;
    private final MemorySegment out = Arena.ofAuto().allocate(OUTPUT, 8);
    private int outStart;
    private int outEnd;

    private @Nullable StreamSocket carrier;
    private boolean connected;
    private boolean readable;
    private boolean ended;

    private final Map<Integer, Channel> channels = new HashMap<>();
    /** The channel of the last frame: most are followed by one of the same. */
    private @Nullable Channel last;

    private int nextId;
    private final ArrayDeque<Channel> control = new ArrayDeque<>();
    private final ArrayDeque<Channel> waiters = new ArrayDeque<>();

    private long dropped;
    /** Buffers that channels need again and again. */
    private final ArrayDeque<byte[]> buffers = new ArrayDeque<>();

    private @Nullable MemorySegment scratch;

    /**
     * One whose carrier is still to be given by {@link #carry}.
     *
     * @param preamble sent before all else: where a hypervisor shall lead the connection; empty for nothing
     */
    public Multiplexer(Loop loop, Generation generation, byte[] preamble, Owner owner) {
        this.loop = loop;
        this.generation = generation;
        this.owner = owner;
        this.nextId = generation.first;
        this.input = new MuxInput(this, generation.greets);
        append(preamble);
        if (generation.greets) {
            append(MuxInput.GREETING);
            append(new byte[2]); // nothing further to say
        }
    }

    private void append(byte[] bytes) {
        MemorySegment.copy(bytes, 0, out, ValueLayout.JAVA_BYTE, outEnd, bytes.length);
        outEnd += bytes.length;
    }

    /** Takes a carrier whose connection is under way; {@link #events} must be where its events go. */
    public void carry(StreamSocket socket) {
        carrier = socket;
    }

    /** As {@link #carry} for one that is connected. */
    public void carryConnected(StreamSocket socket) {
        carrier = socket;
        connected = true;
        loop.enqueue(this);
    }

    /** What the carrier must be connected with. */
    public StreamSocket.Events events() {
        return new Carrier();
    }

    private final class Carrier implements StreamSocket.Events {
        @Override
        public void onConnected() {
            connected = true;
            loop.enqueue(Multiplexer.this);
        }

        @Override
        public void onConnectFailed(HostError error) {
            end("it could not be connected to (" + error + ")");
        }

        @Override
        public void onReadable() {
            readable = true;
            loop.enqueue(Multiplexer.this);
        }

        @Override
        public void onWritable() {
            loop.enqueue(Multiplexer.this);
        }
    }

    public boolean isEnded() {
        return ended;
    }

    /** Channels there are. */
    public int size() {
        return channels.size();
    }

    /** Frames for channels that are not, or no longer, there. */
    public long dropped() {
        return dropped;
    }

    /** The channels there are, for people. */
    public List<String> describe() {
        return channels.values().stream().map(Channel::toString).toList();
    }

    /**
     * Opens a channel. Returns at once; {@code events} tells the outcome, never before this call has returned.
     */
    public Channel open(MuxTarget target, StreamSocket.Events events) {
        int id = nextId;
        while (channels.containsKey(id)) {
            id += generation.step;
        }
        nextId = id + generation.step;
        Channel channel = new Channel(this, id, target, window(), events);
        if (ended || channels.size() >= MAX_CHANNELS) {
            channel.refuse();
            loop.execute(channel::fail);
            return channel;
        }
        channels.put(id, channel);
        channel.opening();
        control(channel, Channel.OPEN | Channel.ALLOW);
        return channel;
    }

    private int window() {
        return channels.size() < MANY ? Channel.WINDOW : Channel.SMALL_WINDOW;
    }

    MemorySegment scratch() {
        MemorySegment made = scratch;
        if (made == null) {
            made = Arena.ofAuto().allocate(SCRATCH, 8);
            scratch = made;
        }
        return made;
    }

    byte[] buffer() {
        byte[] kept = buffers.poll();
        return kept == null ? new byte[Channel.WINDOW] : kept;
    }

    void release(byte[] buffer) {
        if (buffers.size() < KEPT_BUFFERS) {
            buffers.push(buffer);
        }
    }

    // ---- Out

    /** Queues control frames of a channel. */
    void control(Channel channel, int bits) {
        if (ended) {
            return;
        }
        channel.pending |= bits;
        if (!channel.queued) {
            channel.queued = true;
            control.add(channel);
        }
        loop.enqueue(this);
    }

    /** Bytes of payload that one more Data frame could have. */
    int room() {
        compact();
        return Math.max(0, OUTPUT - outEnd - MuxFrame.DATA_LENGTH);
    }

    private void compact() {
        if (outStart == outEnd) {
            outStart = 0;
            outEnd = 0;
        } else if (outStart > OUTPUT / 2) {
            MemorySegment.copy(out, outStart, out, 0, outEnd - outStart);
            outEnd -= outStart;
            outStart = 0;
        }
    }

    /** Sends a part of a channel's stream; bytes taken, fewer than asked if there is no room, which {@link Channel#onRoom} ends. */
    int data(Channel channel, MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        int wanted = length + wrapLength;
        if (room() < wanted) {
            push();
        }
        int n = Math.min(wanted, room());
        if (n < wanted) {
            if (!channel.waiting) {
                channel.waiting = true;
                waiters.add(channel);
            }
            if (n < SMALLEST_PART) {
                return 0;
            }
        }
        if (n == 0 || ended) {
            return 0;
        }
        outEnd += MuxFrame.putData(out, outEnd, channel.id, n);
        int first = Math.min(length, n);
        MemorySegment.copy(memory, at, out, outEnd, first);
        MemorySegment.copy(memory, wrapAt, out, outEnd + first, n - first);
        outEnd += n;
        loop.enqueue(this);
        return n;
    }

    private void putControl() {
        Channel channel = control.peek();
        while (channel != null && OUTPUT - outEnd >= MuxFrame.MAX_LENGTH) {
            control.remove();
            channel.queued = false;
            put(channel);
            channel = control.peek();
        }
    }

    private void put(Channel channel) {
        int bits = channel.pending;
        channel.pending = 0;
        if ((bits & Channel.OPEN) != 0) {
            if ((bits & Channel.CLOSE) != 0) {
                forget(channel); // nobody has heard of it
                return;
            }
            outEnd += MuxFrame.putOpen(out, outEnd, channel.id, channel.target());
        }
        if ((bits & Channel.CLOSE) != 0) {
            if ((bits & Channel.SHUTDOWN) != 0) {
                putPlain(MuxFrame.SHUTDOWN, channel);
            }
            putPlain(MuxFrame.CLOSE, channel);
            channel.pending = 0;
            if (channel.remoteClosed) {
                forget(channel);
            }
            return;
        }
        if ((bits & Channel.ALLOW) != 0) {
            outEnd += MuxFrame.putWindow(out, outEnd, channel.id, channel.advertise());
        }
        if ((bits & Channel.SHUTDOWN) != 0) {
            putPlain(MuxFrame.SHUTDOWN, channel);
        }
    }

    private void putPlain(int command, Channel channel) {
        outEnd += MuxFrame.put(out, outEnd, MuxFrame.PLAIN_LENGTH, command, channel.id);
    }

    private void forget(Channel channel) {
        channels.remove(channel.id);
        if (last == channel) {
            last = null;
        }
    }

    /** Writes what is there, as far as the carrier takes it. */
    private void push() {
        StreamSocket socket = carrier;
        while (connected && !ended && socket != null && outStart < outEnd) {
            int n = socket.write(out, outStart, outEnd - outStart, 0, 0);
            if (n == StreamSocket.WOULD_BLOCK) {
                return;
            }
            if (n < 0) {
                loop.execute(() -> end("its connection broke"));
                return;
            }
            outStart += n;
        }
    }

    // ---- Turns

    @Override
    protected void run() {
        if (ended) {
            return;
        }
        if (connected && readable) {
            receive();
        }
        while (!ended) {
            compact();
            putControl();
            push();
            compact();
            if (control.isEmpty() || outStart < outEnd) {
                break;
            }
        }
        if (!ended && outEnd - outStart < OUTPUT / 2) {
            for (int i = waiters.size(); i > 0 && !ended; i--) {
                waiters.remove().onRoom();
            }
        }
        if (!ended && channels.isEmpty() && outStart == outEnd) {
            owner.onIdle();
        }
    }

    // ---- In

    private void receive() {
        StreamSocket socket = carrier;
        if (socket == null) {
            return;
        }
        if (input.takeAll(socket)) {
            readable = false;
        } else {
            loop.enqueue(this);
        }
    }

    /** A whole header of {@code length} bytes has come. */
    void frame(MemorySegment in, int at, int length) {
        int command = MuxFrame.command(in, at);
        int id = MuxFrame.channel(in, at);
        if (!MuxFrame.isLength(command, length)) {
            end("it sent command " + command + " with " + length + " bytes, which the protocol does not know");
            return;
        }
        Channel channel = find(id);
        if (command == MuxFrame.OPEN) {
            opened(id, channel, MuxFrame.target(in, at, length));
        } else if (channel == null || channel.remoteClosed) {
            dropped++;
            input.expect(command == MuxFrame.DATA ? MuxFrame.dataLength(in, at) : 0, null);
        } else {
            frame(command, channel, in, at);
        }
    }

    private void frame(int command, Channel channel, MemorySegment in, int at) {
        switch (command) {
            case MuxFrame.DATA -> {
                long payload = MuxFrame.dataLength(in, at);
                input.expect(payload, channel);
                if (!channel.mayReceive(payload)) {
                    end("it sent more than the window of channel " + channel + " allows");
                }
            }
            case MuxFrame.WINDOW -> channel.onWindow(MuxFrame.window(in, at));
            case MuxFrame.SHUTDOWN -> channel.onShutdown();
            default -> {
                // whether it answers ours
                boolean answered = channel.isClosed() && (channel.pending & Channel.CLOSE) == 0;
                channel.onClose();
                if (answered) {
                    forget(channel);
                }
            }
        }
    }

    private @Nullable Channel find(int id) {
        Channel found = last;
        if (found == null || found.id != id) {
            found = channels.get(id);
            last = found;
        }
        return found;
    }

    private void opened(int id, @Nullable Channel there, @Nullable MuxTarget target) {
        if (there != null) {
            end("it opened channel " + Integer.toUnsignedString(id) + " twice");
        } else if (target == null || channels.size() >= MAX_CHANNELS) {
            refuse(id);
        } else {
            Channel channel = new Channel(this, id, target, window(), StreamSocket.Events.NOBODY);
            channels.put(id, channel);
            owner.onOpen(channel);
        }
    }

    /** Closes a channel that never was; its own Close will find nothing, and be dropped. */
    private void refuse(int id) {
        if (room() < MuxFrame.PLAIN_LENGTH) {
            push();
        }
        if (room() < MuxFrame.PLAIN_LENGTH) {
            end("it opens channels and does not read what comes of them");
        } else {
            outEnd += MuxFrame.put(out, outEnd, MuxFrame.PLAIN_LENGTH, MuxFrame.CLOSE, id);
            loop.enqueue(this);
        }
    }

    /** Ends everything; the owner is not told. */
    public void close() {
        finish();
    }

    /** Ends everything, and tells the owner why. */
    void end(String reason) {
        if (!ended) {
            finish();
            owner.onEnd(reason);
        }
    }

    private void finish() {
        if (ended) {
            return;
        }
        ended = true;
        if (carrier != null) {
            carrier.close();
        }
        for (Channel channel : List.copyOf(channels.values())) {
            channel.onBroken();
        }
        channels.clear();
        control.clear();
        waiters.clear();
    }
}
