package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.HASTY;
import static dev.sluice.gateway.dns.DnsBench.PATIENT;
import static dev.sluice.gateway.dns.DnsBench.a;
import static dev.sluice.gateway.dns.DnsBench.config;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.query;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.gateway.dns.Upstreams.Choice;
import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** A server that wishes us ill, asked by one guest; another guest must not feel it. */
@Timeout(180)
class HostileServerTest {
    private static final IpAddress NEIGHBOUR = Ipv4Address.parse("192.168.65.4");

    private interface Evil {
        byte[] reply(byte[] query, int questionEnd, Random random);
    }

    private static byte[] head(byte[] query, int questionEnd, int answers) {
        byte[] head = Arrays.copyOf(query, questionEnd);
        head[2] = (byte) 0x81;
        head[3] = (byte) 0x80;
        DnsMessage.put16(head, 6, answers);
        DnsMessage.put16(head, 8, 0);
        DnsMessage.put16(head, 10, 0);
        return head;
    }

    private static byte[] with(byte[] head, byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(head);
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    private static byte[] record(byte[] owner, int type, byte[] data) {
        byte[] fixed = new byte[10];
        DnsMessage.put16(fixed, 0, type);
        DnsMessage.put16(fixed, 2, 1);
        DnsMessage.put32(fixed, 4, 300);
        DnsMessage.put16(fixed, 8, data.length);
        return with(owner, fixed, data);
    }

    private static byte[] pointer(int to) {
        return new byte[] {(byte) (0xc0 | to >> 8), (byte) to};
    }

    /** RFC 9267 §2–§5 and worse. */
    private static final List<Evil> EVIL = List.of(
            // a name that points to itself, forward, in a ring, into the header, behind the end
            (q, end, _) -> with(head(q, end, 1), record(pointer(end), 1, new byte[4])),
            (q, end, _) -> with(head(q, end, 1), record(pointer(end + 2), 1, new byte[4])),
            (q, end, _) -> with(
                    head(q, end, 2), record(pointer(end + 16), 1, new byte[4]), record(pointer(end), 1, new byte[4])),
            (q, end, _) -> with(head(q, end, 1), record(pointer(0), 1, new byte[4])),
            (q, end, _) -> with(head(q, end, 1), record(pointer(0x3fff), 1, new byte[4])),
            // an alias whose target does the same
            (q, end, _) -> with(head(q, end, 1), record(pointer(12), DnsMessage.TYPE_CNAME, pointer(end + 12))),
            (q, end, _) -> with(head(q, end, 1), record(pointer(12), DnsMessage.TYPE_CNAME, new byte[] {63, 'a'})),
            // labels of kinds that do not exist, and a name without end
            (q, end, _) -> with(head(q, end, 1), record(new byte[] {(byte) 0x80, 1, 0}, 1, new byte[4])),
            (q, end, _) -> with(head(q, end, 1), record(new byte[] {0x41, 1, 0}, 1, new byte[4])),
            (q, end, _) -> {
                byte[] name = new byte[60_000];
                Arrays.fill(name, (byte) 1);
                return with(head(q, end, 1), record(name, 1, new byte[4]));
            },
            // counts and lengths that lie
            (q, end, _) -> head(q, end, 0xffff),
            (q, end, _) -> {
                byte[] reply = with(head(q, end, 1), record(pointer(12), 1, new byte[4]));
                DnsMessage.put16(reply, end + 10, 0xffff);
                return reply;
            },
            (q, end, _) -> with(head(q, end, 1), record(pointer(12), 1, new byte[0])),
            (q, end, _) -> with(head(q, end, 1), record(pointer(12), 28, new byte[15])),
            // another question, none, two; another id; not a response
            (q, end, _) -> replyTo(query("other.example", Type.A), a(query("other.example", Type.A), "6.6.6.6"))
                    .toWire(),
            (q, end, _) -> {
                byte[] reply = head(q, end, 0);
                DnsMessage.put16(reply, 4, 2);
                return reply;
            },
            (q, end, random) -> {
                byte[] reply = with(head(q, end, 1), record(pointer(12), 1, new byte[] {6, 6, 6, 6}));
                DnsMessage.put16(reply, 0, DnsMessage.u16(q, 0) + 1 + random.nextInt(65_535) & 0xffff);
                return reply;
            },
            (q, _, _) -> q,
            // 64 KB of records
            (q, end, _) -> {
                byte[][] all = new byte[4000][];
                Arrays.fill(all, record(pointer(12), 1, new byte[] {6, 6, 6, 6}));
                return with(head(q, end, all.length), all);
            },
            // noise behind a good head
            (q, end, random) -> {
                byte[] noise = new byte[random.nextInt(3000)];
                random.nextBytes(noise);
                return with(head(q, end, random.nextInt(0x10000)), noise);
            });

    @Test
    void oneGuestsEvilServerIsNotANeighboursTrouble() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (NameServer server = NameServer.start((query, replier) -> {
                    byte[] asked = query.message();
                    int end = DnsMessage.skipName(asked, DnsHeader.LENGTH) + 4;
                    String name = DnsMessage.name(asked, DnsHeader.LENGTH);
                    if (name.endsWith(".good")) {
                        replier.send(replyTo(asked, a(asked, "192.0.2.1")).toWire());
                        return;
                    }
                    Evil evil = EVIL.get(Integer.parseInt(name.substring(1, name.indexOf('.'))) % EVIL.size());
                    byte[] reply;
                    synchronized (random) {
                        reply = evil.reply(asked, end, random);
                    }
                    if (query.tcp() || reply.length < 65_000) {
                        replier.send(Arrays.copyOf(reply, Math.min(reply.length, 65_535)));
                    }
                });
                DnsService service = DnsBench.cached(config(HASTY, 1, server.address()))) {
            // Only who waits for nothing good is hasty.
            Upstreams patient = new Upstreams(List.of(DnsServer.udp(server.address())), Choice.IN_ORDER, PATIENT, 1);
            service.putZones(Map.of("good", patient), List.of());
            List<CompletableFuture<byte[]>> evil = new ArrayList<>();
            for (int i = 0; i < 10 * EVIL.size(); i++) {
                Transport transport = i % 3 == 0 ? Transport.TCP : Transport.UDP;
                int type = i % 2 == 0 ? Type.A : Type.AAAA;
                evil.add(DnsBench.start(service, query("e" + i + ".example", type), transport));
                CompletableFuture<byte[]> good = new CompletableFuture<>();
                service.query(query("n" + i + ".good", Type.A), Transport.UDP, NEIGHBOUR, good::complete);
                assertThat(parse(good.get(60, TimeUnit.SECONDS))
                                .getSection(Section.ANSWER)
                                .getFirst()
                                .rdataToString())
                        .as("seed %d, beside evil %d", seed, i % EVIL.size())
                        .isEqualTo("192.0.2.1");
            }
            for (int i = 0; i < evil.size(); i++) {
                assertThat(DnsBench.join(evil.get(i)).length)
                        .as("seed %d, evil %d ends", seed, i % EVIL.size())
                        .isGreaterThanOrEqualTo(DnsHeader.LENGTH);
            }
            for (int i = 0; i < EVIL.size(); i++) {
                assertThat(service.explain("e" + (1000 * EVIL.size() + i) + ".example", "A")
                                .steps())
                        .as("seed %d, evil %d explained", seed, i)
                        .isNotEmpty();
            }
            // nothing forged was learnt: names of addresses, cached answers
            assertThat(parse(DnsBench.ask(service, query("n0.good", Type.A), Transport.UDP))
                            .getSection(Section.ANSWER)
                            .getFirst()
                            .rdataToString())
                    .isEqualTo("192.0.2.1");
        }
    }
}
