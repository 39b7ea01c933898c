package dev.sluice.host;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringTokenizer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The host's own names, hosts(5), always current in the way of {@link ResolvConf}. Names are compared without case and without a final
 * dot; one may have several addresses of both families, and they come in the order of the file. Any thread; never throws.
 */
public final class HostsFile {
    public static final Path PATH = Path.of("/etc/hosts");
    private static final int MAX_BYTES = 8 << 20;
    private static final int MAX_ADDRESSES = 64;

    /** Both directions, made in one pass. */
    private record Table(Map<String, List<IpAddress>> addresses, Map<IpAddress, List<String>> names) {}

    private final Path path;
    private final WatchedFile<Table> file;

    public HostsFile(Path path) {
        this(path, System::nanoTime);
    }

    HostsFile(Path path, LongSupplier nanoClock) {
        this.path = path;
        file = new WatchedFile<>(path, MAX_BYTES, HostsFile::parse, nanoClock);
    }

    public Path path() {
        return path;
    }

    /** True if asking now does not touch the disk. */
    public boolean isFresh() {
        return file.isFresh();
    }

    /** Something that stays the same as long as the content does. */
    public Object version() {
        return file.current();
    }

    /** Addresses of {@code name}, at most 64; empty if the file does not name it. */
    public List<IpAddress> addresses(String name) {
        return file.current().addresses().getOrDefault(key(name), List.of());
    }

    /** Names of {@code address}, as written, the canonical one first; empty if it is not in the file. */
    public List<String> names(IpAddress address) {
        return file.current().names().getOrDefault(address, List.of());
    }

    private static String key(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.length() > 1 && lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    private static Table parse(String text) {
        Table table = new Table(new HashMap<>(), new HashMap<>());
        int at = 0;
        while (at < text.length()) {
            int end = text.indexOf('\n', at);
            if (end < 0) {
                end = text.length();
            }
            String line = text.substring(at, end);
            int comment = line.indexOf('#');
            line(comment < 0 ? line : line.substring(0, comment), table);
            at = end + 1;
        }
        return table;
    }

    private static void line(String line, Table table) {
        StringTokenizer words = new StringTokenizer(line, " \t\r\f\u000b");
        IpAddress address = words.hasMoreTokens() ? address(words.nextToken()) : null;
        if (address == null) {
            return;
        }
        while (words.hasMoreTokens()) {
            String name = words.nextToken();
            if (name.length() > 254) {
                continue;
            }
            add(table.addresses, key(name), address);
            add(table.names, address, name);
        }
    }

    private static <K, V> void add(Map<K, List<V>> map, K key, V value) {
        List<V> values = map.computeIfAbsent(key, _ -> new ArrayList<>(1));
        if (values.size() < MAX_ADDRESSES && !values.contains(value)) {
            values.add(value);
        }
    }

    private static @Nullable IpAddress address(String text) {
        // ofLiteral would take "1" and "1.2" as well; in a hosts file those are typing errors.
        if (text.indexOf(':') < 0) {
            try {
                return Ipv4Address.parse(text);
            } catch (IllegalArgumentException _) {
                return null;
            }
        }
        // An address with a zone means something on this host only, and no DNS record can say it.
        InetAddress address = text.indexOf('%') < 0 ? ResolverConfig.literal(text) : null;
        return switch (address) {
            case Inet6Address six -> {
                ByteBuffer bytes = ByteBuffer.wrap(six.getAddress());
                yield new Ipv6Address(bytes.getLong(), bytes.getLong());
            }
            case null -> null;
            // ::ffff:a.b.c.d
            default -> new Ipv4Address(ByteBuffer.wrap(address.getAddress()).getInt());
        };
    }
}
