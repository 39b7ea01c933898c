package dev.sluice.host.porthelper;

import dev.sluice.host.HostError;
import dev.sluice.host.ListenException;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Asks a privileged program for ports.
 *
 * @param path of its socket
 */
public record PortHelper(String path) {
    private static final long PATIENCE_MILLIS = 10_000;

    /**
     * A socket that is bound and, if TCP, listens; non-blocking, and the caller's. Blocks.
     *
     * @throws ListenException saying why not
     */
    public int bind(Ipv4Address address, int port, boolean udp) throws ListenException {
        try (Conversation conversation = new Conversation(connect(), PATIENCE_MILLIS)) {
            conversation.sendHello();
            conversation.readHello();
            conversation.sendRequest(address.bits(), port, udp);
            Conversation.Answer answer = conversation.readAnswer();
            return switch (answer.code()) {
                case Conversation.OK -> {
                    Io.setNonBlocking(answer.socket());
                    yield answer.socket();
                }
                case Conversation.IN_USE ->
                    throw refusal(HostError.ADDRESS_IN_USE, address, port, "port is already allocated");
                case Conversation.NO_SUCH_ADDRESS ->
                    throw refusal(HostError.NO_SUCH_ADDRESS, address, port, "this host has no such address");
                default ->
                    throw refusal(
                            HostError.PROHIBITED,
                            address,
                            port,
                            "the port helper at " + path + " may not bind it either");
            };
        } catch (ListenException e) {
            throw e;
        } catch (IOException e) {
            throw refusal(
                    HostError.PROHIBITED,
                    address,
                    port,
                    "the port helper at " + path + " was asked: " + e.getMessage());
        }
    }

    private static ListenException refusal(HostError error, Ipv4Address address, int port, String why) {
        return new ListenException(error, "cannot listen on " + address + ":" + port + ": " + why);
    }

    private int connect() throws IOException {
        int fd = Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0);
        if (fd < 0) {
            throw new IOException(Errno.text(-fd));
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY);
            int result = Sockets.connect(fd, address, SocketAddress.writeUnix(address, 0, path));
            if (result < 0) {
                throw new IOException(Errno.text(-result));
            }
            return fd;
        } catch (IOException e) {
            Io.close(fd);
            throw e;
        }
    }
}
