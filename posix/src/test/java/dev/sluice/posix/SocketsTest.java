package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SocketsTest {
    private static final int LOOPBACK = 0x7f00_0001;
    private static final int PATIENCE = 60_000;

    @TempDir
    Path directory;

    private final Arena arena = Arena.ofConfined();
    private final List<Integer> open = new ArrayList<>();
    private final MemorySegment address = arena.allocate(SocketAddress.CAPACITY, 8);
    private final MemorySegment buffer = arena.allocate(65536, 8);

    @AfterEach
    void closeAll() {
        open.forEach(Io::close);
        arena.close();
    }

    @Test
    void aTcpConnectionCarriesBytesAndEndsInBothDirections() throws Exception {
        int listener = bound(Sockets.AF_INET, Sockets.STREAM, SocketAddress.writeV4(address, 0, LOOPBACK, 0));
        assertThat(Sockets.listen(listener, 8)).isZero();
        assertThat(Sockets.localAddress(listener, address)).isEqualTo(16);
        int port = SocketAddress.port(address, 0);
        assertThat(SocketAddress.v4(address, 0)).isEqualTo(LOOPBACK);

        int client = opened(Sockets.socket(Sockets.AF_INET, Sockets.STREAM, 0));
        int r = Sockets.connect(client, address, SocketAddress.writeV4(address, 0, LOOPBACK, port));
        assertThat(r).isIn(0, -Errno.EINPROGRESS);
        assertThat(Poll.await(client, Poll.OUT, PATIENCE)).isEqualTo(Poll.OUT);
        assertThat(Sockets.option(client, Sockets.SOL_SOCKET, Sockets.SO_ERROR)).isZero();

        assertThat(Poll.await(listener, Poll.IN, PATIENCE)).isEqualTo(Poll.IN);
        int server = opened(Sockets.accept(listener, address));
        assertThat(SocketAddress.family(address, 0)).isEqualTo(Sockets.AF_INET);
        Sockets.localAddress(client, buffer);
        assertThat(SocketAddress.port(address, 0)).isEqualTo(SocketAddress.port(buffer, 0));
        assertThat(Sockets.peerAddress(server, address)).isEqualTo(16);

        assertThat(Sockets.recv(server, buffer, 0, 10, 0)).isEqualTo(-Errno.EAGAIN);
        assertThat(send(client, "hello", Sockets.MSG_NOSIGNAL)).isEqualTo(5);
        assertThat(receive(server, 0)).isEqualTo("hello");
        assertThat(Sockets.shutdown(client, Sockets.SHUT_WR)).isZero();
        assertThat(receive(server, 0)).isEmpty();
        assertThat(send(server, "bye", Sockets.MSG_NOSIGNAL)).isEqualTo(3);
        assertThat(receive(client, 0)).isEqualTo("bye");
    }

    @Test
    void anIpv6ConnectionNamesBothEnds() throws Exception {
        int listener = opened(Sockets.socket(Sockets.AF_INET6, Sockets.STREAM, 0));
        int length = SocketAddress.writeV6(address, 0, 0, 1, 0, 0);
        int r = Sockets.bind(listener, address, length);
        if (r == -Errno.EADDRNOTAVAIL || r == -Errno.EAFNOSUPPORT) {
            System.out.println("SKIPPED: no IPv6 on loopback");
            assumeTrue(false, "no IPv6");
        }
        assertThat(r).isZero();
        Sockets.listen(listener, 8);
        Sockets.localAddress(listener, address);
        assertThat(SocketAddress.v6High(address, 0)).isZero();
        assertThat(SocketAddress.v6Low(address, 0)).isEqualTo(1);
        int client = opened(Sockets.socket(Sockets.AF_INET6, Sockets.STREAM, 0));
        Sockets.connect(client, address, 28);
        assertThat(Poll.await(listener, Poll.IN, PATIENCE)).isEqualTo(Poll.IN);
        opened(Sockets.accept(listener, address));
        assertThat(SocketAddress.family(address, 0)).isEqualTo(Sockets.AF_INET6);
        assertThat(SocketAddress.v6Low(address, 0)).isEqualTo(1);
    }

    @Test
    void aRefusedConnectionIsToldThroughSoError() throws Exception {
        int unused = bound(Sockets.AF_INET, Sockets.STREAM, SocketAddress.writeV4(address, 0, LOOPBACK, 0));
        Sockets.localAddress(unused, address);
        int client = opened(Sockets.socket(Sockets.AF_INET, Sockets.STREAM, 0));
        int r = Sockets.connect(client, address, 16);
        if (r == -Errno.EINPROGRESS) {
            Poll.await(client, Poll.OUT, PATIENCE);
            r = -Sockets.option(client, Sockets.SOL_SOCKET, Sockets.SO_ERROR);
        }
        assertThat(r).isEqualTo(-Errno.ECONNREFUSED);
    }

    @Test
    void datagramsKeepTheirBordersAndTheirSender() throws Exception {
        int receiver = bound(Sockets.AF_INET, Sockets.DGRAM, SocketAddress.writeV4(address, 0, LOOPBACK, 0));
        int sender = bound(Sockets.AF_INET, Sockets.DGRAM, SocketAddress.writeV4(address, 0, LOOPBACK, 0));
        Sockets.localAddress(sender, address);
        int senderPort = SocketAddress.port(address, 0);
        Sockets.localAddress(receiver, address);
        for (String text : new String[] {"one", "", "three"}) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            MemorySegment.copy(bytes, 0, buffer, ValueLayout.JAVA_BYTE, 100, bytes.length);
            assertThat(Sockets.sendto(sender, buffer, 100, bytes.length, 0, address, 16))
                    .isEqualTo(bytes.length);
        }
        for (String text : new String[] {"one", "", "three"}) {
            Poll.await(receiver, Poll.IN, PATIENCE);
            int n = Sockets.recvfrom(receiver, buffer, 0, 2000, 0, address);
            assertThat(text(n)).isEqualTo(text);
            assertThat(SocketAddress.port(address, 0)).isEqualTo(senderPort);
        }
    }

    @Test
    void sendmmsgAndRecvmmsgMoveABatch() throws Exception {
        int receiver = bound(Sockets.AF_INET, Sockets.DGRAM, SocketAddress.writeV4(address, 0, LOOPBACK, 0));
        int sender = opened(Sockets.socket(Sockets.AF_INET, Sockets.DGRAM, 0));
        Sockets.localAddress(receiver, address);
        Sockets.connect(sender, address, 16);
        int count = 8;
        MemorySegment vector = arena.allocate((long) count * Message.MULTI_HEADER, 8);
        MemorySegment iovecs = arena.allocate((long) count * Io.IOVEC, 8);
        for (int i = 0; i < count; i++) {
            buffer.set(ValueLayout.JAVA_BYTE, 100L * i, (byte) i);
            Io.putIovec(iovecs, i, buffer, 100L * i, i + 1);
            Message.putHeader(vector, (long) i * Message.MULTI_HEADER, iovecs, (long) i * Io.IOVEC, 1);
        }
        assertThat(Sockets.sendmmsg(sender, vector, count, 0)).isEqualTo(count);

        MemorySegment names = arena.allocate((long) count * SocketAddress.CAPACITY, 8);
        for (int i = 0; i < count; i++) {
            Io.putIovec(iovecs, i, buffer, 10_000 + 100L * i, 100);
            Message.putHeader(
                    vector,
                    (long) i * Message.MULTI_HEADER,
                    names,
                    (long) i * SocketAddress.CAPACITY,
                    SocketAddress.CAPACITY,
                    iovecs,
                    (long) i * Io.IOVEC,
                    1,
                    MemorySegment.NULL,
                    0,
                    0);
        }
        Poll.await(receiver, Poll.IN, PATIENCE);
        assertThat(Sockets.recvmmsg(receiver, vector, count, 0)).isEqualTo(count);
        for (int i = 0; i < count; i++) {
            assertThat(Message.multiLength(vector, i)).isEqualTo(i + 1);
            assertThat(buffer.get(ValueLayout.JAVA_BYTE, 10_000 + 100L * i)).isEqualTo((byte) i);
            assertThat(SocketAddress.v4(names, (long) i * SocketAddress.CAPACITY))
                    .isEqualTo(LOOPBACK);
        }
        assertThat(Sockets.recvmmsg(receiver, vector, count, 0)).isEqualTo(-Errno.EAGAIN);
    }

    @Test
    void thePortUnreachableOfADatagramComesThroughTheErrorQueue() throws Exception {
        int unused = bound(Sockets.AF_INET, Sockets.DGRAM, SocketAddress.writeV4(address, 0, LOOPBACK, 0));
        Sockets.localAddress(unused, address);
        int port = SocketAddress.port(address, 0);
        Io.close(unused);
        open.clear();
        int sender = opened(Sockets.socket(Sockets.AF_INET, Sockets.DGRAM, 0));
        assertThat(Sockets.setOption(sender, Sockets.IPPROTO_IP, Sockets.IP_RECVERR, 1))
                .isZero();
        SocketAddress.writeV4(address, 0, LOOPBACK, port);
        assertThat(Sockets.sendto(sender, buffer, 0, 4, 0, address, 16)).isEqualTo(4);
        assertThat(Poll.await(sender, Poll.IN, PATIENCE) & Poll.ERR).isEqualTo(Poll.ERR);

        MemorySegment header = arena.allocate(Message.HEADER, 8);
        MemorySegment iovec = arena.allocate(Io.IOVEC, 8);
        MemorySegment control = arena.allocate(512, 8);
        Io.putIovec(iovec, 0, buffer, 0, 100);
        Message.putHeader(header, 0, address, 0, 16, iovec, 0, 1, control, 0, 512);
        assertThat(Sockets.recvmsg(sender, header, Sockets.MSG_ERRQUEUE)).isEqualTo(4);
        assertThat(Message.flags(header, 0) & Sockets.MSG_ERRQUEUE).isEqualTo(Sockets.MSG_ERRQUEUE);
        assertThat(SocketAddress.port(address, 0)).isEqualTo(port);
        long message = Message.firstControl(control, 0, Message.controlLength(header, 0));
        assertThat(Message.controlLevel(control, message)).isEqualTo(Sockets.IPPROTO_IP);
        assertThat(Message.controlType(control, message)).isEqualTo(Sockets.IP_RECVERR);
        // struct sock_extended_err: errno, origin (2 = ICMP), type 3, code 3
        long data = message + Message.CONTROL_HEADER;
        assertThat(control.get(ValueLayout.JAVA_INT, data)).isEqualTo(Errno.ECONNREFUSED);
        assertThat(control.get(ValueLayout.JAVA_INT, data + 4)).isEqualTo(0x00030302);
    }

    @Test
    void aUnixSocketIsReachedByItsPathAndKnowsItsPeer() throws Exception {
        String path = directory.resolve("s.sock").toString();
        int listener = bound(Sockets.AF_UNIX, Sockets.STREAM, SocketAddress.writeUnix(address, 0, path));
        assertThat(Files.exists(Path.of(path))).isTrue();
        Sockets.listen(listener, 4);
        int client = opened(Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0));
        assertThat(Sockets.connect(client, address, SocketAddress.writeUnix(address, 0, path)))
                .isZero();
        int server = opened(Sockets.accept(listener));
        MemorySegment credentials = arena.allocate(12, 4);
        assertThat(Sockets.option(server, Sockets.SOL_SOCKET, Sockets.SO_PEERCRED, credentials, 0, 12))
                .isEqualTo(12);
        assertThat(credentials.get(ValueLayout.JAVA_INT, 0))
                .isEqualTo((int) ProcessHandle.current().pid());
        assertThat(credentials.get(ValueLayout.JAVA_INT, 4)).isEqualTo(Processes.uid());
        assertThat(Io.unlink(path)).isZero();
    }

    @Test
    void aUnixPathMayHave107BytesAndNoMore() throws Exception {
        assertThat(SocketAddress.writeUnix(address, 0, "x".repeat(107))).isEqualTo(110);
        assertThatThrownBy(() -> SocketAddress.writeUnix(address, 0, "x".repeat(108)))
                .isInstanceOf(PosixException.class)
                .hasMessageContaining("107");
        assertThat(SocketAddress.writeUnix(address, 0, "\0abstract")).isEqualTo(11);
    }

    @Test
    void aSequencedPacketKeepsItsBordersAndCarriesDescriptors() throws Exception {
        int[] ends = Sockets.socketpair(Sockets.AF_UNIX, Sockets.SEQPACKET);
        opened(ends[0]);
        opened(ends[1]);
        int[] pipe = Io.pipe(0);
        opened(pipe[0]);
        opened(pipe[1]);
        MemorySegment header = arena.allocate(Message.HEADER, 8);
        MemorySegment iovec = arena.allocate(Io.IOVEC, 8);
        MemorySegment control = arena.allocate(256, 8);
        Io.putIovec(iovec, 0, buffer, 0, 3);
        int length = Message.putRights(control, 0, pipe[1], pipe[0]);
        Message.putHeader(header, 0, MemorySegment.NULL, 0, 0, iovec, 0, 1, control, 0, length);
        assertThat(Sockets.sendmsg(ends[0], header, 0)).isEqualTo(3);
        assertThat(send(ends[0], "second", 0)).isEqualTo(6);

        Io.putIovec(iovec, 0, buffer, 0, 100);
        Message.putHeader(header, 0, MemorySegment.NULL, 0, 0, iovec, 0, 1, control, 0, 256);
        assertThat(Sockets.recvmsg(ends[1], header, Sockets.MSG_CMSG_CLOEXEC)).isEqualTo(3);
        int[] passed = Message.rights(control, 0, Message.controlLength(header, 0));
        assertThat(passed).hasSize(2).doesNotContain(pipe);
        opened(passed[0]);
        opened(passed[1]);
        buffer.setString(0, "through");
        assertThat(Io.write(passed[0], buffer, 0, 7)).isEqualTo(7);
        assertThat(Io.read(pipe[0], buffer, 0, 100)).isEqualTo(7);
        assertThat(receive(ends[1], 0)).isEqualTo("second");
    }

    @Test
    void aReceiverOutOfBoundsIsRefusedBeforeTheCall() throws Exception {
        int[] ends = Sockets.socketpair(Sockets.AF_UNIX, Sockets.DGRAM);
        opened(ends[0]);
        opened(ends[1]);
        assertThatThrownBy(() -> Sockets.recv(ends[0], buffer, 65_000, 1000, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void optionsKeepTheirValues() {
        int fd = opened(Sockets.socket(Sockets.AF_INET, Sockets.STREAM, 0));
        assertThat(Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY, 1))
                .isZero();
        assertThat(Sockets.option(fd, Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY)).isEqualTo(1);
        buffer.set(ValueLayout.JAVA_INT, 8, 1);
        buffer.set(ValueLayout.JAVA_INT, 12, 7);
        assertThat(Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_LINGER, buffer, 8, 8))
                .isZero();
        assertThat(Sockets.option(fd, Sockets.SOL_SOCKET, Sockets.SO_LINGER, buffer, 0, 8))
                .isEqualTo(8);
        assertThat(buffer.get(ValueLayout.JAVA_INT, 4)).isEqualTo(7);
        assertThat(Sockets.option(fd, 9999, 1)).isNegative();
    }

    private int opened(int fd) {
        assertThat(fd).isNotNegative();
        open.add(fd);
        return fd;
    }

    /** Binds to the first {@code length} bytes of {@link #address}. */
    private int bound(int family, int type, int length) {
        int fd = opened(Sockets.socket(family, type, 0));
        assertThat(Sockets.bind(fd, address, length)).isZero();
        return fd;
    }

    private int send(int fd, String text, int flags) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        MemorySegment.copy(bytes, 0, buffer, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return Sockets.send(fd, buffer, 0, bytes.length, flags);
    }

    private String receive(int fd, int flags) {
        Poll.await(fd, Poll.IN, PATIENCE);
        return text(Sockets.recv(fd, buffer, 0, 1000, flags));
    }

    private String text(int length) {
        assertThat(length).isNotNegative();
        return new String(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }
}
