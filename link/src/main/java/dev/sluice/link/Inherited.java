package dev.sluice.link;

import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;

/** What kind of socket the parent process left us. */
enum Inherited {
    STREAM_LISTENING,
    STREAM,
    PACKET_LISTENING,
    PACKET,
    DATAGRAM,
    /** Not connected yet: its guest speaks first. */
    DATAGRAM_BOUND;

    /**
     * Looks at descriptor {@code number} and makes it non-blocking.
     *
     * @throws IOException with one line saying why it can't be used
     */
    static Inherited of(int number) throws IOException {
        int type = Sockets.option(number, Sockets.SOL_SOCKET, Sockets.SO_TYPE);
        if (type == -Errno.EBADF) {
            throw new IOException("fd:" + number + ": descriptor " + number
                    + " is not open; the program that starts Sluice must pass a socket under that number");
        }
        if (type < 0) {
            throw new IOException("fd:" + number + ": descriptor " + number
                    + " is not a socket; pass a Unix or TCP socket under that number");
        }
        Io.setNonBlocking(number);
        boolean listening = Sockets.option(number, Sockets.SOL_SOCKET, Sockets.SO_ACCEPTCONN) > 0;
        return switch (type) {
            case Sockets.STREAM -> listening ? STREAM_LISTENING : STREAM;
            case Sockets.SEQPACKET -> listening ? PACKET_LISTENING : PACKET;
            case Sockets.DGRAM -> connected(number) ? DATAGRAM : DATAGRAM_BOUND;
            default ->
                throw new IOException("fd:" + number + ": a socket of type " + type
                        + " carries no frames; pass a stream, packet or datagram socket");
        };
    }

    /** Whether it is a guest's connection, rather than a place where guests come. */
    boolean isConnection() {
        return this == STREAM || this == PACKET || this == DATAGRAM;
    }

    private static boolean connected(int number) {
        try (Arena arena = Arena.ofConfined()) {
            return Sockets.peerAddress(number, arena.allocate(SocketAddress.CAPACITY)) >= 0;
        }
    }

    /**
     * Takes standard input and output for frames. Descriptor 0 reads nothing from now on and 1 is standard error, so that whatever else
     * this process prints can't get between the frames.
     *
     * @return the descriptors to read and to write
     * @throws IOException if they can't carry frames; nothing has changed then
     */
    static int[] takeStdio() throws IOException {
        check(0, "input");
        check(1, "output");
        int in = PosixException.check(Io.duplicate(0), "fcntl(0, F_DUPFD)");
        int out = Io.duplicate(1);
        int nothing = Io.open("/dev/null", Io.O_RDWR);
        if (out < 0 || nothing < 0) {
            Io.close(in);
            Io.close(out);
            throw new PosixException("stdio: can't keep standard input and output", Math.max(-out, -nothing));
        }
        Io.replace(0, nothing);
        Io.replace(1, 2);
        Io.close(nothing);
        Io.setNonBlocking(in);
        Io.setNonBlocking(out);
        return new int[] {in, out};
    }

    private static void check(int number, String which) throws IOException {
        try {
            if (Files.readSymbolicLink(Path.of("/proc/self/fd/" + number)).startsWith("/dev/pts")) {
                throw new IOException("stdio: standard " + which + " is a terminal; start Sluice from a program that"
                        + " exchanges frames over pipes or a socket");
            }
        } catch (java.nio.file.NoSuchFileException e) {
            throw new IOException("stdio: standard " + which + " is closed", e);
        }
        try (Epoll poll = new Epoll(1)) {
            int result = poll.add(number, Epoll.IN, 0);
            if (result < 0) {
                throw new IOException("stdio: standard " + which + " can't carry frames (" + Errno.text(-result)
                        + "); start Sluice from a program that exchanges frames over pipes or a socket");
            }
        }
    }
}
