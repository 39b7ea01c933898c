package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;

/**
 * What the launcher runs once to record what a start needs and how the data path is used (the AOT cache with its profiles): each command,
 * and real traffic of a second JVM in a namespace ({@link TrainingClient}) to servers in this one. Fails soft: it records what it can.
 */
final class TrainingCommand implements Command {
    @Override
    public Syntax syntax() {
        return new Syntax("sluice training", "Makes every kind of traffic for a moment.").hide();
    }

    @Override
    public Integer call() {
        PrintStream out = System.out;
        try {
            System.setOut(new PrintStream(PrintStream.nullOutputStream()));
            Main.execute("--version");
            Main.execute("attach", "--help");
            Main.execute("serve", "--help");
            Main.execute("status", "--help");
            Main.execute("as", "slirp4netns", "--version");
            Main.execute("run", "--", "true");
            traffic("1500");
            traffic("65520");
        } catch (IOException e) {
            Console.detail("training without traffic: " + e.getMessage());
        } finally {
            System.setOut(out);
        }
        return ExitCode.OK;
    }

    private static void traffic(String mtu) throws IOException {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        try (var streams = new ServerSocket(0, 50, loopback);
                var datagrams = new DatagramSocket(0, loopback)) {
            Thread.ofVirtual().start(() -> serve(streams));
            Thread.ofVirtual().start(() -> echo(datagrams));
            Main.execute(
                    "run",
                    "--host-loopback",
                    "--mtu",
                    mtu,
                    "--",
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-p",
                    System.getProperty("jdk.module.path", ""),
                    "-m",
                    "dev.sluice.cli/" + TrainingClient.class.getName(),
                    Integer.toString(streams.getLocalPort()),
                    Integer.toString(datagrams.getLocalPort()));
        }
    }

    /** Each connection says with its first byte what it is about, until its end. */
    private static void serve(ServerSocket server) {
        while (!server.isClosed()) {
            try {
                Socket socket = server.accept();
                Thread.ofVirtual().start(() -> answer(socket));
            } catch (IOException e) {
                return;
            }
        }
    }

    private static void answer(Socket connection) {
        byte[] buffer = new byte[128 << 10];
        try (Socket socket = connection) {
            InputStream in = socket.getInputStream();
            switch (in.read()) {
                case TrainingClient.UPLOAD -> {
                    while (in.read(buffer) >= 0) {
                        // only taken
                    }
                    socket.getOutputStream().write(1);
                }
                case TrainingClient.DOWNLOAD -> {
                    for (int i = 0; i < TrainingClient.BLOCKS; i++) {
                        socket.getOutputStream().write(buffer);
                    }
                }
                default -> {
                    int n;
                    while ((n = in.read(buffer)) >= 0) {
                        socket.getOutputStream().write(buffer, 0, n);
                    }
                }
            }
        } catch (IOException e) {
            // the client has gone
        }
    }

    private static void echo(DatagramSocket socket) {
        DatagramPacket packet = new DatagramPacket(new byte[2048], 2048);
        while (!socket.isClosed()) {
            try {
                packet.setLength(2048);
                socket.receive(packet);
                socket.send(packet);
            } catch (IOException e) {
                return;
            }
        }
    }
}
