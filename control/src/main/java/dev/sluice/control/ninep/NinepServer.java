package dev.sluice.control.ninep;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Serves one tree to any number of clients, each on its own thread. */
public final class NinepServer {
    /** Longest message, both ways. */
    public static final int MAX_MESSAGE = 16_384;

    private final Node root;

    public NinepServer(Node root) {
        this.root = root;
    }

    /**
     * Serves one client until it leaves; the streams stay the caller's to close.
     *
     * @throws IOException if it broke off, or does not speak the protocol
     */
    public void serve(InputStream in, OutputStream out) throws IOException {
        try (Session session = new Session(root)) {
            while (true) {
                byte[] message = read(in, session.messageSize());
                if (message.length == 0) {
                    return;
                }
                out.write(session.answer(message));
                out.flush();
            }
        } catch (Fields.Malformed e) {
            throw new IOException("what the client sends is not 9P: " + e.getMessage(), e);
        }
    }

    /** A whole message; empty at the end of the stream. */
    private static byte[] read(InputStream in, int longest) throws IOException, Fields.Malformed {
        byte[] head = in.readNBytes(4);
        if (head.length == 0) {
            return head;
        }
        if (head.length < 4) {
            throw new EOFException("the client left within a message");
        }
        int size = head[0] & 0xff | (head[1] & 0xff) << 8 | (head[2] & 0xff) << 16 | head[3] << 24;
        if (size < Fields.HEADER || size > longest) {
            throw new Fields.Malformed("a message of " + Integer.toUnsignedString(size) + " bytes");
        }
        byte[] message = new byte[size];
        System.arraycopy(head, 0, message, 0, 4);
        if (in.readNBytes(message, 4, size - 4) < size - 4) {
            throw new EOFException("the client left within a message");
        }
        return message;
    }
}
