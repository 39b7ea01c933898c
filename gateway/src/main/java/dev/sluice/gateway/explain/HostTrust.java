package dev.sluice.gateway.explain;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.List;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Whom programs of this host trust.
 *
 * @param title where that stands
 * @param manager decides
 */
record HostTrust(String title, X509ExtendedTrustManager manager) {
    /** Where distributions keep the certificates of authorities: Debian, Red Hat, SUSE, Alpine. */
    private static final List<Path> BUNDLES = List.of(
            Path.of("/etc/ssl/certs/ca-certificates.crt"),
            Path.of("/etc/pki/tls/certs/ca-bundle.crt"),
            Path.of("/etc/ssl/ca-bundle.pem"),
            Path.of("/etc/ssl/cert.pem"));

    /** Java's own list where the host has none. */
    static HostTrust read() throws GeneralSecurityException, IOException {
        String said = System.getenv("SSL_CERT_FILE"); // which OpenSSL and curl heed
        Path bundle = said != null && !said.isEmpty()
                ? Path.of(said)
                : BUNDLES.stream().filter(Files::isReadable).findFirst().orElse(null);
        return bundle == null
                ? new HostTrust("Java's list of authorities", manager(null))
                : new HostTrust(bundle.toString(), of(bundle));
    }

    private static X509ExtendedTrustManager of(Path bundle) throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = Files.newInputStream(bundle)) {
            int number = 0;
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("ca" + number++, each);
            }
        }
        return manager(store);
    }

    private static X509ExtendedTrustManager manager(@Nullable KeyStore store) throws GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        for (TrustManager each : factory.getTrustManagers()) {
            if (each instanceof X509ExtendedTrustManager manager) {
                return manager;
            }
        }
        throw new GeneralSecurityException("this Java checks no certificates");
    }
}
