package dev.sluice.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.Socket;

/** The guest of {@link TrainingCommand}: a program of its own, inside the namespace, that makes every kind of traffic for a moment. */
final class TrainingClient {
    static final int UPLOAD = 1;
    static final int DOWNLOAD = 2;
    static final int ECHO = 3;
    /** Blocks of 128 KiB each way. */
    static final int BLOCKS = 4096;

    private TrainingClient() {}

    public static void main(String[] args) throws IOException {
        int streams = Integer.parseInt(args[0]);
        int datagrams = Integer.parseInt(args[1]);
        byte[] block = new byte[128 << 10];
        InetAddress host = InetAddress.getByName("host.sluice.internal");
        try (Socket socket = open(host, streams, UPLOAD)) {
            OutputStream out = socket.getOutputStream();
            for (int i = 0; i < BLOCKS; i++) {
                out.write(block);
            }
            socket.shutdownOutput();
            socket.getInputStream().read();
        }
        try (Socket socket = open(host, streams, DOWNLOAD)) {
            InputStream in = socket.getInputStream();
            while (in.read(block) >= 0) {
                // only taken
            }
        }
        for (int i = 0; i < 200; i++) {
            try (Socket socket = open(host, streams, ECHO)) {
                for (int j = 0; j < 10; j++) {
                    socket.getOutputStream().write(j);
                    socket.getInputStream().read();
                }
            }
        }
        try (var socket = new DatagramSocket()) {
            socket.setSoTimeout(100);
            DatagramPacket packet = new DatagramPacket(new byte[1000], 1000, host, datagrams);
            for (int i = 0; i < 2000; i++) {
                socket.send(packet);
                socket.receive(packet);
            }
        }
    }

    private static Socket open(InetAddress host, int port, int kind) throws IOException {
        Socket socket = new Socket(host, port);
        socket.setTcpNoDelay(true);
        socket.getOutputStream().write(kind);
        return socket;
    }
}
