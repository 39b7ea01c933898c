package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;
import static dev.sluice.posix.Native.LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** Descriptors: open, read, write, close. Results are counts or negated errno. */
public final class Io {
    public static final int O_RDONLY = 0;
    public static final int O_RDWR = 2;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_CLOEXEC = 0x80000;
    /** Move pages instead of copying them, where that can be (splice(2)). */
    public static final int SPLICE_F_MOVE = 1;

    public static final int SPLICE_F_NONBLOCK = 2;
    /** Bytes of one {@code struct iovec}: base pointer, then length. */
    public static final int IOVEC = 16;

    private static final Call OPEN = Call.of("open");
    private static final Call CLOSE = Call.of("close");
    private static final Call READ = Call.of("read");
    private static final Call WRITE = Call.of("write");
    private static final Call READV = Call.of("readv");
    private static final Call WRITEV = Call.of("writev");
    private static final Call FCNTL = Call.of("fcntl");
    private static final Call EVENTFD = Call.of("eventfd");
    private static final Call PIPE2 = Call.of("pipe2");
    private static final Call SPLICE = Call.of("splice");
    private static final Call DUP2 = Call.of("dup2");
    private static final Call UNLINK = Call.of("unlink");

    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int F_SETPIPE_SZ = 1031;

    private Io() {}

    /** Opens {@code path} with {@code flags} and O_CLOEXEC; a descriptor or negated errno. */
    public static int open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            return OPEN.call(arena.allocateFrom(path).address(), flags | O_CLOEXEC);
        }
    }

    public static int close(int fd) {
        return CLOSE.call(fd);
    }

    public static int read(int fd, MemorySegment buffer, long at, long length) {
        return READ.call(fd, address(buffer, at, length), length);
    }

    public static int write(int fd, MemorySegment buffer, long at, long length) {
        return WRITE.call(fd, address(buffer, at, length), length);
    }

    /** {@code iovecs} holds {@code count} entries written by {@link #putIovec}. */
    public static int readv(int fd, MemorySegment iovecs, int count) {
        return READV.call(fd, iovecs.address(), count);
    }

    public static int writev(int fd, MemorySegment iovecs, int count) {
        return WRITEV.call(fd, iovecs.address(), count);
    }

    /** Writes entry {@code index} of an iovec array; the memory must stay alive until the call that uses it returns. */
    public static void putIovec(MemorySegment iovecs, int index, MemorySegment buffer, long at, long length) {
        iovecs.set(LONG, (long) index * IOVEC, address(buffer, at, length));
        iovecs.set(LONG, (long) index * IOVEC + 8, length);
    }

    /** The address of a checked range, as a plain integer: a slice object per call would be garbage on the data path. */
    static long address(MemorySegment buffer, long at, long length) {
        Objects.checkFromIndexSize(at, length, buffer.byteSize());
        return buffer.address() + at;
    }

    public static int setNonBlocking(int fd) {
        return fcntl(fd, 4, O_NONBLOCK | fcntl(fd, 3, 0));
    }

    static int fcntl(int fd, int command, long argument) {
        return FCNTL.call(fd, command, argument);
    }

    /** A second, close-on-exec descriptor for what {@code fd} is open on, with a number of 3 or more; or negated errno. */
    public static int duplicate(int fd) {
        return fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }

    /** Makes {@code target} mean what {@code source} does, closing what it meant before (dup2(2)); it is inherited by children. */
    public static int replace(int target, int source) {
        return DUP2.call(source, target);
    }

    /** A non-blocking event counter. */
    public static int eventfd() throws PosixException {
        return PosixException.check(EVENTFD.call(0, O_NONBLOCK | O_CLOEXEC), "eventfd");
    }

    /** A pipe: read end, write end. {@code flags} as for pipe2(2). */
    public static int[] pipe(int flags) throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(8);
            PosixException.check(PIPE2.call(ends.address(), flags | O_CLOEXEC), "pipe2");
            return new int[] {ends.get(INT, 0), ends.get(INT, 4)};
        }
    }

    /** Has a pipe hold {@code bytes}, rounded up to whole pages as the kernel does; its new size, or negated errno. */
    public static int setPipeSize(int fd, int bytes) {
        return fcntl(fd, F_SETPIPE_SZ, bytes);
    }

    /** Moves up to {@code length} bytes from one descriptor to another, of which one is a pipe (splice(2)); {@code flags} as there. */
    public static int splice(int from, int to, int length, int flags) {
        return SPLICE.call(from, 0, to, 0, length, flags);
    }

    public static int unlink(String path) {
        try (Arena arena = Arena.ofConfined()) {
            return UNLINK.call(arena.allocateFrom(path).address());
        }
    }
}
