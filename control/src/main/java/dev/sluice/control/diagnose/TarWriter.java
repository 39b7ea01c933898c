package dev.sluice.control.diagnose;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/** Writes a tar archive (POSIX.1-1988 ustar) of plain files with mode 0644, as it goes. One thread. */
public final class TarWriter implements AutoCloseable {
    private static final int BLOCK = 512;
    private static final int MAX_NAME = 100;

    private final OutputStream out;

    public TarWriter(OutputStream out) {
        this.out = out;
    }

    /**
     * Adds a file.
     *
     * @param name a path of at most {@value #MAX_NAME} ASCII characters
     * @param modified seconds since 1970
     */
    public void add(String name, byte[] content, long modified) throws IOException {
        byte[] path = name.getBytes(StandardCharsets.US_ASCII);
        if (path.length > MAX_NAME) {
            throw new IllegalArgumentException("a name of " + path.length + " bytes");
        }
        byte[] header = new byte[BLOCK];
        System.arraycopy(path, 0, header, 0, path.length);
        octal(header, 100, 8, 0644);
        octal(header, 108, 8, 0);
        octal(header, 116, 8, 0);
        octal(header, 124, 12, content.length);
        octal(header, 136, 12, modified);
        Arrays.fill(header, 148, 156, (byte) ' '); // the checksum counts itself as blanks
        header[156] = '0';
        text(header, 257, "ustar\0" + "00");
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        text(header, 148, String.format(Locale.ROOT, "%06o\0 ", sum));
        out.write(header);
        out.write(content);
        out.write(new byte[-content.length & BLOCK - 1]);
    }

    private static void octal(byte[] header, int at, int width, long value) {
        text(header, at, String.format(Locale.ROOT, "%0" + (width - 1) + "o\0", value));
    }

    private static void text(byte[] header, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, header, at, bytes.length);
    }

    /** Writes the end; the stream under it stays open. */
    @Override
    public void close() throws IOException {
        out.write(new byte[2 * BLOCK]);
        out.flush();
    }
}
