package dev.sluice.control.ninep;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A 9P2000 client, byte by byte; what the server calls an error is an {@link IOException} with its words. */
public final class NinepClient {
    private static final int R_ERROR = 107;
    private static final int DIRECTORY = 0x8000_0000;
    private final InputStream in;
    private final OutputStream out;
    private final boolean unix;
    private int nextFid = 10;
    private int nextTag;
    /** What the server has agreed to. */
    public int messageSize;

    public String version = "";

    public NinepClient(InputStream in, OutputStream out, String version, int messageSize) throws IOException {
        this.in = in;
        this.out = out;
        this.unix = version.equals("9P2000.u");
        Fields answer = ask(100, Fields.bare().put32(messageSize).putString(version));
        this.messageSize = take32(answer);
        this.version = takeString(answer);
        Fields attach = Fields.bare().put32(0).put32(-1).putString("root").putString("");
        ask(104, unix ? attach.put32(0) : attach);
    }

    public Fields ask(int type, Fields fields) throws IOException {
        byte[] body = fields.toBytes();
        int tag = type == 100 ? 0xffff : nextTag++ & 0x7fff;
        out.write(Fields.reply(type, tag).putBytes(body, 0, body.length).toMessage());
        out.flush();
        byte[] head = in.readNBytes(4);
        if (head.length < 4) {
            throw new IOException("the server has closed the connection");
        }
        int size = head[0] & 0xff | (head[1] & 0xff) << 8 | (head[2] & 0xff) << 16;
        byte[] message = new byte[size];
        in.readNBytes(message, 4, size - 4);
        Fields answer = Fields.of(message);
        if ((message[4] & 0xff) == R_ERROR) {
            throw new IOException(takeString(answer));
        }
        if ((message[4] & 0xff) != type + 1 || ((message[5] & 0xff) | (message[6] & 0xff) << 8) != tag) {
            throw new IOException("answer " + (message[4] & 0xff) + " to " + type);
        }
        return answer;
    }

    /** A new fid for the file at the end of {@code path}. */
    public int walk(String... path) throws IOException {
        int fid = nextFid++;
        Fields walk = Fields.bare().put32(0).put32(fid).put16(path.length);
        for (String name : path) {
            walk.putString(name);
        }
        Fields answer = ask(110, walk);
        int steps;
        try {
            steps = answer.take16();
        } catch (Fields.Malformed e) {
            throw new IOException(e);
        }
        if (steps < path.length) {
            throw new IOException("walked " + steps + " of " + path.length);
        }
        return fid;
    }

    public int open(String... path) throws IOException {
        int fid = walk(path);
        ask(112, Fields.bare().put32(fid).put8(2));
        return fid;
    }

    /** The fid is the new directory afterwards. */
    public int makeDirectory(String name) throws IOException {
        int fid = walk();
        create(fid, name, DIRECTORY | 0755);
        return fid;
    }

    public void create(int fid, String name, int permissions) throws IOException {
        Fields create =
                Fields.bare().put32(fid).putString(name).put32(permissions).put8(0);
        ask(114, unix ? create.putString("") : create);
    }

    public byte[] read(int fid, long offset, int count) throws IOException {
        Fields answer = ask(116, Fields.bare().put32(fid).put64(offset).put32(count));
        try {
            return answer.takeBytes(answer.take32());
        } catch (Fields.Malformed e) {
            throw new IOException(e);
        }
    }

    public String read(int fid) throws IOException {
        StringBuilder all = new StringBuilder();
        byte[] part = read(fid, 0, messageSize);
        while (part.length > 0) {
            all.append(new String(part, StandardCharsets.UTF_8));
            part = read(fid, all.length(), messageSize);
        }
        return all.toString();
    }

    public String readFile(String... path) throws IOException {
        int fid = open(path);
        String text = read(fid);
        clunk(fid);
        return text;
    }

    public int write(int fid, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return take32(
                ask(118, Fields.bare().put32(fid).put64(0).put32(bytes.length).putBytes(bytes, 0, bytes.length)));
    }

    public void clunk(int fid) throws IOException {
        ask(120, Fields.bare().put32(fid));
    }

    public void remove(int fid) throws IOException {
        ask(122, Fields.bare().put32(fid));
    }

    /** Names in a directory, read {@code count} bytes at a time. */
    public List<String> list(int count, String... path) throws IOException {
        int fid = open(path);
        List<String> names = new ArrayList<>();
        long offset = 0;
        byte[] part = read(fid, 0, count);
        while (part.length > 0) {
            offset += part.length;
            names.addAll(names(part));
            part = read(fid, offset, count);
        }
        clunk(fid);
        return names;
    }

    private static List<String> names(byte[] stats) throws IOException {
        List<String> names = new ArrayList<>();
        try {
            for (int at = 0; at < stats.length; ) {
                int size = stats[at] & 0xff | (stats[at + 1] & 0xff) << 8;
                byte[] shifted = new byte[Fields.HEADER + size];
                System.arraycopy(stats, at + 2, shifted, Fields.HEADER, size);
                Fields stat = Fields.of(shifted);
                stat.takeBytes(2 + 4 + 13 + 4 + 4 + 4 + 8);
                names.add(stat.takeString());
                at += 2 + size;
            }
        } catch (Fields.Malformed e) {
            throw new IOException(e);
        }
        return names;
    }

    private static int take32(Fields fields) throws IOException {
        try {
            return fields.take32();
        } catch (Fields.Malformed e) {
            throw new IOException(e);
        }
    }

    private static String takeString(Fields fields) throws IOException {
        try {
            return fields.takeString();
        } catch (Fields.Malformed e) {
            throw new IOException(e);
        }
    }
}
