package dev.sluice.gateway.proxy;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Asks a SOCKS5 upstream for a connection (RFC 1928, RFC 1929), with the name, which it resolves itself. Blocks. */
final class Socks5 {
    private static final int VERSION = 5;
    private static final int PASSWORD = 2;
    private static final int CONNECT = 1;
    private static final int IPV4 = 1;
    private static final int NAME = 3;
    private static final int IPV6 = 4;
    private static final long PATIENCE_SECONDS = 60;

    private final UpstreamEnd end;

    private Socks5(UpstreamEnd end) {
        this.end = end;
    }

    /** @throws IOException saying what the upstream said; the connection is of no use then */
    static void connect(UpstreamEnd end, Upstream upstream, ProxyTarget target) throws IOException {
        new Socks5(end).connect(upstream, target);
    }

    private void connect(Upstream upstream, ProxyTarget target) throws IOException {
        boolean known = upstream.credentials().isPresent();
        end.send(known ? new byte[] {VERSION, 2, 0, PASSWORD} : new byte[] {VERSION, 1, 0});
        byte[] chosen = read(2);
        if (chosen[0] != VERSION) {
            throw new IOException("it does not speak SOCKS5");
        }
        if (chosen[1] == PASSWORD && known) {
            authenticate(upstream.credentials().orElseThrow());
        } else if (chosen[1] != 0) {
            throw new IOException(
                    known ? "it accepts neither a password nor none" : "it wants a user name and a password");
        }
        end.send(request(target));
        byte[] reply = read(4);
        if (reply[0] != VERSION) {
            throw new IOException("it does not speak SOCKS5");
        }
        if (reply[1] != 0) {
            throw new IOException("it answers: " + meaning(reply[1]));
        }
        int length = switch (reply[3]) {
            case IPV4 -> 4;
            case IPV6 -> 16;
            case NAME -> read(1)[0] & 0xff;
            default -> throw new IOException("it does not speak SOCKS5");
        };
        read(length + 2);
    }

    private void authenticate(Credentials credentials) throws IOException {
        byte[] user = credentials.user().getBytes(StandardCharsets.UTF_8);
        byte[] password = credentials.password().getBytes(StandardCharsets.UTF_8);
        if (user.length == 0 || user.length > 255 || password.length > 255) {
            throw new IOException("its user name or password is longer than SOCKS5 can carry");
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(1);
        out.write(user.length);
        out.writeBytes(user);
        out.write(password.length);
        out.writeBytes(password);
        end.send(out.toByteArray());
        if (read(2)[1] != 0) {
            throw new IOException("it does not accept the user name and password it was given");
        }
    }

    private static byte[] request(ProxyTarget target) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {VERSION, CONNECT, 0});
        byte[] literal = literal(target.host());
        if (literal.length > 0) {
            out.write(literal.length == 4 ? IPV4 : IPV6);
            out.writeBytes(literal);
        } else {
            byte[] name = target.host().getBytes(StandardCharsets.US_ASCII);
            out.write(NAME);
            out.write(name.length);
            out.writeBytes(name);
        }
        out.write(target.port() >> 8);
        out.write(target.port());
        return out.toByteArray();
    }

    private static byte[] literal(String host) {
        try {
            if (host.indexOf(':') >= 0) {
                Ipv6Address six = Ipv6Address.parse(host);
                return ByteBuffer.allocate(16)
                        .putLong(six.high())
                        .putLong(six.low())
                        .array();
            }
            return ByteBuffer.allocate(4).putInt(Ipv4Address.parse(host).bits()).array();
        } catch (IllegalArgumentException e) {
            return new byte[0];
        }
    }

    private byte[] read(int length) throws IOException {
        try {
            Collector.Taken taken =
                    end.collect(Scan.of(length), length).taken().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (taken.bytes().length < length) {
                throw new IOException("it has closed the connection without an answer");
            }
            return taken.bytes();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("it does not answer", e);
        }
    }

    private static String meaning(int code) {
        return switch (code) {
            case 1 -> "general failure";
            case 2 -> "forbidden by its rules";
            case 3 -> "network unreachable";
            case 4 -> "host unreachable";
            case 5 -> "connection refused";
            case 6 -> "timed out on the way";
            case 7, 8 -> "it cannot do that";
            default -> "code " + code;
        };
    }
}
