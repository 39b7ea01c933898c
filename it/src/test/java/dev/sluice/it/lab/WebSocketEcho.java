package dev.sluice.it.lab;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Locale;

/**
 * A WebSocket server (RFC 6455) that says back every frame, on port 80; a program of its own. A handshake that tells it of a proxy's
 * affairs, which are none of a server's, it refuses.
 */
public final class WebSocketEcho {
    private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private static final int CLOSE = 8;
    private static final int PING = 9;
    private static final int PONG = 10;

    private WebSocketEcho() {}

    public static void main(String[] args) throws IOException {
        try (ServerSocket listener = new ServerSocket(80, 128)) {
            System.out.println("ready");
            while (true) {
                Socket socket = listener.accept();
                Thread.ofVirtual().start(() -> {
                    try (socket) {
                        serve(socket);
                    } catch (IOException | NoSuchAlgorithmException e) {
                        System.err.println(e);
                    }
                });
            }
        }
    }

    private static void serve(Socket socket) throws IOException, NoSuchAlgorithmException {
        DataInputStream in = new DataInputStream(new java.io.BufferedInputStream(socket.getInputStream()));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream()));
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            head.append((char) in.readUnsignedByte());
        }
        String key = "";
        boolean upgrade = false;
        boolean clean = true;
        for (String line : head.toString().split("\r\n")) {
            String lower = line.toLowerCase(Locale.ROOT);
            upgrade |= lower.equals("upgrade: websocket");
            clean &= !lower.startsWith("proxy-");
            key = lower.startsWith("sec-websocket-key:") ? line.substring(18).strip() : key;
        }
        if (!upgrade || !clean || key.isEmpty()) {
            out.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    .getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
            return;
        }
        byte[] accept = MessageDigest.getInstance("SHA-1").digest((key + GUID).getBytes(StandardCharsets.ISO_8859_1));
        out.write(
                ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                                + Base64.getEncoder().encodeToString(accept) + "\r\n\r\n")
                        .getBytes(StandardCharsets.ISO_8859_1));
        out.flush();
        while (frame(in, out)) {
            // until it is closed
        }
    }

    /** Says one frame back; false after the last (RFC 6455 §5.2). */
    private static boolean frame(DataInputStream in, DataOutputStream out) throws IOException {
        int first = in.readUnsignedByte();
        int second = in.readUnsignedByte();
        int length = second & 0x7f;
        length = length == 126 ? in.readUnsignedShort() : length == 127 ? Math.toIntExact(in.readLong()) : length;
        byte[] mask = new byte[4];
        in.readFully(mask);
        byte[] data = new byte[length];
        in.readFully(data);
        for (int i = 0; i < length; i++) {
            data[i] ^= mask[i & 3];
        }
        int code = first & 0xf;
        out.writeByte(code == PING ? first & 0xf0 | PONG : first);
        if (length < 126) {
            out.writeByte(length);
        } else if (length < 1 << 16) {
            out.writeByte(126);
            out.writeShort(length);
        } else {
            out.writeByte(127);
            out.writeLong(length);
        }
        out.write(data);
        out.flush();
        return code != CLOSE;
    }
}
