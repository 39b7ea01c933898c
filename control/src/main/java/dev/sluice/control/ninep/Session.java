package dev.sluice.control.ninep;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;

/** One client's conversation: its fids, and what each message means. No I/O; not thread-safe. */
final class Session implements AutoCloseable {
    /** What a virtual machine needs that keeps thousands of forwards open, with some to spare. */
    static final int MAX_FIDS = 65_536;

    /** Smaller messages could not hold the stat of a file with an ordinary name. */
    private static final int MIN_MESSAGE = 256;
    /** Type and tag, count: what stands before the data of a read. */
    private static final int READ_OVERHEAD = 11;

    private static final int MAX_WALK = 16;
    /** What a file system allows for a name, too. */
    private static final int MAX_NAME = 255;
    /** Bytes of open files and of directories being read, of all fids: room for every capture ring, or for a listing of all forwards. */
    static final long MAX_HELD = 8 << 20;

    private static final int IOUNIT_DIRECTORY = 512;
    private static final int IOUNIT_FILE = 32_768;
    private static final int MODE_DIRECTORY = 0x8000_0000;
    /** Of 9P2000.u: root's. Linux lets nobody write where the owner's number is -1, "unknown". */
    private static final int OWNER = 0;
    /** Always the same, as VPNKit's: nobody keeps times of these files. */
    private static final int TIME = 1_146_711_721;

    private static final int T_VERSION = 100;
    private static final int T_AUTH = 102;
    private static final int T_ATTACH = 104;
    private static final int R_ERROR = 107;
    private static final int T_FLUSH = 108;
    private static final int T_WALK = 110;
    private static final int T_OPEN = 112;
    private static final int T_CREATE = 114;
    private static final int T_READ = 116;
    private static final int T_WRITE = 118;
    private static final int T_CLUNK = 120;
    private static final int T_REMOVE = 122;
    private static final int T_STAT = 124;
    private static final int T_WSTAT = 126;

    private final Node root;
    private final Map<Integer, Fid> fids = new HashMap<>();
    /** Directories made here; those that are gone from the tree are forgotten. */
    private final Set<Node> made = Collections.newSetFromMap(new WeakHashMap<>());
    /** See {@link #MAX_HELD}. */
    private long held;

    private int messageSize = NinepServer.MAX_MESSAGE;
    private boolean versioned;
    /** 9P2000.u was agreed on. */
    private boolean unix;

    /** What a client calls by a number. */
    private final class Fid {
        Node node;
        Node.@Nullable OpenFile open;
        /** Whether the open file was read or written. */
        boolean used;
        /** A directory's entries, from the read at offset 0 on. */
        List<byte[]> entries = List.of();

        /** The next entry, and the offset at which it is to be read. */
        int next;

        long offset;
        /** Bytes of what is open or being read. */
        private long size;

        Fid(Node node) {
            this.node = node;
        }

        /** Takes account of the memory it needs now; false if that is too much. */
        boolean holds(long bytes) {
            if (held - size + bytes > MAX_HELD) {
                return false;
            }
            held += bytes - size;
            size = bytes;
            return true;
        }

        void close() {
            if (open != null) {
                open.close();
                open = null;
            }
            entries = List.of();
            held -= size;
            size = 0;
        }
    }

    private static NinepException tooMuch() {
        return NinepException.failed("too much is open: clunk some fids first");
    }

    Session(Node root) {
        this.root = root;
    }

    /** Longest message the client may send. */
    int messageSize() {
        return messageSize;
    }

    /**
     * The answer to a message.
     *
     * @throws Fields.Malformed if it is none; nothing can follow
     */
    byte[] answer(byte[] message) throws Fields.Malformed {
        int type = message[4] & 0xff;
        int tag = message[5] & 0xff | (message[6] & 0xff) << 8;
        Fields in = Fields.of(message);
        Fields out = Fields.reply(type + 1, tag);
        try {
            if (!versioned && type != T_VERSION) {
                throw new Fields.Malformed("the first message is not Tversion but " + type);
            }
            act(type, in, out);
            return out.toMessage();
        } catch (NinepException e) {
            Fields error = Fields.reply(R_ERROR, tag).putString(String.valueOf(e.getMessage()));
            return (unix ? error.put32(e.errno()) : error).toMessage();
        }
    }

    private void act(int type, Fields in, Fields out) throws Fields.Malformed, NinepException {
        switch (type) {
            case T_VERSION -> version(in, out);
            case T_ATTACH -> attach(in, out);
            case T_FLUSH -> {
                in.take16();
                in.finish();
            }
            case T_WALK -> walk(in, out);
            case T_OPEN -> open(in, out);
            case T_CREATE -> create(in, out);
            case T_READ -> read(in, out);
            case T_WRITE -> write(in, out);
            case T_CLUNK, T_REMOVE -> clunk(in, type == T_REMOVE);
            case T_STAT -> {
                Fid fid = fid(in);
                in.finish();
                byte[] stat = stat(fid.node, fid.node.name());
                out.put16(stat.length).putBytes(stat, 0, stat.length);
            }
            case T_WSTAT -> throw NinepException.permissionDenied();
            case T_AUTH -> throw NinepException.notImplemented();
            default -> throw NinepException.notImplemented();
        }
    }

    private void version(Fields in, Fields out) throws Fields.Malformed, NinepException {
        long wanted = in.take32() & 0xffff_ffffL;
        String version = in.takeString();
        in.finish();
        if (versioned) {
            throw NinepException.notImplemented();
        }
        if (wanted < MIN_MESSAGE) {
            throw NinepException.failed(
                    "messages of " + wanted + " bytes are too short; " + MIN_MESSAGE + " are needed");
        }
        if (!version.startsWith("9P2000")) {
            out.put32((int) Math.min(wanted, NinepServer.MAX_MESSAGE)).putString("unknown");
            return;
        }
        versioned = true;
        unix = version.equals("9P2000.u");
        messageSize = (int) Math.min(wanted, NinepServer.MAX_MESSAGE);
        out.put32(messageSize).putString(unix ? "9P2000.u" : "9P2000");
    }

    private void attach(Fields in, Fields out) throws Fields.Malformed, NinepException {
        int number = in.take32();
        in.take32();
        in.takeString();
        in.takeString();
        if (unix) {
            in.take32();
        }
        in.finish();
        out.putQid(root);
        add(number, root);
    }

    private Fid fid(Fields in) throws Fields.Malformed, NinepException {
        Fid fid = fids.get(in.take32());
        if (fid == null) {
            throw NinepException.noSuchFid();
        }
        return fid;
    }

    private void add(int number, Node node) throws NinepException {
        if (fids.containsKey(number)) {
            throw NinepException.failed("fid in use");
        }
        if (fids.size() >= MAX_FIDS) {
            throw NinepException.failed("too many fids; " + MAX_FIDS + " are open");
        }
        fids.put(number, new Fid(node));
    }

    private void walk(Fields in, Fields out) throws Fields.Malformed, NinepException {
        int number = in.take32();
        int target = in.take32();
        int count = in.take16();
        if (count > MAX_WALK) {
            throw new Fields.Malformed("a walk of " + count + " steps");
        }
        List<String> names = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            names.add(in.takeString());
        }
        in.finish();
        Fid from = fids.get(number);
        if (from == null) {
            throw NinepException.noSuchFid();
        }
        Node node = from.node;
        List<Node> steps = new ArrayList<>();
        for (String name : names) {
            Node next = switch (name) {
                case ".." -> root;
                case "." -> node;
                default -> node.child(name);
            };
            if (next == null) {
                break;
            }
            steps.add(next);
            node = next;
        }
        if (steps.isEmpty() && count > 0) {
            throw NinepException.notFound();
        }
        if (steps.size() == count) {
            if (target == number) {
                if (from.open != null) {
                    throw NinepException.failed("an open fid cannot walk");
                }
                from.node = node;
            } else {
                add(target, node);
            }
        }
        out.put16(steps.size());
        steps.forEach(out::putQid);
    }

    private void open(Fields in, Fields out) throws Fields.Malformed, NinepException {
        Fid fid = fid(in);
        in.take8();
        in.finish();
        if (fid.open != null) {
            throw NinepException.failed("the fid is open already");
        }
        if (!fid.node.isDirectory()) {
            Node.OpenFile file = fid.node.open();
            if (!fid.holds(file.content().length)) {
                file.close();
                throw tooMuch();
            }
            fid.open = file;
        }
        out.putQid(fid.node).put32(fid.node.isDirectory() ? IOUNIT_DIRECTORY : IOUNIT_FILE);
    }

    private void create(Fields in, Fields out) throws Fields.Malformed, NinepException {
        Fid fid = fid(in);
        String name = in.takeString();
        int permissions = in.take32();
        in.take8();
        if (unix) {
            in.takeString();
        }
        in.finish();
        boolean ordinary = !name.isEmpty() && !name.equals(".") && !name.equals("..") && name.indexOf('/') < 0;
        if ((permissions & MODE_DIRECTORY) == 0 || !ordinary || fid.open != null) {
            throw NinepException.permissionDenied();
        }
        if (name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME) {
            throw NinepException.failed("file name too long");
        }
        fid.node = fid.node.createDirectory(name);
        made.add(fid.node);
        out.putQid(fid.node).put32(IOUNIT_DIRECTORY);
    }

    private void read(Fields in, Fields out) throws Fields.Malformed, NinepException {
        Fid fid = fid(in);
        long offset = in.take64();
        long asked = in.take32() & 0xffff_ffffL;
        in.finish();
        int most = (int) Math.min(asked, messageSize - READ_OVERHEAD);
        if (fid.open == null) {
            if (!fid.node.isDirectory()) {
                throw NinepException.failed("the fid is not open");
            }
            entries(fid, offset, most, out);
            return;
        }
        fid.used = true;
        byte[] content = fid.open.content();
        int from = (int) Math.clamp(offset < 0 ? Long.MAX_VALUE : offset, 0, content.length);
        int length = Math.min(most, content.length - from);
        out.put32(length).putBytes(content, from, length);
    }

    /** Whole entries only; only from the start, or on from where the last read ended (read(5)). */
    private void entries(Fid fid, long offset, int most, Fields out) throws NinepException {
        if (offset == 0) {
            List<byte[]> all = new ArrayList<>();
            all.add(stat(fid.node, "."));
            all.add(stat(root, ".."));
            long bytes = 0;
            for (Node child : fid.node.children()) {
                byte[] entry = stat(child, child.name());
                bytes += entry.length;
                all.add(entry);
            }
            if (!fid.holds(bytes)) {
                throw tooMuch();
            }
            fid.entries = all;
            fid.next = 0;
            fid.offset = 0;
        } else if (offset != fid.offset) {
            throw NinepException.failed("a directory is read from its start, or on from where the last read ended");
        }
        int first = fid.next;
        int length = 0;
        while (fid.next < fid.entries.size() && length + fid.entries.get(fid.next).length <= most) {
            length += fid.entries.get(fid.next++).length;
        }
        fid.offset += length;
        out.put32(length);
        for (byte[] entry : fid.entries.subList(first, fid.next)) {
            out.putBytes(entry, 0, entry.length);
        }
        if (fid.next == fid.entries.size()) {
            fid.entries = List.of();
            fid.next = 0;
            fid.holds(0);
        }
    }

    private void write(Fields in, Fields out) throws Fields.Malformed, NinepException {
        Fid fid = fid(in);
        in.take64();
        byte[] data = in.takeBytes(in.take32());
        in.finish();
        if (fid.open == null) {
            throw NinepException.permissionDenied();
        }
        fid.used = true;
        fid.open.write(data);
        if (!fid.holds(fid.open.content().length)) {
            fids.values().remove(fid);
            fid.close();
            throw tooMuch();
        }
        out.put32(data.length);
    }

    /** Removing ends the fid even where it fails (remove(5)). */
    private void clunk(Fields in, boolean remove) throws Fields.Malformed, NinepException {
        int number = in.take32();
        in.finish();
        Fid fid = fids.remove(number);
        if (fid == null) {
            throw NinepException.noSuchFid();
        }
        if (!remove && fid.open != null && !fid.used) {
            fid.open.unused();
        }
        fid.close();
        if (remove) {
            fid.node.remove();
        }
    }

    /** A directory entry (stat(5)). */
    private byte[] stat(Node node, String name) {
        int mode = node.isDirectory() ? MODE_DIRECTORY | 0755 : node.isWritable() ? 0644 : 0444;
        Fields fields = Fields.bare()
                .put16(0xffff)
                .put32(-1)
                .putQid(node)
                .put32(mode)
                .put32(TIME)
                .put32(TIME)
                .put64(node.length())
                .putString(name)
                .putString("uid")
                .putString("gid")
                .putString("muid");
        if (unix) {
            fields.putString("").put32(OWNER).put32(OWNER).put32(OWNER);
        }
        byte[] body = fields.toBytes();
        return Fields.bare().put16(body.length).putBytes(body, 0, body.length).toBytes();
    }

    /** Clunks everything, and takes back what was made and never used. */
    @Override
    public void close() {
        fids.values().forEach(Fid::close);
        fids.clear();
        made.forEach(Node::abandon);
    }
}
