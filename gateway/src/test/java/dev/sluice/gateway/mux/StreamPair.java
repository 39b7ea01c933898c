package dev.sluice.gateway.mux;

import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Loop;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;

/** Two connected streams in memory, with room for so many bytes each way; edges are told as epoll tells them. */
final class StreamPair {
    final End left = new End();
    final End right = new End();
    private final Loop loop;
    private final int room;

    StreamPair(Loop loop, int room) {
        this.loop = loop;
        this.room = room;
        left.peer = right;
        right.peer = left;
    }

    final class End implements StreamSocket {
        private final ArrayDeque<Byte> in = new ArrayDeque<>();
        private End peer = this;
        StreamSocket.Events events;
        private boolean full;
        private boolean finished;
        private boolean closed;

        private void tell(Runnable event) {
            loop.execute(() -> {
                if (!closed && events != null) {
                    event.run();
                }
            });
        }

        @Override
        public int read(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
            if (in.isEmpty()) {
                return peer.finished ? END : peer.closed ? FAILED : WOULD_BLOCK;
            }
            int n = 0;
            for (; n < length && !in.isEmpty(); n++) {
                memory.set(ValueLayout.JAVA_BYTE, at + n, in.remove());
            }
            if (peer.full) {
                peer.full = false;
                peer.tell(() -> peer.events.onWritable());
            }
            return n;
        }

        @Override
        public int write(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
            if (closed || peer.closed) {
                return FAILED;
            }
            int n = 0;
            for (; n < length && peer.in.size() < room; n++) {
                peer.in.add(memory.get(ValueLayout.JAVA_BYTE, at + n));
            }
            full |= n < length;
            if (n > 0) {
                peer.tell(() -> peer.events.onReadable());
            }
            return n == 0 ? WOULD_BLOCK : n;
        }

        /** Never has anything to see but the end. */
        @Override
        public int peek(MemorySegment memory, long at, int length) {
            if (!in.isEmpty()) {
                throw new UnsupportedOperationException("who looks at bytes must read them");
            }
            return peer.finished ? END : WOULD_BLOCK;
        }

        @Override
        public void skip(MemorySegment memory, long at, int length) {
            throw new UnsupportedOperationException();
        }

        boolean isClosed() {
            return closed;
        }

        @Override
        public boolean mayHoldMore() {
            return false;
        }

        @Override
        public boolean broken() {
            return false;
        }

        @Override
        public void shutdownOutput() {
            finished = true;
            peer.tell(() -> peer.events.onReadable());
        }

        @Override
        public void close() {
            if (!closed) {
                closed = true;
                finished = true;
                peer.tell(() -> peer.events.onReadable());
            }
        }

        @Override
        public void reset() {
            close();
        }

        @Override
        public HostError error() {
            return HostError.RESET;
        }
    }
}
