package dev.sluice.host;

import dev.sluice.wire.JsonReader;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * systemd-resolved as libnss-resolve asks it: {@code io.systemd.Resolve} over varlink, which is JSON with a NUL after each message on a Unix
 * socket. One connection for each question, as varlink answers in order and a slow name must not hold up others; so a resolved that was
 * restarted is a resolved like any other. Blocks; any thread, best a virtual one.
 *
 * <p>What resolved says of a name is {@link Said}, its errors included. An {@link IOException} means that it cannot be asked at all: it is not
 * there, says nothing in time, or something that is no answer; then others have to be asked.
 */
public final class Resolved {
    public static final Path SOCKET = Path.of("/run/systemd/resolve/io.systemd.Resolve");

    private static final String INTERFACE = "io.systemd.Resolve.";
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int CLASS_IN = 1;
    /** No answer about one name is longer. */
    static final int MAX_REPLY = 256 << 10;
    /** Nor has one more parts. */
    private static final int MAX_ITEMS = 512;

    private static final int MAX_RECORD = 0xffff;
    private static final int MAX_NAME = 253;

    /** What it says of a name. */
    public sealed interface Said {}

    /** @param name what the name is an alias of, or itself, without a final dot */
    public record Addresses(String name, List<InetAddress> addresses) implements Said {}

    /** Of an address. */
    public record Names(List<String> names) implements Said {}

    /** @param raw each as on the wire, uncompressed (RFC 1035 §4.1.3) */
    public record Records(List<byte[]> raw) implements Said {}

    /** The name exists, without that type. */
    public record NoData() implements Said {}

    /**
     * No answer.
     *
     * @param rcode that of the server, or SERVFAIL where there was none
     * @param why as resolved says it
     */
    public record Failed(int rcode, String why) implements Said {}

    /** This resolved does not know how to be asked that. */
    public record Unknown() implements Said {}

    private static final int SERVFAIL = 2;
    private static final int MAX_RCODE = 15;

    private final Path socket;

    public Resolved(Path socket) {
        this.socket = socket;
    }

    /** Whether the name can be put into a question: anything that a host is called can. */
    public static boolean canAsk(String name) {
        return !name.isEmpty()
                && name.length() <= MAX_NAME
                && name.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '"' && c != '\\');
    }

    /** The addresses of one family. */
    public Said addresses(String name, boolean ipv6, Duration patience) throws IOException {
        Object reply = call(
                "ResolveHostname",
                "{\"name\":\"%s\",\"family\":%d,\"flags\":0}".formatted(name, ipv6 ? AF_INET6 : AF_INET),
                patience);
        if (reply instanceof Said said) {
            return said;
        }
        Map<?, ?> parameters = (Map<?, ?>) reply;
        List<InetAddress> addresses = new ArrayList<>();
        for (Object item : items(parameters, "addresses")) {
            byte[] bytes = item instanceof Map<?, ?> map ? bytes(map.get("address")) : null;
            if (bytes == null || bytes.length != 4 && bytes.length != 16) {
                throw nonsense("an address that is none");
            }
            if (bytes.length == (ipv6 ? 16 : 4)) {
                addresses.add(InetAddress.getByAddress(bytes));
            }
        }
        return new Addresses(parameters.get("name") instanceof String alias ? bare(alias) : name, addresses);
    }

    /** The names of an address. */
    public Said names(InetAddress address, Duration patience) throws IOException {
        byte[] bytes = address.getAddress();
        int[] numbers = new int[bytes.length];
        Arrays.setAll(numbers, i -> bytes[i] & 0xff);
        Object reply = call(
                "ResolveAddress",
                "{\"family\":%d,\"address\":%s,\"flags\":0}"
                        .formatted(bytes.length == 4 ? AF_INET : AF_INET6, Arrays.toString(numbers)),
                patience);
        if (reply instanceof Said said) {
            return said;
        }
        List<String> names = new ArrayList<>();
        for (Object item : items((Map<?, ?>) reply, "names")) {
            if (!(item instanceof Map<?, ?> map) || !(map.get("name") instanceof String name)) {
                throw nonsense("a name that is none");
            }
            names.add(bare(name));
        }
        return new Names(names);
    }

    /** The records of any type; {@link Unknown} before systemd 256. */
    public Said records(String name, int type, Duration patience) throws IOException {
        Object reply = call(
                "ResolveRecord",
                "{\"name\":\"%s\",\"class\":%d,\"type\":%d,\"flags\":0}".formatted(name, CLASS_IN, type),
                patience);
        if (reply instanceof Said said) {
            return said;
        }
        List<byte[]> records = new ArrayList<>();
        for (Object item : items((Map<?, ?>) reply, "rrs")) {
            if (!(item instanceof Map<?, ?> map) || !(map.get("raw") instanceof String raw)) {
                throw nonsense("a record without its bytes");
            }
            try {
                byte[] record = Base64.getDecoder().decode(raw);
                if (record.length > MAX_RECORD) {
                    throw nonsense("a record of " + record.length + " bytes");
                }
                records.add(record);
            } catch (IllegalArgumentException e) {
                throw nonsense("a record that is not in base64");
            }
        }
        return new Records(records);
    }

    /** The reply's parameters, or what its error says. */
    private Object call(String method, String parameters, Duration patience) throws IOException {
        String text =
                exchange("{\"method\":\"" + INTERFACE + method + "\",\"parameters\":" + parameters + "}\0", patience);
        try {
            if (!(JsonReader.read(text) instanceof Map<?, ?> reply)) {
                throw nonsense("something that is no reply");
            }
            Map<?, ?> said = reply.get("parameters") instanceof Map<?, ?> map ? map : Map.of();
            return switch (reply.get("error")) {
                case null -> said;
                case String error -> failure(error, said);
                default -> throw nonsense("an error without a name");
            };
        } catch (IllegalArgumentException e) {
            throw nonsense("no JSON: " + e.getMessage());
        }
    }

    private static Said failure(String error, Map<?, ?> parameters) {
        if (error.startsWith("org.varlink.service.")) {
            return new Unknown();
        }
        String problem = error.startsWith(INTERFACE) ? error.substring(INTERFACE.length()) : error;
        return switch (problem) {
            case "NoSuchResourceRecord" -> new NoData();
            case "DNSError" -> {
                int rcode = parameters.get("rcode") instanceof Long number && number > 0 && number <= MAX_RCODE
                        ? number.intValue()
                        : SERVFAIL;
                yield new Failed(rcode, problem);
            }
            default -> new Failed(SERVFAIL, problem);
        };
    }

    private String exchange(String request, Duration patience) throws IOException {
        CompletableFuture<String> reply = new CompletableFuture<>();
        Thread asker = Thread.ofVirtual().name("resolved").start(() -> {
            try {
                reply.complete(exchange(request));
            } catch (IOException | RuntimeException e) {
                reply.completeExceptionally(e);
            }
        });
        try {
            return reply.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new IOException("systemd-resolved says nothing for " + patience.toMillis() + " ms");
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IOException("systemd-resolved (" + socket + "): " + cause.getMessage(), cause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("given up");
        } finally {
            asker.interrupt(); // closes its socket, if it still has one
        }
    }

    private String exchange(String request) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            ByteBuffer out = ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII));
            while (out.hasRemaining()) {
                channel.write(out);
            }
            ByteBuffer in = ByteBuffer.allocate(4 << 10);
            int seen = 0;
            while (true) {
                if (channel.read(in) < 0) {
                    throw new IOException("it hung up in the middle of its answer");
                }
                for (; seen < in.position(); seen++) {
                    if (in.get(seen) == 0) {
                        return new String(in.array(), 0, seen, StandardCharsets.UTF_8);
                    }
                }
                if (!in.hasRemaining()) {
                    if (in.capacity() >= MAX_REPLY) {
                        throw new IOException("its answer is longer than " + MAX_REPLY + " bytes");
                    }
                    in = ByteBuffer.allocate(in.capacity() * 4).put(in.flip());
                }
            }
        } catch (ClosedChannelException e) {
            throw new IOException("given up", e);
        }
    }

    private static List<?> items(Map<?, ?> parameters, String name) throws IOException {
        if (!(parameters.get(name) instanceof List<?> items) || items.size() > MAX_ITEMS) {
            throw nonsense("no " + name + ", or too many");
        }
        return items;
    }

    private static byte @Nullable [] bytes(@Nullable Object value) {
        if (!(value instanceof List<?> items) || items.size() > 16) {
            return null;
        }
        byte[] bytes = new byte[items.size()];
        for (int i = 0; i < bytes.length; i++) {
            if (!(items.get(i) instanceof Long number) || number < 0 || number > 255) {
                return null;
            }
            bytes[i] = number.byteValue();
        }
        return bytes;
    }

    private static String bare(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    private static IOException nonsense(String what) {
        return new IOException("systemd-resolved sent " + what);
    }
}
