package dev.sluice.host;

import dev.sluice.loop.Loop;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntConsumer;

/**
 * A stream inside the process: the loop has this end as a {@link StreamSocket}, a service has the other as blocking streams on a
 * virtual thread. For what the gateway serves itself. Each direction holds up to a fixed number of bytes; full means
 * {@link StreamSocket#WOULD_BLOCK} on the loop's side and waiting on the service's.
 */
public final class PipeSocket implements StreamSocket {
    private static final int CAPACITY = 16 << 10;

    private final Loop loop;
    private final Events events;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Queue toService = new Queue();
    private final Queue toLoop = new Queue();
    /** The loop's side was told it would block, and is to be told when that ends. */
    private boolean readerWaits = true;

    private boolean writerWaits;
    /** The service reads no more; what comes for it is thrown away. */
    private boolean deaf;

    /** Neither side moves anything any more, but for what the loop's side may still read. */
    private boolean over;

    private boolean failed;
    /** The loop's side has broken off. */
    private boolean reset;

    private final IntConsumer keepAlive;

    /** A connected pair; {@code onConnected} is reported in a later turn. */
    public PipeSocket(Loop loop, Events events) {
        this(loop, events, _ -> {});
    }

    /**
     * The same.
     *
     * @param keepAlive what {@link #keepAlive} does, on the loop, where the service has somebody to ask
     */
    public PipeSocket(Loop loop, Events events, IntConsumer keepAlive) {
        this.loop = loop;
        this.events = events;
        this.keepAlive = keepAlive;
        loop.execute(events::onConnected);
    }

    /** What the loop's side writes; closing it, from any thread, wakes whoever reads, and throws away what still comes. */
    public InputStream serviceInput() {
        return new ServiceInput();
    }

    /** What the loop's side reads; closing it, from any thread, is the end of that stream, and wakes whoever writes. */
    public OutputStream serviceOutput() {
        return new ServiceOutput();
    }

    /** The service is done with both directions. */
    public void closeService() {
        end(true);
    }

    /** The service has broken off: what it wrote can still be read, then reads fail, so that half of it does not look whole. */
    public void failService() {
        end(false);
    }

    private void end(boolean inOrder) {
        lock.lock();
        try {
            if (inOrder) {
                toLoop.ended = true;
            } else if (!toLoop.ended) {
                failed = true;
            }
            toService.size = 0;
            over = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        notifyLoop(events::onReadable);
        notifyLoop(events::onWritable); // for who waits for room: all is taken from now on
    }

    @Override
    public int read(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        lock.lock();
        try {
            if (toLoop.size == 0) {
                if (toLoop.ended) {
                    return END;
                }
                readerWaits = true;
                return over ? FAILED : WOULD_BLOCK;
            }
            int n = toLoop.take(memory, at, length);
            if (n == length) {
                n += toLoop.take(memory, wrapAt, wrapLength);
            }
            changed.signalAll();
            return n;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public int peek(MemorySegment memory, long at, int length) {
        lock.lock();
        try {
            int start = toLoop.start;
            int size = toLoop.size;
            int n = read(memory, at, length, 0, 0);
            toLoop.start = start;
            toLoop.size = size;
            return n;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void skip(MemorySegment memory, long at, int length) {
        read(memory, at, length, 0, 0);
    }

    @Override
    public int write(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        lock.lock();
        try {
            if (over || deaf) {
                return length + wrapLength; // the service has stopped listening: as a socket with a closed reader does
            }
            int n = toService.put(memory, at, length);
            if (n == length) {
                n += toService.put(memory, wrapAt, wrapLength);
            }
            if (n < length + wrapLength) {
                writerWaits = true;
            }
            changed.signalAll();
            return n == 0 ? WOULD_BLOCK : n;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean mayHoldMore() {
        return true;
    }

    @Override
    public boolean broken() {
        lock.lock();
        try {
            return failed;
        } finally {
            lock.unlock();
        }
    }

    /** Whether either side is done with both directions; any thread. */
    public boolean isOver() {
        lock.lock();
        try {
            return over;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the loop's side has broken off instead of closing in order; any thread. */
    public boolean isReset() {
        lock.lock();
        try {
            return reset;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until either side is done with both directions; for the service's thread. */
    public void awaitOver() throws InterruptedIOException {
        lock.lock();
        try {
            while (!over) {
                await();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void shutdownOutput() {
        lock.lock();
        try {
            toService.ended = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            toService.ended = true;
            toLoop.ended = true;
            toLoop.size = 0;
            over = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void reset() {
        lock.lock();
        try {
            reset = true;
            close();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void keepAlive(int seconds) {
        keepAlive.accept(seconds);
    }

    @Override
    public HostError error() {
        return HostError.RESET;
    }

    private void notifyLoop(Runnable event) {
        try {
            loop.execute(event);
        } catch (RejectedExecutionException e) {
            // The loop has ended, and the flow with it.
        }
    }

    /** Bytes of one direction, in a circle. */
    private static final class Queue {
        byte[] bytes = new byte[CAPACITY];
        int start;
        int size;
        boolean ended;

        int put(MemorySegment from, long at, int length) {
            int n = Math.min(length, bytes.length - size);
            for (int done = 0; done < n; ) {
                int to = (start + size) % bytes.length;
                int part = Math.min(n - done, bytes.length - to);
                MemorySegment.copy(from, ValueLayout.JAVA_BYTE, at + done, bytes, to, part);
                size += part;
                done += part;
            }
            return n;
        }

        int take(MemorySegment to, long at, int length) {
            int n = Math.min(length, size);
            for (int done = 0; done < n; ) {
                int part = Math.min(n - done, bytes.length - start);
                MemorySegment.copy(bytes, start, to, ValueLayout.JAVA_BYTE, at + done, part);
                start = (start + part) % bytes.length;
                size -= part;
                done += part;
            }
            return n;
        }
    }

    private void await() throws InterruptedIOException {
        try {
            changed.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for the guest");
        }
    }

    private final class ServiceInput extends InputStream {
        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] to, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            boolean wake;
            int n;
            lock.lock();
            try {
                while (toService.size == 0) {
                    if (toService.ended || over || deaf) {
                        return -1;
                    }
                    await();
                }
                n = toService.take(MemorySegment.ofArray(to), offset, length);
                wake = writerWaits;
                writerWaits = false;
            } finally {
                lock.unlock();
            }
            if (wake) {
                notifyLoop(events::onWritable);
            }
            return n;
        }

        @Override
        public void close() {
            lock.lock();
            try {
                deaf = true;
                toService.size = 0;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            notifyLoop(events::onWritable);
        }
    }

    private final class ServiceOutput extends OutputStream {
        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] from, int offset, int length) throws IOException {
            MemorySegment memory = MemorySegment.ofArray(from);
            int done = 0;
            while (done < length) {
                boolean wake;
                lock.lock();
                try {
                    while (toLoop.size == toLoop.bytes.length && !over && !toLoop.ended) {
                        await();
                    }
                    if (over || toLoop.ended) {
                        throw new IOException("the guest has closed the connection");
                    }
                    done += toLoop.put(memory, offset + done, length - done);
                    wake = readerWaits;
                    readerWaits = false;
                } finally {
                    lock.unlock();
                }
                if (wake) {
                    notifyLoop(events::onReadable);
                }
            }
        }

        @Override
        public void close() {
            lock.lock();
            try {
                toLoop.ended = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            notifyLoop(events::onReadable);
        }
    }
}
