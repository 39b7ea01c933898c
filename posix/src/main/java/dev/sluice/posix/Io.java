package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;
import static dev.sluice.posix.Native.LONG;
import static dev.sluice.posix.Native.PTR;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.Objects;

/** Descriptors: open, read, write, close. Results are counts or negated errno. */
public final class Io {
    public static final int O_RDONLY = 0;
    public static final int O_RDWR = 2;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_CLOEXEC = 0x80000;
    /** Bytes of one {@code struct iovec}: base pointer, then length. */
    public static final int IOVEC = 16;

    private static final FunctionDescriptor RW = FunctionDescriptor.of(LONG, INT, LONG, LONG);
    private static final FunctionDescriptor VECTOR = FunctionDescriptor.of(LONG, INT, LONG, INT);
    private static final MethodHandle OPEN = Native.variadic("open", FunctionDescriptor.of(INT, PTR, INT, INT), 2);
    private static final MethodHandle CLOSE = Native.call("close", FunctionDescriptor.of(INT, INT));
    private static final MethodHandle READ = Native.call("read", RW);
    private static final MethodHandle WRITE = Native.call("write", RW);
    private static final MethodHandle READV = Native.call("readv", VECTOR);
    private static final MethodHandle WRITEV = Native.call("writev", VECTOR);
    private static final MethodHandle FCNTL = Native.variadic("fcntl", FunctionDescriptor.of(INT, INT, INT, LONG), 2);
    private static final MethodHandle EVENTFD = Native.call("eventfd", FunctionDescriptor.of(INT, INT, INT));
    private static final MethodHandle PIPE2 = Native.call("pipe2", FunctionDescriptor.of(INT, PTR, INT));
    private static final MethodHandle DUP2 = Native.call("dup2", FunctionDescriptor.of(INT, INT, INT));
    private static final MethodHandle UNLINK = Native.call("unlink", FunctionDescriptor.of(INT, PTR));

    private static final int F_DUPFD_CLOEXEC = 1030;

    private Io() {}

    /** Opens {@code path} with {@code flags} and O_CLOEXEC; a descriptor or negated errno. */
    public static int open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            int r = (int) OPEN.invokeExact(state, arena.allocateFrom(path), flags | O_CLOEXEC, 0);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    public static int close(int fd) {
        try {
            MemorySegment state = Native.state();
            int r = (int) CLOSE.invokeExact(state, fd);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    public static int read(int fd, MemorySegment buffer, long at, long length) {
        try {
            MemorySegment state = Native.state();
            long r = (long) READ.invokeExact(state, fd, address(buffer, at, length), length);
            return r < 0 ? -Native.errno(state) : (int) r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    public static int write(int fd, MemorySegment buffer, long at, long length) {
        try {
            MemorySegment state = Native.state();
            long r = (long) WRITE.invokeExact(state, fd, address(buffer, at, length), length);
            return r < 0 ? -Native.errno(state) : (int) r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** {@code iovecs} holds {@code count} entries written by {@link #putIovec}. */
    public static int readv(int fd, MemorySegment iovecs, int count) {
        try {
            MemorySegment state = Native.state();
            long r = (long) READV.invokeExact(state, fd, iovecs.address(), count);
            return r < 0 ? -Native.errno(state) : (int) r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    public static int writev(int fd, MemorySegment iovecs, int count) {
        try {
            MemorySegment state = Native.state();
            long r = (long) WRITEV.invokeExact(state, fd, iovecs.address(), count);
            return r < 0 ? -Native.errno(state) : (int) r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
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
        try {
            MemorySegment state = Native.state();
            int r = (int) FCNTL.invokeExact(state, fd, command, argument);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** A second, close-on-exec descriptor for what {@code fd} is open on, with a number of 3 or more; or negated errno. */
    public static int duplicate(int fd) {
        return fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }

    /** Makes {@code target} mean what {@code source} does, closing what it meant before (dup2(2)); it is inherited by children. */
    public static int replace(int target, int source) {
        try {
            MemorySegment state = Native.state();
            int r = (int) DUP2.invokeExact(state, source, target);
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** A non-blocking event counter. */
    public static int eventfd() throws PosixException {
        try {
            MemorySegment state = Native.state();
            int r = (int) EVENTFD.invokeExact(state, 0, O_NONBLOCK | O_CLOEXEC);
            return PosixException.check(r < 0 ? -Native.errno(state) : r, "eventfd");
        } catch (PosixException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** A pipe: read end, write end. {@code flags} as for pipe2(2). */
    public static int[] pipe(int flags) throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment ends = arena.allocate(8);
            int r = (int) PIPE2.invokeExact(state, ends, flags | O_CLOEXEC);
            PosixException.check(r < 0 ? -Native.errno(state) : r, "pipe2");
            return new int[] {ends.get(INT, 0), ends.get(INT, 4)};
        } catch (PosixException e) {
            throw e;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    public static int unlink(String path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            int r = (int) UNLINK.invokeExact(state, arena.allocateFrom(path));
            return r < 0 ? -Native.errno(state) : r;
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }
}
