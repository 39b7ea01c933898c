package dev.sluice.gateway.dns;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.host.HostsFile;
import dev.sluice.host.ResolverConfig;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Opcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.TextParseException;
import org.xbill.DNS.Type;

/** What the DNS tests share: a service to ask, and messages made and read by another implementation. */
final class DnsBench {
    static final IpAddress GUEST = Ipv4Address.parse("192.168.65.3");
    static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    static final HostsFile NO_HOSTS = new HostsFile(Path.of("/nowhere/hosts"));
    /** Long enough that nothing but silence can use it up. */
    static final Duration PATIENT = Duration.ofSeconds(20);

    /** For tests that sit through a silence, and in which somebody else has to answer within the same time. */
    static final Duration PATIENT_ENOUGH = Duration.ofSeconds(5);

    /** For tests in which nobody ever answers. */
    static final Duration HASTY = Duration.ofMillis(250);

    private DnsBench() {}

    static ResolverConfig config(Duration timeout, int attempts, InetSocketAddress... servers) {
        return new ResolverConfig(List.of(servers), List.of(), 1, timeout, attempts, false);
    }

    static DnsService service(ResolverConfig config) {
        return uncached(PLAN, DnsNames.defaults(), Limits.defaults(), () -> config, NO_HOSTS);
    }

    /** Each lookup goes to its server. */
    static DnsService uncached(
            AddressPlan plan, DnsNames names, Limits limits, Supplier<ResolverConfig> config, HostsFile hosts) {
        return new DnsService(plan, DnsSettings.defaults().withNames(names).withCache(false), limits, config, hosts);
    }

    /** As in a network that runs. */
    static DnsService cached(ResolverConfig config) {
        return new DnsService(PLAN, DnsSettings.defaults(), Limits.defaults(), () -> config, NO_HOSTS);
    }

    static DnsService service(NameServer... servers) {
        InetSocketAddress[] addresses = new InetSocketAddress[servers.length];
        for (int i = 0; i < servers.length; i++) {
            addresses[i] = servers[i].address();
        }
        return service(config(PATIENT, 2, addresses));
    }

    /** The reply, waited for. */
    static byte[] ask(DnsService service, byte[] query, Transport transport) {
        return join(start(service, query, transport));
    }

    static CompletableFuture<byte[]> start(DnsService service, byte[] query, Transport transport) {
        CompletableFuture<byte[]> reply = new CompletableFuture<>();
        service.query(query, transport, GUEST, reply::complete);
        return reply;
    }

    static <T> T join(CompletableFuture<T> future) {
        try {
            return future.get(60, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    static Message ask(DnsService service, String name, int type) {
        return parse(ask(service, query(name, type), Transport.UDP));
    }

    static byte[] query(String name, int type) {
        return queryMessage(name, type).toWire();
    }

    /** A query that takes UDP replies of {@code size} bytes. */
    static byte[] ednsQuery(String name, int type, int size) {
        Message message = queryMessage(name, type);
        message.addRecord(new org.xbill.DNS.OPTRecord(size, 0, 0), Section.ADDITIONAL);
        return message.toWire();
    }

    static Message queryMessage(String name, int type) {
        return Message.newQuery(question(name, type, DClass.IN));
    }

    static Record question(String name, int type, int dclass) {
        return Record.newRecord(name(name), type, dclass);
    }

    static Name name(String name) {
        try {
            return Name.fromString(name, Name.root);
        } catch (TextParseException e) {
            throw new AssertionError(e);
        }
    }

    /** A reply to {@code query} with these records, as a recursive server would give it. */
    static Message replyTo(byte[] query, Record... answers) {
        Message asked = parse(query);
        Message reply = new Message(asked.getHeader().getID());
        reply.getHeader().setOpcode(Opcode.QUERY);
        reply.getHeader().setFlag(Flags.QR);
        reply.getHeader().setFlag(Flags.RA);
        if (asked.getHeader().getFlag(Flags.RD)) {
            reply.getHeader().setFlag(Flags.RD);
        }
        reply.addRecord(asked.getQuestion(), Section.QUESTION);
        for (Record answer : answers) {
            reply.addRecord(answer, Section.ANSWER);
        }
        return reply;
    }

    /** {@code count} TXT records of the query's name, some 240 bytes each. */
    static byte[] bigReply(byte[] query, int count) {
        Record[] records = new Record[count];
        for (int i = 0; i < count; i++) {
            records[i] = new org.xbill.DNS.TXTRecord(
                    parse(query).getQuestion().getName(), DClass.IN, 60, (i + ":").concat("x".repeat(220)));
        }
        return replyTo(query, records).toWire(65535);
    }

    static Record a(byte[] query, String address) {
        try {
            return Record.fromString(parse(query).getQuestion().getName(), Type.A, DClass.IN, 299, address, Name.root);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static Message parse(byte[] message) {
        try {
            return new Message(message);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static byte[] withId(byte[] message, int id) {
        byte[] copy = message.clone();
        DnsMessage.put16(copy, 0, id);
        return copy;
    }

    static int id(byte[] message) {
        return DnsMessage.u16(message, 0);
    }

    /** For queries that must get no reply. */
    static final Consumer<byte[]> NO_REPLY = reply -> {
        throw new AssertionError("a reply of " + reply.length + " bytes to what deserves none");
    };
}
