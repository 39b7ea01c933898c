package dev.sluice.gateway.dns;

import dev.sluice.gateway.dns.DnsDirectory.Entry;
import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Records as people write them, in the form of a zone file (RFC 1035 §5.1), and their RDATA. */
final class RecordData {
    private static final int MAX_STRING = 255;
    private static final int MAX_TEXT = 4096;

    private RecordData() {}

    /** The record of an entry, for its name. */
    static ResourceRecord of(Entry entry) {
        if (entry.ttl() < 0) {
            throw new IllegalArgumentException(entry.name() + ": a TTL is within 0…2147483647 seconds (RFC 2181 §8)");
        }
        String value = entry.value().strip();
        try {
            int type = type(entry.type());
            byte[] data = switch (type) {
                case DnsHeader.TYPE_A -> NameSource.bytes(Ipv4Address.parse(value));
                case DnsHeader.TYPE_AAAA -> NameSource.bytes(Ipv6Address.parse(value));
                case DnsMessage.TYPE_CNAME, DnsMessage.TYPE_PTR, DnsMessage.TYPE_NS -> name(value);
                case DnsMessage.TYPE_TXT -> text(value);
                case DnsMessage.TYPE_MX -> numbersAndName(value, 1, "a preference and a name, as in 10 mail.example");
                default -> numbersAndName(value, 3, "priority, weight, port and a name, as in 0 5 8080 www.example");
            };
            return new ResourceRecord(type, entry.ttl(), data);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    entry.name() + " " + entry.type() + " '" + entry.value() + "': " + e.getMessage(), e);
        }
    }

    /** The number of a type that can be written here. */
    static int type(String name) {
        return switch (name.toUpperCase(Locale.ROOT)) {
            case "A" -> DnsHeader.TYPE_A;
            case "AAAA" -> DnsHeader.TYPE_AAAA;
            case "CNAME" -> DnsMessage.TYPE_CNAME;
            case "PTR" -> DnsMessage.TYPE_PTR;
            case "NS" -> DnsMessage.TYPE_NS;
            case "MX" -> DnsMessage.TYPE_MX;
            case "SRV" -> DnsMessage.TYPE_SRV;
            case "TXT" -> DnsMessage.TYPE_TXT;
            default ->
                throw new IllegalArgumentException("there is no record type '" + name
                        + "' here; there are A, AAAA, CNAME, TXT, MX, SRV, PTR and NS");
        };
    }

    private static byte[] name(String value) {
        byte[] bytes = DnsMessage.encodeName(value);
        if (bytes.length == 0) {
            throw new IllegalArgumentException("'" + value + "' is not a name");
        }
        return bytes;
    }

    private static byte[] numbersAndName(String value, int count, String form) {
        String[] words = value.split("\\s+");
        if (words.length != count + 1) {
            throw new IllegalArgumentException("write " + form);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int i = 0; i < count; i++) {
            int number;
            try {
                number = Integer.parseInt(words[i]);
            } catch (NumberFormatException _) {
                number = -1;
            }
            if (number < 0 || number > 0xffff) {
                throw new IllegalArgumentException("'" + words[i] + "' is not within 0…65535; write " + form);
            }
            out.write(number >> 8);
            out.write(number);
        }
        out.writeBytes(name(words[count]));
        return out.toByteArray();
    }

    /** Strings in quotation marks one by one; anything else is one string, cut into pieces of 255 bytes. */
    private static byte[] text(String value) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        if (!value.startsWith("\"")) {
            string(out, value);
        } else {
            int at = 0;
            while (at < value.length()) {
                int end = value.indexOf('"', at + 1);
                if (value.charAt(at) != '"' || end < 0) {
                    throw new IllegalArgumentException(
                            "write text without quotation marks, or each piece in its own pair");
                }
                string(out, value.substring(at + 1, end));
                at = end + 1;
                while (at < value.length() && Character.isWhitespace(value.charAt(at))) {
                    at++;
                }
            }
        }
        if (out.size() > MAX_TEXT) {
            throw new IllegalArgumentException("a text has at most " + MAX_TEXT + " bytes");
        }
        return out.toByteArray();
    }

    private static void string(ByteArrayOutputStream out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int at = 0;
        do {
            int length = Math.min(MAX_STRING, bytes.length - at);
            out.write(length);
            out.write(bytes, at, length);
            at += length;
        } while (at < bytes.length);
    }
}
