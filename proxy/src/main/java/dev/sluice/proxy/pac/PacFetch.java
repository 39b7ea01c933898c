package dev.sluice.proxy.pac;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Fetches a script over HTTP or HTTPS, straight from its server. Blocks, five seconds for the whole at most but for the name's lookup. */
final class PacFetch {
    static final int MAX_BYTES = 1 << 20;
    private static final int MAX_REDIRECTS = 5;
    private static final int MILLIS = 5_000;

    private PacFetch() {}

    /**
     * What a server said.
     *
     * @param text null if it has not changed
     * @param version what the server wants to hear next time (an entity tag), or null
     */
    record Fetched(@Nullable String text, @Nullable String version) {}

    /** @param version what was fetched before had, or null */
    static Fetched fetch(String url, @Nullable String version) throws IOException {
        long deadline = System.nanoTime() + MILLIS * 1_000_000L;
        URI at = uri(url);
        for (int i = 0; i <= MAX_REDIRECTS; i++) {
            // Straight: which proxy to take is what the script is going to say.
            HttpURLConnection connection = (HttpURLConnection) at.toURL().openConnection(Proxy.NO_PROXY);
            try {
                connection.setInstanceFollowRedirects(false);
                connection.setConnectTimeout(left(deadline));
                connection.setReadTimeout(left(deadline));
                connection.setUseCaches(false);
                connection.setRequestProperty("Accept", "application/x-ns-proxy-autoconfig, */*");
                if (version != null) {
                    connection.setRequestProperty("If-None-Match", version);
                }
                int status = connection.getResponseCode();
                String location = connection.getHeaderField("Location");
                if (status == 304 && version != null) {
                    return new Fetched(null, version);
                }
                if (status >= 300 && status < 400 && location != null) {
                    at = at.resolve(uri(location));
                    uri(at.toString());
                } else if (status == 200) {
                    return new Fetched(body(connection, deadline), connection.getHeaderField("ETag"));
                } else {
                    throw new IOException("its server answered " + status);
                }
            } finally {
                connection.disconnect();
            }
        }
        throw new IOException("it was redirected more than " + MAX_REDIRECTS + " times");
    }

    private static URI uri(String text) throws IOException {
        try {
            URI uri = new URI(text);
            String scheme = uri.getScheme() == null ? "http" : uri.getScheme().toLowerCase(Locale.ROOT);
            if (!scheme.equals("http") && !scheme.equals("https")) {
                throw new IOException("a script is not fetched by " + scheme);
            }
            return uri;
        } catch (URISyntaxException e) {
            throw new IOException("'" + text + "' is no URL", e);
        }
    }

    private static String body(HttpURLConnection connection, long deadline) throws IOException {
        byte[] all = new byte[MAX_BYTES + 1];
        int length = 0;
        try (InputStream in = connection.getInputStream()) {
            while (length <= MAX_BYTES) {
                connection.setReadTimeout(left(deadline));
                int got = in.read(all, length, all.length - length);
                if (got < 0) {
                    return new String(all, 0, length, StandardCharsets.UTF_8);
                }
                length += got;
            }
        }
        throw new IOException("it has more than " + MAX_BYTES + " bytes");
    }

    private static int left(long deadline) throws SocketTimeoutException {
        long millis = (deadline - System.nanoTime()) / 1_000_000;
        if (millis <= 0) {
            throw new SocketTimeoutException("it was not there after " + MILLIS / 1000 + " s");
        }
        return (int) millis;
    }
}
