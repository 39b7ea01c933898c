package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Work;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Two joined streams, with sockets that do as the test says. */
class JointTest {
    private final Side client = new Side();
    private final Side service = new Side();
    private final Pair pair = new Pair();

    /** A service that answers and closes before it has read everything: the answer is there when a write first meets the reset. */
    @Test
    void whatAServiceSaidBeforeItBrokeReachesAClientThatIsStillWriting() {
        pair.open();
        client.says("a long request");
        service.says("413");
        service.write = StreamSocket.FAILED;
        service.afterwards = StreamSocket.END; // the write has taken the error (tcp(7))
        pair.client.onReadable();
        assertThat(client.got()).isEqualTo("413");
        assertThat(client.ending).as("a reset, and no end before it").isEqualTo("reset");
        assertThat(service.ending).isEqualTo("reset");
    }

    @Test
    void endsArePassedOnInOrder() {
        pair.open();
        client.says("question");
        client.afterwards = StreamSocket.END;
        pair.client.onReadable();
        service.says("answer");
        service.afterwards = StreamSocket.END;
        pair.service.onReadable();
        assertThat(service.got()).isEqualTo("question");
        assertThat(client.got()).isEqualTo("answer");
        assertThat(client.ending + service.ending).isEqualTo("end closeend close");
    }

    private final class Pair extends Joint {
        Pair() {
            this(new Now());
        }

        private Pair(Loop loop) {
            super(loop, new Scratch(loop));
        }

        void open() {
            client.socket(JointTest.this.client);
            service.socket(JointTest.this.service);
            service.onConnected();
        }

        @Override
        protected void moved(int toService, int toClient) {}

        @Override
        protected void ended() {}

        @Override
        protected void connected() {
            join();
        }

        @Override
        protected void connectFailed(HostError error) {
            reset();
        }
    }

    /** A loop on which everything happens at once. */
    private static final class Now implements Loop {
        @Override
        public long now() {
            return 0;
        }

        @Override
        public boolean isCurrent() {
            return true;
        }

        @Override
        public void execute(Runnable task) {
            task.run();
        }

        @Override
        public void schedule(Timer timer, long deadline) {
            throw new UnsupportedOperationException("no time here");
        }

        @Override
        public void cancel(Timer timer) {}

        @Override
        public void enqueue(Work work) {
            work.runQueued();
        }

        @Override
        public void atEndOfTurn(Runnable hook) {
            throw new UnsupportedOperationException("no turns here");
        }
    }

    private static final class Side implements StreamSocket {
        private final ByteArrayOutputStream got = new ByteArrayOutputStream();
        private byte[] said = {};
        private int taken;
        /** What reads say when all is taken. */
        private int afterwards = WOULD_BLOCK;
        /** What writes say; 0 for that they take all. */
        private int write;

        private String ending = "";

        void says(String text) {
            said = text.getBytes(StandardCharsets.US_ASCII);
            taken = 0;
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
            got.writeBytes(memory.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE));
            return length;
        }

        @Override
        public boolean mayHoldMore() {
            return true;
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
}
