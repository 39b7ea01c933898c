package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Sockets;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AcceptorTest {
    @Test
    void outOfDescriptorsIsSaidOnceAndGuestsAreServedWhenItIsOver(@TempDir Path directory) throws Exception {
        String path = directory.resolve("s").toString();
        Peer listener = new Peer(Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0));
        listener.bind(path);
        Sockets.listen(listener.fd, 16);
        BlockingQueue<Integer> taken = new LinkedBlockingQueue<>();
        BlockingQueue<String> problems = new LinkedBlockingQueue<>();
        AtomicInteger tries = new AtomicInteger();
        try (EventLoop loop = EventLoop.start("test")) {
            Acceptor acceptor = new Acceptor(
                    loop,
                    listener.fd,
                    "qemu:x",
                    fd -> tries.incrementAndGet() <= 3 ? -Errno.EMFILE : Sockets.accept(fd),
                    taken::add,
                    problems::add);
            Peer.on(loop, () -> {
                acceptor.start();
                return null;
            });
            Peer first = Peer.connect(Sockets.STREAM, path);
            Peer second = Peer.connect(Sockets.STREAM, path);
            Io.close(Recorder.next(taken));
            Io.close(Recorder.next(taken));
            assertThat(Recorder.next(problems))
                    .contains("qemu:x: can't accept a guest")
                    .contains("ulimit -n");
            assertThat(Recorder.next(problems)).contains("accepting guests again");
            assertThat(problems).isEmpty();
            assertThat(loop.turns()).as("it waits instead of spinning").isLessThan(50);
            first.close();
            second.close();
            Peer.on(loop, () -> {
                acceptor.stop();
                return null;
            });
        }
        listener.close();
    }
}
