package dev.sluice.cli;

import dev.sluice.cli.network.Signals;
import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.view.FileTrouble;
import dev.sluice.host.porthelper.PortHelperServer;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Processes;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.SocketFile;
import dev.sluice.posix.Sockets;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** {@code sluice port-helper}: binds low ports for one user. */
final class PortHelperCommand implements Command {
    private static final String DEFAULT = "/run/sluice-port-helper.sock";
    /** The first descriptor that systemd passes (sd_listen_fds(3)). */
    private static final int FIRST_PASSED = 3;

    private static final int IDLE_MILLIS = 60_000;
    private static final int BACKLOG = 16;

    private String path = DEFAULT;
    private @Nullable Integer owner;

    @Override
    public Syntax syntax() {
        return new Syntax(
                        "sluice port-helper",
                        "Binds ports below 1024 for one user, and hands the sockets over; to be started as root, or by systemd.")
                .option(
                        "--socket",
                        "PATH",
                        "Where to listen (default: " + DEFAULT + "); a socket that systemd passes comes before it.",
                        text -> path = text)
                .option(
                        "--owner",
                        "UID",
                        "The user who may ask, beside root (default: whoever started it).",
                        this::owner)
                .footer(
                        "",
                        "Examples:",
                        "  sudo sluice port-helper --owner $(id -u) &",
                        "  sluice run --port-helper /run/sluice-port-helper.sock -p 80:8080 -- ./server",
                        "",
                        "docs/commands.md has the units with which systemd starts it when it is asked, with that one right only.",
                        "Exit code: 0 after a stop, or a minute without work if systemd has started it; 2 wrong usage; 69 it"
                                + " can't listen.");
    }

    private void owner(String text) {
        if (!text.matches("[0-9]{1,9}")) {
            throw new IllegalArgumentException("'" + text + "' is no user id; 'id -u NAME' prints that of a user");
        }
        owner = Integer.parseInt(text);
    }

    @Override
    public Integer call() throws IOException {
        boolean passed = "1".equals(System.getenv("LISTEN_FDS"))
                && Long.toString(ProcessHandle.current().pid()).equals(System.getenv("LISTEN_PID"));
        int user = owner != null ? owner : Processes.uid();
        int listener = passed ? FIRST_PASSED : bind(user);
        Object key = passed ? null : SocketFile.key(Path.of(path));
        try (PortHelperServer server = new PortHelperServer(listener, user)) {
            Signals.onStop(server::close);
            Console.detail("binding low ports for user " + user);
            server.run(passed ? IDLE_MILLIS : -1);
        } finally {
            SocketFile.remove(Path.of(path), key);
        }
        return ExitCode.OK;
    }

    private int bind(int user) throws IOException {
        int fd = Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY);
            int length = SocketAddress.writeUnix(address, 0, path);
            if (SocketFile.isSocket(Path.of(path)) && Sockets.connect(fd, address, length) == -Errno.ECONNREFUSED) {
                Io.unlink(path); // left by one that was killed
            }
            Io.close(fd);
            fd = Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0);
            int result = Sockets.bind(fd, address, length);
            if (result >= 0) {
                // Nobody can connect before this is done, as nobody listens yet. The directory may be the owner's, who
                // could put a link
                // in the socket's place at any moment: so what a link leads to is never touched. Who asks, the kernel
                // says.
                try {
                    Files.setAttribute(Path.of(path), "unix:uid", user, LinkOption.NOFOLLOW_LINKS);
                } catch (IOException e) {
                    Io.unlink(path);
                    throw new IOException(
                            "can't give " + path + " to user " + user + " (" + FileTrouble.reason(e)
                                    + "); start it as root, or as that user",
                            e);
                }
                result = Sockets.listen(fd, BACKLOG);
            }
            if (result < 0) {
                throw new IOException("can't listen on " + path + ": " + Errno.text(-result)
                        + "; start it as root, or choose another place with --socket");
            }
            return fd;
        } catch (IOException e) {
            Io.close(fd);
            throw e;
        }
    }
}
