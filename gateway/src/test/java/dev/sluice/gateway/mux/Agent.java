package dev.sluice.gateway.mux;

import dev.sluice.host.HostError;
import dev.sluice.host.LinuxDatagramHost;
import dev.sluice.host.LinuxStreamHost;
import dev.sluice.host.StreamListener;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.EventLoop;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** What runs in the guest, behind a socket where a hypervisor would be: it takes the line that says where to connect. */
final class Agent implements AutoCloseable {
    private final EventLoop loop;
    private final MuxServer server;
    private final StreamListener listener;

    Agent(Path path, Generation generation, String preamble) throws Exception {
        loop = EventLoop.start("agent");
        LinuxStreamHost streams = new LinuxStreamHost(loop);
        server = new MuxServer(loop, generation, streams, new LinuxDatagramHost(loop));
        listener = call(() -> streams.listen(
                path.toString(),
                (StreamSocket socket, IpAddress _, int _) ->
                        preamble.isEmpty() ? server.carry(socket).events() : new Hypervisor(socket, preamble)));
    }

    private <T> T call(java.util.concurrent.Callable<T> task) throws Exception {
        FutureTask<T> future = new FutureTask<>(task);
        loop.execute(future);
        try {
            return future.get();
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        }
    }

    /** Ends what is connected; more may come. */
    void cut() throws Exception {
        call(() -> {
            server.close();
            return true;
        });
    }

    int channels() throws Exception {
        return call(() -> server.newest() == null ? 0 : server.newest().size());
    }

    private final class Hypervisor implements StreamSocket.Events {
        private final StreamSocket socket;
        private final MemorySegment line;
        private final String expected;
        private int got;
        private StreamSocket.Events successor;

        Hypervisor(StreamSocket socket, String expected) {
            this.socket = socket;
            this.expected = expected;
            this.line = Arena.ofAuto().allocate(expected.length());
        }

        @Override
        public void onConnected() {}

        @Override
        public void onConnectFailed(HostError error) {}

        @Override
        public void onReadable() {
            if (successor != null) {
                successor.onReadable();
                return;
            }
            while (got < expected.length()) {
                int n = socket.read(line, got, expected.length() - got, 0, 0);
                if (n < 0) {
                    return;
                }
                got += n;
            }
            String text = new String(line.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.US_ASCII);
            if (!text.equals(expected)) {
                socket.close();
                return;
            }
            successor = server.carry(socket).events();
            successor.onReadable();
        }

        @Override
        public void onWritable() {
            if (successor != null) {
                successor.onWritable();
            }
        }
    }

    @Override
    public void close() throws Exception {
        call(() -> {
            listener.close();
            server.close();
            return true;
        });
        loop.close();
    }
}
