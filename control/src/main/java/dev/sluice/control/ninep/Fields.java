package dev.sluice.control.ninep;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The fields of one message, little-endian; read from one that came, or appended to one that goes. No length in it is believed. */
final class Fields {
    /** A message that is not what it should be; the stream is lost after it. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1;

        Malformed(String message) {
            super(message, null, false, false);
        }
    }

    /** Size, type, tag. */
    static final int HEADER = 7;

    private byte[] bytes;
    private int at;
    private final int end;

    private Fields(byte[] bytes, int at, int end) {
        this.bytes = bytes;
        this.at = at;
        this.end = end;
    }

    /** The fields of a message after its header. */
    static Fields of(byte[] message) {
        return new Fields(message, HEADER, message.length);
    }

    /** A message to be written. */
    static Fields reply(int type, int tag) {
        return new Fields(new byte[64], 4, Integer.MAX_VALUE).put8(type).put16(tag);
    }

    /** Fields without a header, to be written. */
    static Fields bare() {
        return new Fields(new byte[96], 0, Integer.MAX_VALUE);
    }

    int take8() throws Malformed {
        return (int) take(1);
    }

    int take16() throws Malformed {
        return (int) take(2);
    }

    /** Unsigned numbers of 32 bits that name or count something; as an int, for those where only equality matters. */
    int take32() throws Malformed {
        return (int) take(4);
    }

    long take64() throws Malformed {
        return take(8);
    }

    private long take(int length) throws Malformed {
        need(length);
        long value = 0;
        for (int i = 0; i < length; i++) {
            value |= (bytes[at + i] & 0xffL) << 8 * i;
        }
        at += length;
        return value;
    }

    String takeString() throws Malformed {
        int length = take16();
        need(length);
        String text = new String(bytes, at, length, StandardCharsets.UTF_8);
        at += length;
        return text;
    }

    byte[] takeBytes(int length) throws Malformed {
        need(length);
        byte[] part = Arrays.copyOfRange(bytes, at, at + length);
        at += length;
        return part;
    }

    private void need(int length) throws Malformed {
        if (length < 0 || end - at < length) {
            throw new Malformed("a message ends before its fields do");
        }
    }

    /** Refuses what follows the last field. */
    void finish() throws Malformed {
        if (at != end) {
            throw new Malformed("a message goes on after its last field");
        }
    }

    Fields put8(int value) {
        return put(value, 1);
    }

    Fields put16(int value) {
        return put(value, 2);
    }

    Fields put32(int value) {
        return put(value, 4);
    }

    Fields put64(long value) {
        return put(value, 8);
    }

    private Fields put(long value, int length) {
        room(length);
        for (int i = 0; i < length; i++) {
            bytes[at++] = (byte) (value >>> 8 * i);
        }
        return this;
    }

    Fields putString(String text) {
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(encoded.length, 0xffff);
        return put16(length).putBytes(encoded, 0, length);
    }

    Fields putBytes(byte[] from, int offset, int length) {
        room(length);
        System.arraycopy(from, offset, bytes, at, length);
        at += length;
        return this;
    }

    /** The qid of a node: what it is, a version, who it is. */
    Fields putQid(Node node) {
        return put8(node.isDirectory() ? 0x80 : 0).put32(0).put64(node.id());
    }

    private void room(int length) {
        if (bytes.length - at < length) {
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, at + length));
        }
    }

    /** What was written. */
    byte[] toBytes() {
        return Arrays.copyOf(bytes, at);
    }

    /** The message that was written, with its size. */
    byte[] toMessage() {
        byte[] message = toBytes();
        for (int i = 0; i < 4; i++) {
            message[i] = (byte) (message.length >>> 8 * i);
        }
        return message;
    }

    @Override
    public String toString() {
        return "at " + at + " of " + end;
    }
}
