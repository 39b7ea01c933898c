package dev.sluice.gateway.dns;

import dev.sluice.host.Resolved;
import dev.sluice.host.ResolverConfig;
import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What systemd-resolved says over varlink, as DNS: asked where it has no stub that speaks DNS, since only it knows which server stands for which
 * names. What it says counts, failures included; only where it cannot be asked do the servers of resolv.conf take its place. Any thread.
 */
final class ResolvedNames {
    private static final String WHO = "systemd-resolved";
    /** As servers that do not answer. */
    private static final long AVOID_NANOS = 10_000_000_000L;

    private final Resolved resolved;
    private final BooleanSupplier wanted;
    private final LongSupplier nanoClock;
    /** When it may be asked again after it could not be. */
    private volatile long avoidedUntil;

    private volatile boolean avoided;
    /** That it has no {@code ResolveRecord}; may be another with the next network. */
    private volatile boolean addressesOnly;

    /** @param wanted whether it is there, and has no stub; must not block for long */
    ResolvedNames(Resolved resolved, BooleanSupplier wanted, LongSupplier nanoClock) {
        this.resolved = resolved;
        this.wanted = wanted;
        this.nanoClock = nanoClock;
    }

    /** Whether this question is one for it. */
    boolean isFor(DnsQuery query) {
        return wanted.getAsBoolean()
                && query.isInternet()
                && !(avoided && avoidedUntil - nanoClock.getAsLong() > 0)
                && Resolved.canAsk(query.name())
                && (isAddress(query) || query.type() == DnsMessage.TYPE_PTR || !addressesOnly);
    }

    private static boolean isAddress(DnsQuery query) {
        return query.type() == DnsHeader.TYPE_A || query.type() == DnsHeader.TYPE_AAAA;
    }

    void networkChanged() {
        avoided = false;
        addressesOnly = false;
    }

    /** Blocks: its answer; null if servers have to be asked. */
    byte @Nullable [] ask(DnsQuery query, ResolverConfig config, Trail trail) {
        try {
            byte[] reply = reply(query, said(query, config));
            if (reply != null) {
                trail.step(WHO, DnsText.describe(reply));
            } else {
                trail.step(WHO, "this version is asked for addresses only");
            }
            return reply;
        } catch (IOException e) {
            if (!Thread.currentThread().isInterrupted()) {
                avoidedUntil = nanoClock.getAsLong() + AVOID_NANOS;
                avoided = true;
            }
            trail.step(WHO, String.valueOf(e.getMessage()));
            return null;
        }
    }

    private Resolved.Said said(DnsQuery query, ResolverConfig config) throws IOException {
        if (isAddress(query)) {
            return resolved.addresses(query.name(), query.type() == DnsHeader.TYPE_AAAA, config.timeout());
        }
        IpAddress address = query.type() == DnsMessage.TYPE_PTR ? ReverseName.parse(query.name()) : null;
        if (address != null) {
            return resolved.names(InetAddress.getByAddress(NameSource.bytes(address)), config.timeout());
        }
        return resolved.records(query.name(), query.type(), config.timeout());
    }

    private byte @Nullable [] reply(DnsQuery query, Resolved.Said said) throws IOException {
        return switch (said) {
            case Resolved.Addresses(String name, List<InetAddress> addresses) -> {
                List<ResourceRecord> records = new ArrayList<>();
                byte[] owner = alias(query, DnsMessage.encodeName(name), records);
                for (InetAddress address : addresses) {
                    records.add(new ResourceRecord(owner, query.type(), HostServers.TTL, address.getAddress()));
                }
                yield reply(query, DnsHeader.NOERROR, records);
            }
            case Resolved.Names(List<String> names) -> {
                List<ResourceRecord> records = new ArrayList<>();
                for (String name : names) {
                    byte[] encoded = DnsMessage.encodeName(name);
                    if (encoded.length > 0) {
                        records.add(new ResourceRecord(DnsMessage.TYPE_PTR, HostServers.TTL, encoded));
                    }
                }
                yield reply(query, DnsHeader.NOERROR, records);
            }
            case Resolved.Records(List<byte[]> raw) -> reply(query, DnsHeader.NOERROR, records(query, raw));
            case Resolved.NoData() -> reply(query, DnsHeader.NOERROR, List.of());
            case Resolved.Failed(int rcode, String _) -> reply(query, rcode, List.of());
            case Resolved.Unknown() -> {
                addressesOnly = true;
                yield null;
            }
        };
    }

    private static byte[] reply(DnsQuery query, int rcode, List<ResourceRecord> records) {
        return DnsMessage.reply(query, rcode, false, records);
    }

    /** Whose the records are: the question's, or those of another name, of which it is made an alias. */
    private static byte[] alias(DnsQuery query, byte[] owner, List<ResourceRecord> records) {
        if (owner.length == 0 || DnsMessage.name(owner, 0).equals(query.name())) {
            return new byte[0];
        }
        records.add(new ResourceRecord(DnsMessage.TYPE_CNAME, HostServers.TTL, owner));
        return owner;
    }

    /** As they came; resolved leaves out the aliases that led to them. */
    private static List<ResourceRecord> records(DnsQuery query, List<byte[]> raw) throws IOException {
        List<ResourceRecord> records = new ArrayList<>();
        for (byte[] record : raw) {
            int fixed = DnsMessage.skipName(record, 0);
            if (fixed < 0
                    || !isPlain(record, fixed)
                    || fixed + 10 > record.length
                    || fixed + 10 + DnsMessage.u16(record, fixed + 8) != record.length
                    || DnsMessage.u16(record, fixed + 2) != DnsHeader.CLASS_IN) {
                throw new IOException("systemd-resolved sent a record that is none");
            }
            byte[] own = Arrays.copyOf(record, fixed);
            if (records.isEmpty()) {
                alias(query, own, records);
            }
            records.add(new ResourceRecord(
                    DnsMessage.name(own, 0).equals(query.name()) ? new byte[0] : own,
                    DnsMessage.u16(record, fixed),
                    (int) Math.min(DnsMessage.u32(record, fixed + 4), Integer.MAX_VALUE),
                    Arrays.copyOfRange(record, fixed + 10, record.length)));
        }
        return records;
    }

    /** Whether the name that ends there is written out: a pointer would have nothing to lead to. */
    private static boolean isPlain(byte[] record, int end) {
        int at = 0;
        while (record[at] > 0) {
            at += 1 + record[at];
        }
        return record[at] == 0 && at + 1 == end;
    }
}
