package dev.sluice.it.lab;

import java.io.FileInputStream;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A guest's program: fetches artifacts side by side, as Maven does, and compares them with their digests. It trusts what the machine trusts,
 * and knows of no proxy.
 */
public final class ArtifactDownload {
    private ArtifactDownload() {}

    /** Arguments: where the artifacts are; one URL for each way. */
    public static void main(String[] bases) throws Exception {
        try (HttpClient client = client()) {
            List<CompletableFuture<String>> all = new ArrayList<>();
            for (String base : bases) {
                for (int i = 1; i <= 6; i++) {
                    String url = base + "/a" + i + ".jar";
                    all.add(get(client, url, HttpResponse.BodyHandlers.ofByteArray())
                            .thenCombine(
                                    get(client, url + ".sha256", HttpResponse.BodyHandlers.ofString()),
                                    (jar, digest) -> digest(jar).equals(digest.strip()) ? "same" : "other"));
                }
            }
            for (CompletableFuture<String> each : all) {
                System.out.println(each.get());
            }
        }
    }

    private static HttpClient client() throws Exception {
        return HttpClient.newBuilder().sslContext(trusting()).build();
    }

    /** Trusts what the machine trusts. */
    static SSLContext trusting() throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream in = new FileInputStream("/etc/ssl/certs/ca-certificates.crt")) {
            int n = 0;
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                trusted.setCertificateEntry("c" + n++, each);
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, factory.getTrustManagers(), null);
        return context;
    }

    private static <T> CompletableFuture<T> get(HttpClient client, String url, HttpResponse.BodyHandler<T> as) {
        return client.sendAsync(HttpRequest.newBuilder(URI.create(url)).build(), as)
                .thenApply(response -> {
                    if (response.statusCode() != 200) {
                        throw new IllegalStateException(url + " answers " + response.statusCode());
                    }
                    return response.body();
                });
    }

    private static String digest(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
