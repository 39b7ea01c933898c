package dev.sluice.gateway.proxy;

import dev.sluice.host.PipeSocket;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Loop;
import dev.sluice.wire.IpAddress;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import jdk.net.ExtendedSocketOptions;

/**
 * A connection to an upstream inside TLS. It ends in order only where TLS says so: an end of TCP alone may have cut off half of what was
 * to come (RFC 8446 §6.1), and breaks it, as a reset does. Two virtual threads of its own carry the bytes between it and a pipe to the loop, and a third
 * waits to close it, so this way costs copies and memory that the others do not.
 */
final class TlsConnection {
    /** Seconds between keep-alive probes at most, as systems have it. */
    private static final int LONGEST_INTERVAL = 75;

    private static final int PIECE = 16 << 10;
    /** How long an upstream may take for the last that was said to it, behind an end in order. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /** The TCP connection below; the JDK's TLS would take its end for an end in order. */
    static final class Carrier extends Socket {
        @Override
        public InputStream getInputStream() throws IOException {
            return new FilterInputStream(super.getInputStream()) {
                @Override
                public int read() throws IOException {
                    return moreThanEnd(super.read());
                }

                @Override
                public int read(byte[] to, int offset, int length) throws IOException {
                    return moreThanEnd(super.read(to, offset, length));
                }
            };
        }

        private static int moreThanEnd(int result) throws IOException {
            if (result < 0) {
                throw new IOException("the connection was cut off");
            }
            return result;
        }
    }

    final Carrier carrier;
    private final SSLSocket socket;
    private boolean keptAlive;

    private TlsConnection(Carrier carrier, SSLSocket socket) {
        this.carrier = carrier;
        this.socket = socket;
    }

    /** Connects, and checks that the upstream is who the settings say; blocks. */
    static TlsConnection open(SSLSocketFactory tls, Upstream upstream, List<IpAddress> addresses, int millis)
            throws IOException {
        IOException failure = new IOException(upstream.host() + " has no address");
        for (IpAddress address : addresses) {
            Carrier plain = new Carrier();
            try {
                plain.setTcpNoDelay(true);
                plain.connect(
                        new InetSocketAddress(InetAddress.ofLiteral(address.toString()), upstream.port()), millis);
                plain.setSoTimeout(millis);
                SSLSocket secured = (SSLSocket) tls.createSocket(plain, upstream.host(), upstream.port(), true);
                SSLParameters parameters = secured.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS"); // RFC 9110 §4.3.4
                parameters.setApplicationProtocols(new String[] {"http/1.1"});
                secured.setSSLParameters(parameters);
                secured.startHandshake();
                secured.setSoTimeout(0);
                return new TlsConnection(plain, secured);
            } catch (IOException | RuntimeException e) {
                plain.close();
                failure = new IOException(address + ":" + upstream.port() + ": " + e.getMessage(), e);
            }
        }
        throw failure;
    }

    /** The loop's end of it; on the loop. */
    StreamSocket join(Loop loop, StreamSocket.Events events) {
        PipeSocket pipe = new PipeSocket(loop, events, this::keepAlive);
        Thread sender = Thread.ofVirtual().name("proxy-tls-out").start(() -> send(pipe));
        Thread.ofVirtual().name("proxy-tls-in").start(() -> receive(pipe));
        Thread.ofVirtual().name("proxy-tls-end").start(() -> end(pipe, sender));
        return pipe;
    }

    private void keepAlive(int seconds) {
        if (!keptAlive) {
            keptAlive = true;
            try {
                carrier.setKeepAlive(true);
                carrier.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, Math.min(seconds, LONGEST_INTERVAL));
                carrier.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, seconds);
            } catch (IOException | UnsupportedOperationException e) {
                // it has ended, or this system has a pace of its own
            }
        }
    }

    private void send(PipeSocket pipe) {
        try (InputStream in = pipe.serviceInput()) {
            OutputStream out = socket.getOutputStream();
            byte[] piece = new byte[PIECE];
            for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
                out.write(piece, 0, n);
                out.flush();
            }
            if (!pipe.isOver()) {
                socket.shutdownOutput();
                pipe.awaitOver(); // the upstream may still have much to say
            }
            if (!pipe.isReset()) {
                socket.close();
            }
        } catch (IOException e) {
            pipe.failService();
        }
    }

    private void receive(PipeSocket pipe) {
        try {
            OutputStream out = pipe.serviceOutput();
            InputStream in = socket.getInputStream();
            byte[] piece = new byte[PIECE];
            for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
                out.write(piece, 0, n);
            }
            out.close(); // an end in order; where it broke off, the guest must not see one
        } catch (IOException e) {
            pipe.failService();
        }
    }

    /** Closes what is below when either side is done with it: TLS itself may wait for ever to write to an upstream that does not read. */
    private void end(PipeSocket pipe, Thread sender) {
        try (carrier) {
            pipe.awaitOver();
            if (pipe.isReset()) {
                carrier.setSoLinger(true, 0); // no end in order for the upstream either
            } else {
                sender.join(PATIENCE);
            }
        } catch (IOException | InterruptedException e) {
            // it is closed either way
        }
    }
}
