package dev.sluice.control.vpnkit;

import java.nio.charset.StandardCharsets;

/** The archive format of POSIX.1-1988 (ustar), as much as plain files with short names need. */
final class Tar {
    private static final int BLOCK = 512;
    /** Two empty blocks are the end. */
    static final int END = 2 * BLOCK;

    private static final int NAME = 100;
    private static final int CHECKSUM = 148;

    private Tar() {}

    /** Bytes after a file's content. */
    static int padding(long length) {
        return (int) (-length & BLOCK - 1);
    }

    /** @param name at most 100 ASCII characters */
    static byte[] header(String name, long length, long seconds) {
        byte[] header = new byte[BLOCK];
        if (name.length() > NAME) {
            throw new IllegalArgumentException(name);
        }
        put(header, 0, name);
        put(header, 100, "0000644\0");
        put(header, 108, "0000000\0");
        put(header, 116, "0000000\0");
        put(header, 124, "%011o\0".formatted(length));
        put(header, 136, "%011o\0".formatted(seconds));
        put(header, CHECKSUM, "        ");
        put(header, 156, "0");
        put(header, 257, "ustar\00000");
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        put(header, CHECKSUM, "%06o\0 ".formatted(sum));
        return header;
    }

    private static void put(byte[] header, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, header, at, bytes.length);
    }
}
