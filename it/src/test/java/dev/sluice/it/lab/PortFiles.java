package dev.sluice.it.lab;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A 9P2000 client that makes forwards with VPNKit's port files, as Docker's proxy did. */
public final class PortFiles implements AutoCloseable {
    private static final int DIRECTORY = 0x8000_01ed;
    private final SocketChannel channel;
    private final InputStream in;
    private int nextFid = 1;

    public PortFiles(Path socket) throws IOException {
        channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        in = Channels.newInputStream(channel);
        ask(100, out -> text(out.putInt(8192), "9P2000"));
        ask(104, out -> text(text(out.putInt(0).putInt(-1), "me"), ""));
    }

    private interface Body {
        void write(ByteBuffer out);
    }

    private static ByteBuffer text(ByteBuffer out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return out.putShort((short) bytes.length).put(bytes);
    }

    /** The fields of the answer; what the server calls an error is an {@link IOException} with its words. */
    private ByteBuffer ask(int type, Body body) throws IOException {
        ByteBuffer out = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
        out.position(4).put((byte) type).putShort((short) (type == 100 ? -1 : 1));
        body.write(out);
        out.putInt(0, out.position()).flip();
        while (out.hasRemaining()) {
            channel.write(out);
        }
        ByteBuffer size = ByteBuffer.wrap(whole(4)).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer answer = ByteBuffer.wrap(whole(size.getInt() - 4)).order(ByteOrder.LITTLE_ENDIAN);
        int kind = answer.get() & 0xff;
        answer.getShort();
        if (kind == 107) {
            byte[] words = new byte[answer.getShort()];
            answer.get(words);
            throw new IOException(new String(words, StandardCharsets.UTF_8));
        }
        return answer;
    }

    private byte[] whole(int length) throws IOException {
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new EOFException("the server has left");
        }
        return bytes;
    }

    /** A forward that was asked for: the answer, and the fid that keeps it open. */
    public record Forward(int control, String answer) {}

    /** Makes a directory called {@code spec}, and writes that into its {@code ctl}. */
    public Forward open(String spec) throws IOException {
        int directory = nextFid++;
        int control = nextFid++;
        ask(110, out -> out.putInt(0).putInt(directory).putShort((short) 0));
        ask(114, out -> text(out.putInt(directory), spec).putInt(DIRECTORY).put((byte) 0));
        ask(110, out -> text(out.putInt(directory).putInt(control).putShort((short) 1), "ctl"));
        ask(112, out -> out.putInt(control).put((byte) 2));
        byte[] bytes = spec.getBytes(StandardCharsets.UTF_8);
        ask(118, out -> out.putInt(control).putLong(0).putInt(bytes.length).put(bytes));
        ByteBuffer read = ask(116, out -> out.putInt(control).putLong(0).putInt(4096));
        byte[] answer = new byte[read.getInt()];
        read.get(answer);
        ask(120, out -> out.putInt(directory));
        return new Forward(control, new String(answer, StandardCharsets.UTF_8));
    }

    /** Ends it. */
    public void close(Forward forward) throws IOException {
        ask(120, out -> out.putInt(forward.control));
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
