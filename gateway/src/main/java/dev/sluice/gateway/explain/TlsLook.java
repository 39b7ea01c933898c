package dev.sluice.gateway.explain;

import dev.sluice.gateway.explain.Explained.Stage;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** Speaks TLS over a connection as far as the peer's certificate, and tells whose it is and whether this host believes it. */
final class TlsLook {
    private static final Duration PATIENCE = Duration.ofSeconds(8);

    private TlsLook() {}

    /** Whether it went well, which was told. */
    static boolean at(Socket socket, String host, String what, Steps steps) {
        try {
            over(socket, host, what, steps);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * A connection over which TLS is spoken.
     *
     * @throws IOException if that cannot be, which was told
     */
    static Socket over(Socket socket, String host, String what, Steps steps) throws IOException {
        long began = System.nanoTime();
        HostTrust trust;
        Witness witness;
        SSLSocket tls;
        try {
            trust = HostTrust.read();
            witness = new Witness(trust.manager());
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {witness}, null);
            tls = (SSLSocket) context.getSocketFactory().createSocket(socket, host, socket.getPort(), false);
        } catch (GeneralSecurityException | IOException e) {
            steps.failed(
                    Stage.TLS,
                    "certificates of this machine",
                    "can't be read: " + e.getMessage(),
                    "check SSL_CERT_FILE and /etc/ssl/certs",
                    began);
            throw new IOException(e);
        }
        SSLParameters parameters = tls.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        if (Target.address(host) == null) {
            parameters.setServerNames(List.of(new SNIHostName(host)));
        }
        tls.setSSLParameters(parameters);
        try {
            Deadline.within(
                    PATIENCE,
                    () -> {
                        tls.startHandshake();
                        return true;
                    },
                    () -> close(socket));
            steps.done(Stage.TLS, host, tls.getSession().getProtocol() + ", " + witness.told(), began);
            return tls;
        } catch (IOException e) {
            tell(e, witness, trust, host, what, steps, began);
            throw e;
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // it is closed as far as it can be
        }
    }

    private static void tell(
            IOException e, Witness witness, HostTrust trust, String host, String what, Steps steps, long began) {
        Throwable cause = e;
        while (cause.getCause() != null && !(cause instanceof CertificateExpiredException)) {
            cause = cause.getCause();
        }
        String reason = String.valueOf(cause.getMessage());
        String peer = witness.told();
        String remedy;
        String said;
        if (e instanceof Deadline.TooLate || e instanceof java.net.SocketTimeoutException) {
            said = what + " does not answer to TLS";
            remedy = "check that it speaks TLS at this port";
        } else if (peer.isEmpty()) {
            said = e instanceof SSLException
                    ? "no TLS with " + what + ": " + reason
                    : what + " ended the connection: " + reason;
            remedy = reason.contains("Unsupported or unrecognized")
                    ? "what answers there speaks no TLS: check the port, or use http://"
                    : "check that it speaks TLS at this port, and which versions";
        } else if (cause instanceof CertificateExpiredException) {
            said = "the certificate has expired: " + peer;
            remedy = "it has to be renewed by who runs " + what + "; check the clock of this machine";
        } else if (cause instanceof CertificateNotYetValidException) {
            said = "the certificate is not valid yet: " + peer;
            remedy = "check the clock of this machine";
        } else if (reason.contains("subject alternative") || reason.contains("No name matching")) {
            said = "the certificate is not " + host + "'s: " + peer;
            remedy = "another server answers there: check the name, or who intercepts connections";
        } else {
            said = "this machine does not trust the certificate: " + peer;
            remedy = "if a company's proxy intercepts TLS, add its authority to " + trust.title()
                    + " (and to the guest); else do not trust it";
        }
        steps.failed(Stage.TLS, host, said, remedy, began);
    }

    /** Remembers whom it was asked about. */
    private static final class Witness extends X509ExtendedTrustManager {
        private final X509ExtendedTrustManager judge;
        private volatile @Nullable X509Certificate peer;

        Witness(X509ExtendedTrustManager judge) {
            this.judge = judge;
        }

        /** Whose certificate it is, in words; empty if there was none. */
        String told() {
            X509Certificate seen = peer;
            return seen == null
                    ? ""
                    : seen.getSubjectX500Principal().getName() + ", issued by "
                            + seen.getIssuerX500Principal().getName() + ", valid "
                            + seen.getNotBefore()
                                    .toInstant()
                                    .atZone(ZoneOffset.UTC)
                                    .toLocalDate() + " to "
                            + seen.getNotAfter()
                                    .toInstant()
                                    .atZone(ZoneOffset.UTC)
                                    .toLocalDate();
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
                throws CertificateException {
            peer = chain[0];
            chain[0].checkValidity(); // said plainly, whatever else is wrong
            judge.checkServerTrusted(chain, type, socket);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            throw new CertificateException("no engine is used here");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
            throw new CertificateException("it is always known which connection it is about");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
                throws CertificateException {
            throw new CertificateException("there are no clients");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
                throws CertificateException {
            throw new CertificateException("there are no clients");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
            throw new CertificateException("there are no clients");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return judge.getAcceptedIssuers();
        }
    }
}
