package dev.sluice.wire;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The domain search list of DHCP (RFC 3397): DNS names one after the other, with compression pointers into the list itself. Without
 * pointers, that of DHCPv6 (RFC 8415 §10) and of routers (RFC 8106 §5.2), too.
 */
final class DhcpDomainSearch {
    private DhcpDomainSearch() {}

    static byte[] encode(List<String> domains) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Map<String, Integer> suffixes = new HashMap<>();
        for (String domain : domains) {
            String rest = domain.endsWith(".") ? domain.substring(0, domain.length() - 1) : domain;
            if (rest.length() > DnsHeader.MAX_NAME - 2) {
                throw new IllegalArgumentException("search domain '" + domain + "' is longer than 253 characters");
            }
            while (true) {
                String key = rest.toLowerCase(Locale.ROOT);
                Integer known = suffixes.get(key);
                if (known != null) {
                    out.write(0xc0 | known >>> 8);
                    out.write(known);
                    break;
                }
                if (out.size() < 0x4000) {
                    suffixes.put(key, out.size());
                }
                int dot = rest.indexOf('.');
                byte[] label = (dot < 0 ? rest : rest.substring(0, dot)).getBytes(StandardCharsets.US_ASCII);
                if (label.length == 0 || label.length > 63) {
                    throw new IllegalArgumentException("search domain '" + domain
                            + "' needs labels of 1 to 63 characters with single dots between, as in corp.example");
                }
                out.write(label.length);
                out.writeBytes(label);
                if (dot < 0) {
                    out.write(0);
                    break;
                }
                rest = rest.substring(dot + 1);
            }
        }
        return out.toByteArray();
    }

    static @Nullable List<String> decode(byte[] value) {
        return decode(value, true, Integer.MAX_VALUE);
    }

    /**
     * The first names; null if one of them makes no sense. The root, with which some pad the list, is none of them.
     *
     * @param compressed whether there may be pointers, which make a long name of two bytes
     * @param most names to read
     */
    static @Nullable List<String> decode(byte[] value, boolean compressed, int most) {
        List<String> domains = new ArrayList<>();
        int at = 0;
        while (at < value.length && domains.size() < most) {
            StringBuilder name = new StringBuilder();
            int i = at;
            int end = -1;
            int limit = at;
            int pointers = 0;
            while (true) {
                if (i >= value.length) {
                    return null;
                }
                int size = value[i] & 0xff;
                if (size == 0) {
                    at = end < 0 ? i + 1 : end;
                    break;
                }
                if (size >= 0xc0) {
                    // Only to before the place it was reached from: no loops (RFC 9267 §2).
                    if (!compressed || i + 1 >= value.length) {
                        return null;
                    }
                    int target = (size & 0x3f) << 8 | value[i + 1] & 0xff;
                    if (target >= limit || ++pointers > DnsHeader.MAX_POINTERS) {
                        return null;
                    }
                    end = end < 0 ? i + 2 : end;
                    limit = target;
                    i = target;
                    continue;
                }
                if (size > 63 || i + 1 + size > value.length || name.length() + size + 2 > DnsHeader.MAX_NAME) {
                    return null;
                }
                name.append(name.isEmpty() ? "" : ".")
                        .append(new String(value, i + 1, size, StandardCharsets.ISO_8859_1));
                i += 1 + size;
            }
            if (!name.isEmpty()) {
                domains.add(name.toString());
            }
        }
        return List.copyOf(domains);
    }
}
