package dev.sluice.proxy.negotiate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The file with the user's tickets, as it is at one moment.
 *
 * @param stamp another one when the file is
 */
record TicketFile(Path path, Object stamp) {
    private static final String VARIABLE = "KRB5CCNAME";

    private record Stamp(@Nullable Object key, Object modified, long size) {}

    /**
     * Looks for it.
     *
     * @param environment of this process
     * @param usual where it is if nothing is said
     * @throws IOException saying why there is none, and what to do
     */
    static TicketFile find(Map<String, String> environment, Path usual) throws IOException {
        String said = environment.getOrDefault(VARIABLE, "");
        Path path = said.isEmpty() ? usual : path(said);
        try {
            BasicFileAttributes is = Files.readAttributes(path, BasicFileAttributes.class);
            return new TicketFile(path, new Stamp(is.fileKey(), is.lastModifiedTime(), is.size()));
        } catch (IOException e) {
            throw new IOException("there is no ticket (" + path + " is not to be read): run kinit", e);
        }
    }

    /** {@code /tmp/krb5cc_UID}. */
    static Path usual() {
        try {
            return Path.of("/tmp/krb5cc_" + Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
            return Path.of("/tmp/krb5cc_0");
        }
    }

    private static Path path(String said) throws IOException {
        int colon = said.indexOf(':');
        String kind = colon < 0 ? "FILE" : said.substring(0, colon).toUpperCase(Locale.ROOT);
        if (!kind.equals("FILE")) {
            throw new IOException("tickets in " + kind + ": (" + VARIABLE
                    + ") cannot be read, only those in files: run kinit -c FILE:/tmp/krb5cc, and start sluice with "
                    + VARIABLE + "=FILE:/tmp/krb5cc");
        }
        try {
            return Path.of(said.substring(colon + 1));
        } catch (InvalidPathException e) {
            throw new IOException(VARIABLE + " names no file: " + e.getReason(), e);
        }
    }
}
