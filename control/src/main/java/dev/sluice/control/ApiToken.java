package dev.sluice.control;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;

/** The secret that a client of the TCP door must know. Holds a digest of it only, and never shows it. */
public final class ApiToken {
    /** A shorter one could be guessed. */
    private static final int MIN_LENGTH = 16;

    private static final int MAX_LENGTH = 1024;

    private final byte[] digest;

    private ApiToken(String token) {
        this.digest = digest(token);
    }

    /**
     * From the first line of a file that only this user may read; one that is not there is made, with a new token.
     *
     * @throws ControlException saying what is wrong with the file and what to do
     */
    public static ApiToken fromFile(Path file) throws ControlException {
        try {
            return new ApiToken(read(file));
        } catch (NoSuchFileException _) {
            return create(file);
        } catch (ControlException e) {
            throw e;
        } catch (IOException e) {
            throw new ControlException(
                    "the API's token can't be read from " + file + ": " + ControlSockets.reason(e), e);
        }
    }

    private static String read(Path file) throws IOException {
        Set<PosixFilePermission> others = new HashSet<>(Files.getPosixFilePermissions(file));
        others.removeAll(Set.of(
                PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE, PosixFilePermission.OWNER_EXECUTE));
        if (!others.isEmpty()) {
            throw new ControlException("others may read or change " + file
                    + ", the file of the API's token; close it with: chmod 600 " + file);
        }
        if (Files.size(file) > MAX_LENGTH) {
            throw new ControlException(file + " has more than " + MAX_LENGTH + " bytes, too many for a token");
        }
        String token = Files.readString(file, StandardCharsets.ISO_8859_1)
                .lines()
                .findFirst()
                .orElse("")
                .strip();
        if (token.length() < MIN_LENGTH || !token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw new ControlException("the token in " + file + " must have " + MIN_LENGTH
                    + " characters or more, without spaces; delete the file and a good one is made");
        }
        return token;
    }

    private static ApiToken create(Path file) throws ControlException {
        byte[] random = new byte[24];
        new SecureRandom().nextBytes(random);
        String token = HexFormat.of().formatHex(random);
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(file, token + "\n", StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new ControlException(
                    "a new token for the API can't be written to " + file + ": " + ControlSockets.reason(e), e);
        }
        return new ApiToken(token);
    }

    /** Whether this is the token; takes as long for a nearly right one as for any other. */
    boolean matches(String candidate) {
        return MessageDigest.isEqual(digest, digest(candidate));
    }

    private static byte[] digest(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.ISO_8859_1));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
