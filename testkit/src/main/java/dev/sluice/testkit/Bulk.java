package dev.sluice.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Random;

/** Bytes in bulk that must come out as they went in: by their digests, as they are too many to keep. */
public final class Bulk {
    private Bulk() {}

    /** Sends {@code bytes} pseudo-random bytes and returns their SHA-256. */
    public static byte[] pour(OutputStream out, long bytes, long seed) throws IOException {
        MessageDigest digest = sha256();
        Random random = new Random(seed);
        byte[] buffer = new byte[48_271];
        for (long left = bytes; left > 0; ) {
            random.nextBytes(buffer);
            int n = (int) Math.min(left, buffer.length);
            digest.update(buffer, 0, n);
            out.write(buffer, 0, n);
            left -= n;
        }
        return digest.digest();
    }

    /** Reads to the end and returns the SHA-256 of it. */
    public static byte[] drink(InputStream in) throws IOException {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[65_536];
        int n;
        while ((n = in.read(buffer, 0, buffer.length)) >= 0) {
            digest.update(buffer, 0, n);
        }
        return digest.digest();
    }

    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
