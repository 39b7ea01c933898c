package dev.sluice.cli.face.gvproxy;

import dev.sluice.posix.SocketFile;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A socket here that leads to one in the guest: the system's {@code ssh} with a forwarded socket, started anew whenever it ends, as the
 * guest's own server may come late and go with a reboot.
 */
final class SshTunnel implements AutoCloseable {
    private static final long PAUSE_SECONDS = 2;
    private static final long LOOK_MILLIS = 20;

    private final List<String> command;
    private final Path socket;
    private final Thread thread;
    private volatile boolean closed;

    private SshTunnel(List<String> command, Path socket) {
        this.command = command;
        this.socket = socket;
        this.thread = Thread.ofPlatform().daemon().name("ssh").unstarted(this::run);
    }

    /**
     * Begins, and goes on until it is closed.
     *
     * @param port of the loopback, where the guest's ssh server is
     * @throws IOException if there is no key, or something in the socket's place
     */
    static SshTunnel start(Configuration.SshForward forward, int port) throws IOException {
        if (!Files.isReadable(Path.of(forward.identity()))) {
            throw new IOException("the key " + forward.identity() + " can't be read; make it, or name another");
        }
        Path socket = Path.of(forward.socket());
        if (SocketFile.isSocket(socket)) {
            Files.delete(socket);
        } else if (Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(socket + " exists and is no socket; remove it");
        }
        SshTunnel tunnel = new SshTunnel(command(forward, port), socket);
        tunnel.thread.start();
        return tunnel;
    }

    /** Waits until the socket is there, or {@code patience} has passed. */
    void await(Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        try {
            while (!closed && !Files.exists(socket) && System.nanoTime() < end) {
                TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The guest is new with each installation, so its key is nobody's; what matters is ours, which it must accept. */
    static List<String> command(Configuration.SshForward forward, int port) {
        return List.of(
                "ssh",
                "-N",
                "-T",
                "-F",
                "none",
                "-o",
                "BatchMode=yes",
                "-o",
                "ExitOnForwardFailure=yes",
                "-o",
                "StreamLocalBindUnlink=yes",
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                "UserKnownHostsFile=/dev/null",
                "-o",
                "LogLevel=ERROR",
                "-o",
                "IdentitiesOnly=yes",
                "-o",
                "ServerAliveInterval=15",
                "-i",
                forward.identity(),
                "-p",
                Integer.toString(port),
                "-L",
                forward.socket() + ":" + forward.destination(),
                forward.user() + "@127.0.0.1");
    }

    private void run() {
        while (!closed) {
            try {
                Process ssh = new ProcessBuilder(command)
                        .redirectInput(new File("/dev/null"))
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
                try {
                    ssh.waitFor();
                } finally {
                    ssh.destroy();
                }
                TimeUnit.SECONDS.sleep(PAUSE_SECONDS);
            } catch (InterruptedException e) {
                return;
            } catch (IOException e) {
                System.getLogger(SshTunnel.class.getName())
                        .log(
                                System.Logger.Level.WARNING,
                                "a socket of the guest's needs the program ssh (Debian: openssh-client): "
                                        + e.getMessage());
                return;
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
        try {
            thread.join(Duration.ofSeconds(2)); // so that it has told ssh
            if (SocketFile.isSocket(socket)) {
                Files.delete(socket);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IOException e) {
            // the next start removes it
        }
    }
}
