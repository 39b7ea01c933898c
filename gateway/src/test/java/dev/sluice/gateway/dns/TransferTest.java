package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.GUEST;
import static dev.sluice.gateway.dns.DnsBench.name;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.query;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static dev.sluice.gateway.dns.DnsBench.withId;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xbill.DNS.ARecord;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.SOARecord;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** Zones through the name server: RFC 5936, RFC 1995. */
@Timeout(60)
class TransferTest {
    private static final String ZONE = "zone.example";

    private final NameServer server = NameServer.start(NameServer.SILENT);
    private final DnsService service = DnsBench.service(server);
    private final DnsTcpService tcp = new DnsTcpService(service, Duration.ofMinutes(10));
    private Socket guest;
    private Socket ours;
    private DataInputStream in;
    private DataOutputStream out;

    @BeforeEach
    void open() throws IOException {
        try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
            guest = new Socket();
            guest.setReceiveBufferSize(4096);
            guest.connect(listener.getLocalSocketAddress());
            ours = listener.accept();
            ours.setSendBufferSize(4096);
        }
        in = new DataInputStream(guest.getInputStream());
        out = new DataOutputStream(guest.getOutputStream());
        assertThat(tcp.open(GUEST, ours.getInputStream(), ours.getOutputStream()))
                .isTrue();
    }

    @AfterEach
    void close() throws IOException {
        tcp.close();
        guest.close();
        ours.close();
        service.close();
        server.close();
    }

    private static Record soa(long serial) {
        return new SOARecord(
                name(ZONE), DClass.IN, 60, name("ns.zone.example"), name("admin.zone.example"), serial, 1, 1, 1, 1);
    }

    private static Record a(int i) {
        try {
            return new ARecord(name("h" + i + "." + ZONE), DClass.IN, 60, InetAddress.getByAddress(new byte[] {
                10, 0, (byte) (i >> 8), (byte) i
            }));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] message(byte[] query, boolean question, Record... records) {
        Message reply = replyTo(query, records);
        if (!question) {
            reply.removeAllRecords(Section.QUESTION);
        }
        return reply.toWire(65535);
    }

    private void send(byte[] message) throws IOException {
        out.writeShort(message.length);
        out.write(message);
    }

    private Message receive(int id) throws IOException {
        byte[] message = new byte[in.readUnsignedShort()];
        in.readFully(message);
        assertThat(DnsBench.id(message)).isEqualTo(id);
        return parse(message);
    }

    @Test
    void aZoneOfManyMessagesPassesWhole_andTheStreamIsGoodForMore() throws Exception {
        int messages = 200;
        server.script((query, replier) -> {
            if (!query.tcp() || parse(query.message()).getQuestion().getType() != Type.AXFR) {
                replier.send(message(query.message(), true));
                return;
            }
            replier.send(message(query.message(), true, soa(7), a(0)));
            for (int i = 1; i < messages; i++) {
                Record[] some = new Record[60];
                for (int j = 0; j < some.length; j++) {
                    some[j] = a(i * 60 + j);
                }
                replier.send(message(query.message(), i % 2 == 0, some));
            }
            replier.send(message(query.message(), false, soa(7)));
        });
        send(withId(query(ZONE, Type.AXFR), 77));
        List<Record> records = new ArrayList<>();
        while (records.size() < 2 || records.getLast().getType() != Type.SOA) {
            records.addAll(receive(77).getSection(Section.ANSWER));
        }
        assertThat(records).hasSize(2 + 1 + (messages - 1) * 60);
        assertThat(service.counters().snapshot().transfers()).isEqualTo(1);
        for (int i = 0; i < DnsTcpSession.MAX_IN_FLIGHT + 1; i++) {
            send(withId(query("x.example", Type.A), i));
            receive(i);
        }
    }

    @Test
    void differencesEndWithTheThirdNewSerial() throws Exception {
        server.script((query, replier) -> {
            replier.send(message(query.message(), true, soa(9), soa(7), a(1)));
            replier.send(message(query.message(), false, soa(8), a(2), soa(8)));
            replier.send(message(query.message(), false, a(3), soa(9), a(4)));
            replier.send(message(query.message(), false, soa(9)));
        });
        send(withId(query(ZONE, Type.IXFR), 5));
        int records = 0;
        for (int i = 0; i < 4; i++) {
            records += receive(5).getSection(Section.ANSWER).size();
        }
        assertThat(records).isEqualTo(10);
        send(withId(query("host.sluice.internal", Type.A), 6));
        receive(6);
    }

    @Test
    void aZoneThatIsUpToDateIsOneMessage() throws Exception {
        server.script((query, replier) -> replier.send(message(query.message(), true, soa(9))));
        send(withId(query(ZONE, Type.IXFR), 5));
        assertThat(receive(5).getSection(Section.ANSWER)).hasSize(1);
        send(withId(query("host.sluice.internal", Type.A), 6));
        receive(6);
    }

    @Test
    void aRefusalPassesAsItIs() throws Exception {
        server.script((query, replier) -> {
            Message reply = replyTo(query.message());
            reply.getHeader().setRcode(Rcode.NOTAUTH);
            replier.send(reply.toWire());
        });
        send(withId(query(ZONE, Type.AXFR), 5));
        assertThat(receive(5).getRcode()).isEqualTo(Rcode.NOTAUTH);
    }

    @Test
    void aServerThatCannotBeReachedIsServfail() throws Exception {
        server.refuseTcp();
        send(withId(query(ZONE, Type.AXFR), 5));
        assertThat(receive(5).getRcode()).isEqualTo(Rcode.SERVFAIL);
    }

    /** Half a zone must not look like a whole one. */
    @Test
    void aZoneThatBreaksOffBreaksTheGuestsStream() throws Exception {
        server.script((query, replier) -> {
            replier.send(message(query.message(), true, soa(7), a(0)));
            byte[] broken = message(query.message(), false, a(1), a(2));
            replier.send(java.util.Arrays.copyOf(broken, broken.length - 3));
        });
        send(withId(query(ZONE, Type.AXFR), 5));
        receive(5);
        assertThatThrownBy(() -> receive(5)).isInstanceOf(IOException.class);
    }

    @Test
    void namesOfThisNetworkAreNotTransferred() throws Exception {
        send(withId(query("sluice.internal", Type.AXFR), 5));
        assertThat(receive(5).getSection(Section.ANSWER)).isEmpty();
        assertThat(server.queries()).isEmpty();
    }

    @Test
    void messagesOfAnotherIdAreNoneOfIt() throws Exception {
        server.script((query, replier) -> replier.send(withId(
                message(query.message(), true, soa(7), a(0), soa(7)), DnsBench.id(query.message()) + 1 & 0xffff)));
        send(withId(query(ZONE, Type.AXFR), 5));
        assertThat(receive(5).getRcode()).isEqualTo(Rcode.SERVFAIL);
    }
}
