package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Something that knows names without asking a server. Any thread. */
interface NameSource {
    /** What it is, for people: {@code "hosts file /etc/hosts"}. */
    String title();

    /** What this source says to {@code query} (of class IN); null if it knows nothing of the name, and the next one is to be asked. */
    @Nullable
    Answer answer(DnsQuery query);

    /** A reply of our own. */
    sealed interface Answer {}

    /** The name exists; it has these records of the type asked for, perhaps none (NODATA, RFC 2308 §2.2). */
    record Records(List<ResourceRecord> records) implements Answer {}

    /** The name is another name for {@code target}, whose records are to be found (RFC 1034 §3.6.2). */
    record Alias(String target, int ttl) implements Answer {}

    /** There is no such name, of any type. */
    record NoSuchName() implements Answer {}

    /** Address records that {@code query} asks for among {@code addresses}; for ANY, those of the first family there is. */
    static Records addresses(DnsQuery query, List<IpAddress> addresses) {
        List<ResourceRecord> records = new ArrayList<>(addresses.size());
        int found = query.type();
        for (IpAddress address : addresses) {
            int type = addressType(address);
            if (query.asks(type) && (records.isEmpty() || found == type)) {
                found = type;
                records.add(new ResourceRecord(type, 0, bytes(address)));
            }
        }
        return new Records(records);
    }

    /** PTR records, if {@code query} asks for them; names that cannot be written on the wire are left out. */
    static Records names(DnsQuery query, List<String> names) {
        List<ResourceRecord> records = new ArrayList<>(names.size());
        if (query.asks(DnsMessage.TYPE_PTR)) {
            for (String name : names) {
                byte[] bytes = DnsMessage.encodeName(name);
                if (bytes.length > 0) {
                    records.add(new ResourceRecord(DnsMessage.TYPE_PTR, 0, bytes));
                }
            }
        }
        return new Records(records);
    }

    /** A or AAAA. */
    static int addressType(IpAddress address) {
        return address instanceof Ipv4Address ? DnsHeader.TYPE_A : DnsHeader.TYPE_AAAA;
    }

    /** An address as RDATA. */
    static byte[] bytes(IpAddress address) {
        return address instanceof Ipv4Address four
                ? ByteBuffer.allocate(4).putInt(four.bits()).array()
                : ByteBuffer.allocate(16)
                        .putLong(address.high())
                        .putLong(address.low())
                        .array();
    }
}
