package dev.sluice.link;

import dev.sluice.loop.EventLoop;
import dev.sluice.loop.Watch;
import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Message;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Bytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Waits on a bound Unix datagram socket for the first datagram of a guest, and connects the socket to its sender. The datagram stays in
 * the socket, for the link; four bytes {@code VFKT}, which vfkit sends first, do not. On the loop's thread.
 */
final class DatagramDoor {
    private static final int ADDRESS = 128;
    private static final int VFKT = 0x56464b54;
    private static final int MAGIC_LENGTH = 4;
    /** Nameless datagrams thrown away per turn. */
    private static final int PER_TURN = 32;

    private final EventLoop loop;
    private final int fd;
    private final Consumer<MemorySegment> connected;
    private final Consumer<String> problem;
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment address = arena.allocate(ADDRESS, 8);
    private final MemorySegment data = arena.allocate(16);
    private final MemorySegment iovec = arena.allocate(Io.IOVEC, 8);
    private final MemorySegment header = arena.allocate(Message.HEADER, 8);
    private @Nullable Watch watch;

    /** @param connected gets the guest's address when the socket is connected to it; the watch has ended then */
    DatagramDoor(EventLoop loop, int fd, Consumer<MemorySegment> connected, Consumer<String> problem) {
        this.loop = loop;
        this.fd = fd;
        this.connected = connected;
        this.problem = problem;
    }

    void start() throws PosixException {
        watch = loop.watch(fd, Epoll.IN, _ -> look());
    }

    private void look() {
        Watch watched = watch;
        for (int i = 0; i < PER_TURN && watched != null; i++) {
            int length = receive(Sockets.MSG_PEEK);
            if (length < 0) {
                if (length != -Errno.EAGAIN && length != -Errno.EINTR) {
                    problem.accept("can't receive: " + Errno.text(-length));
                }
                return;
            }
            int nameLength = Message.nameLength(header, 0);
            if (nameLength <= Short.BYTES) {
                receive(0);
                problem.accept("a guest sent a frame from a socket without a name, so it can't be answered;"
                        + " bind the guest's socket to a path");
                continue;
            }
            int result = Sockets.connect(fd, address, nameLength);
            if (result < 0) {
                receive(0);
                problem.accept("can't answer a guest: " + Errno.text(-result));
                continue;
            }
            if (length == MAGIC_LENGTH && Bytes.i32(data, 0) == VFKT) {
                receive(0);
            }
            stop();
            connected.accept(copyOf(nameLength));
            return;
        }
        if (watched != null) {
            // More rubbish waits; re-arming the edge brings us back.
            watched.interest(Epoll.IN | Epoll.EDGE);
        }
    }

    private int receive(int flags) {
        Io.putIovec(iovec, 0, data, 0, data.byteSize());
        Message.putHeader(header, 0, address, 0, ADDRESS, iovec, 0, 1, MemorySegment.NULL, 0, 0);
        // With MSG_TRUNC the full length is returned, so that a frame that starts with VFKT is not mistaken.
        return Sockets.recvmsg(fd, header, flags | Sockets.MSG_TRUNC);
    }

    private MemorySegment copyOf(int length) {
        MemorySegment copy = Arena.ofAuto().allocate(length, 8);
        return copy.copyFrom(address.asSlice(0, length));
    }

    /** Ends it; the descriptor stays open. */
    void stop() {
        if (watch != null) {
            watch.close();
            watch = null;
        }
    }
}
