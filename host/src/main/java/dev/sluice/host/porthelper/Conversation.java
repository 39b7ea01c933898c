package dev.sluice.host.porthelper;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Message;
import dev.sluice.posix.Poll;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Bytes;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** One connection of either side, with a deadline for all of it. */
final class Conversation implements AutoCloseable {
    static final int HELLO = 49;
    /** As long as the Go programs make it; others pad. */
    static final int REQUEST = 8;

    static final int BIND = 6;
    static final int VERSION = 22;
    static final int OK = 0;
    static final int FAILED = 1;
    static final int IN_USE = 48;
    static final int NO_SUCH_ADDRESS = 49;
    private static final int ANSWER = 8;
    private static final int ROOM = 64;

    private final int fd;
    private final long deadline;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory = arena.allocate(256, 8);

    /** Takes a connected, non-blocking socket over. */
    Conversation(int fd, long millis) {
        this.fd = fd;
        this.deadline = System.nanoTime() + millis * 1_000_000;
    }

    void sendHello() throws IOException {
        MemorySegment.copy(
                ("VMN3T\0\0\0\0" + "0123456789".repeat(4)).getBytes(StandardCharsets.US_ASCII),
                0,
                memory,
                ValueLayout.JAVA_BYTE,
                0,
                HELLO);
        Bytes.put32LE(memory, 5, VERSION);
        send(HELLO);
    }

    /** Reads the other side's; of no consequence but that it is one. */
    void readHello() throws IOException {
        read(HELLO);
        String magic = new String(memory.asSlice(0, 5).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.US_ASCII);
        if (!magic.equals("VMN3T") && !magic.equals("VMNET")) {
            throw new IOException("the other side does not speak the protocol of port helpers");
        }
    }

    void sendRequest(int address, int port, boolean udp) throws IOException {
        Bytes.put8(memory, 0, BIND);
        Bytes.put32LE(memory, 1, address);
        Bytes.put16LE(memory, 5, port);
        Bytes.put8(memory, 7, udp ? 1 : 0);
        send(REQUEST);
    }

    /** What was asked for. */
    record Request(int command, int address, int port, boolean udp) {}

    Request readRequest() throws IOException {
        read(REQUEST);
        return new Request(
                Bytes.u8(memory, 0), Bytes.i32LE(memory, 1), Bytes.u16LE(memory, 5), Bytes.u8(memory, 7) != 0);
    }

    /** @param socket sent along if not negative; remains the caller's */
    void sendAnswer(int code, int socket) throws IOException {
        MemorySegment iovec = arena.allocate(Io.IOVEC, 8);
        MemorySegment control = arena.allocate(ROOM, 8);
        MemorySegment header = arena.allocate(Message.HEADER, 8);
        Bytes.put64LE(memory, 0, code);
        Io.putIovec(iovec, 0, memory, 0, ANSWER);
        if (socket >= 0) {
            int length = Message.putRights(control, 0, socket);
            Message.putHeader(header, 0, MemorySegment.NULL, 0, 0, iovec, 0, 1, control, 0, length);
        } else {
            Message.putHeader(header, 0, iovec, 0, 1);
        }
        await(Poll.OUT);
        check(Sockets.sendmsg(fd, header, Sockets.MSG_NOSIGNAL));
    }

    /** The code and, if it is {@link #OK}, a socket that is the caller's. */
    record Answer(int code, int socket) {}

    Answer readAnswer() throws IOException {
        MemorySegment iovec = arena.allocate(Io.IOVEC, 8);
        MemorySegment control = arena.allocate(ROOM, 8);
        MemorySegment header = arena.allocate(Message.HEADER, 8);
        Io.putIovec(iovec, 0, memory, 0, ANSWER);
        Message.putHeader(header, 0, MemorySegment.NULL, 0, 0, iovec, 0, 1, control, 0, ROOM);
        await(Poll.IN);
        int n = check(Sockets.recvmsg(fd, header, Sockets.MSG_CMSG_CLOEXEC));
        int[] passed = Message.rights(control, 0, Message.controlLength(header, 0));
        int code = n == 0 ? FAILED : Bytes.u8(memory, 0);
        int kept = code == OK && passed.length > 0 ? passed[0] : -1;
        for (int one : passed) {
            if (one != kept) {
                Io.close(one);
            }
        }
        if (n == 0 || code == OK && kept < 0) {
            throw new EOFException("the port helper hung up without an answer");
        }
        return new Answer(code, kept);
    }

    private void send(int length) throws IOException {
        int done = 0;
        while (done < length) {
            await(Poll.OUT);
            done += check(Sockets.send(fd, memory, done, length - done, Sockets.MSG_NOSIGNAL));
        }
    }

    private void read(int length) throws IOException {
        int done = 0;
        while (done < length) {
            await(Poll.IN);
            int n = check(Io.read(fd, memory, done, length - done));
            if (n == 0) {
                throw new EOFException("the other side hung up");
            }
            done += n;
        }
    }

    private void await(int events) throws IOException {
        long left = (deadline - System.nanoTime()) / 1_000_000;
        int seen = left <= 0 ? 0 : Poll.await(fd, events, (int) left);
        if (seen == 0) {
            throw new IOException("the other side takes too long");
        }
        if (seen < 0 && seen != -Errno.EINTR) {
            throw new IOException(Errno.text(-seen));
        }
    }

    private static int check(int result) throws IOException {
        if (result < 0) {
            throw new IOException(Errno.text(-result));
        }
        return result;
    }

    @Override
    public void close() {
        Io.close(fd);
        arena.close();
    }
}
