package dev.sluice.cli.face.gvproxy;

import dev.sluice.cli.network.Attendance;
import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.link.Framing;
import dev.sluice.link.LinkUrl;
import dev.sluice.posix.Sockets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Where guests connect. gvproxy takes one guest at its socket for QEMU or BESS and ends with it, which those rely on that start it for a
 * machine; here several may come, and the end is that of the last. Guests of the other kinds come and go.
 */
final class GuestPlaces implements AutoCloseable {
    private final GuestNetwork network;
    private final Runnable over;
    private final Attendance guests;
    private final List<Door> doors = new ArrayList<>();
    private int connections;

    /** @param over called when the guests have gone for whom this process is there */
    GuestPlaces(GuestNetwork network, Runnable over) {
        this.network = network;
        this.over = over;
        this.guests = new Attendance(over);
    }

    /**
     * Opens one.
     *
     * @throws IllegalArgumentException if {@code text} names no place of this kind, or what is there already
     */
    void open(Configuration.Kind kind, String text) throws IOException {
        switch (kind) {
            case QEMU -> {
                if (text.startsWith("tcp:") || text.startsWith("vsock:")) {
                    doors.add(Door.open(text, fd -> join(fd, text)));
                } else {
                    network.listen(LinkUrl.parse("qemu:" + path(kind, text, "unix")), guests);
                }
            }
            case BESS -> network.listen(LinkUrl.parse("bess:" + path(kind, text, "unixpacket")), guests);
            case VFKIT -> network.listen(LinkUrl.parse("vfkit:" + path(kind, text, "unixgram")), () -> {});
            case VPNKIT -> network.listen(LinkUrl.parse("vmnet:" + path(kind, text, "unix")), () -> {});
            case STDIO -> network.listen(new LinkUrl.Stdio(), over);
        }
    }

    private void join(int fd, String place) {
        // a frame shall not wait for another's acknowledgement; a socket of virtual machines has no such option
        Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY, 1);
        network.join(fd, place + "#" + number(), Framing.BE32, guests);
    }

    private synchronized int number() {
        return ++connections;
    }

    /** A file that is there already is refused, as gvproxy does. */
    private static String path(Configuration.Kind kind, String text, String scheme) {
        String flag = "-listen-" + kind.name().toLowerCase(Locale.ROOT);
        if (!text.startsWith(scheme + ":")
                || !(SocketUrl.parse(text) instanceof SocketUrl.File(String _, String path))) {
            throw new IllegalArgumentException(flag + " " + text + ": write " + scheme + ":///PATH");
        }
        if (Files.exists(Path.of(path))) {
            throw new IllegalArgumentException(flag + ": " + path + " exists already; remove it");
        }
        return path;
    }

    /** Nobody connects from now on. */
    @Override
    public void close() {
        doors.forEach(Door::close);
    }
}
