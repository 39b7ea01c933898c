package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.PATIENT;
import static dev.sluice.gateway.dns.DnsBench.a;
import static dev.sluice.gateway.dns.DnsBench.ask;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.query;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static dev.sluice.gateway.dns.DnsBench.service;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.dns.DnsService.Transport;
import dev.sluice.host.ResolverConfig;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** Short names under the search domains of the host, for guests that were not told of those. */
@Timeout(60)
class SearchDomainsTest {
    /** {@code db.one.test} is there without an address, {@code db.two.test} with one of IPv4, {@code big.two.test} does not fit into UDP. */
    private static final NameServer.Script SERVER = (query, replier) -> {
        Record asked = parse(query.message()).getQuestion();
        Message reply = replyTo(query.message());
        switch (asked.getName().toString()) {
            case "db.one.test." -> {}
            case "db.two.test." -> {
                if (asked.getType() == Type.A) {
                    reply.addRecord(a(query.message(), "192.0.2.7"), Section.ANSWER);
                }
            }
            case "big.two.test." -> {
                if (query.tcp()) {
                    reply.addRecord(a(query.message(), "192.0.2.8"), Section.ANSWER);
                } else {
                    reply.getHeader().setFlag(Flags.TC);
                }
            }
            default -> reply.getHeader().setRcode(Rcode.NXDOMAIN);
        }
        replier.send(reply.toWire());
    };

    private static DnsService searching(NameServer server, String... domains) {
        return service(new ResolverConfig(List.of(server.address()), List.of(domains), 1, PATIENT, 2, false));
    }

    private static List<String> answers(Message reply) {
        return reply.getSection(Section.ANSWER).stream()
                .map(Record::rdataToString)
                .toList();
    }

    @Test
    void aNameOfTheFirstDomainThatHasTheRecordIsFound() {
        try (NameServer server = NameServer.start(SERVER);
                DnsService service = searching(server, "none.test", "one.test", "two.test")) {
            Message reply = ask(service, "db", Type.A);
            assertThat(reply.getRcode()).isEqualTo(Rcode.NOERROR);
            assertThat(answers(reply)).containsExactly("db.two.test.", "192.0.2.7");
        }
    }

    /** That it does not exist at all would be believed by musl's resolver, of the address that it has as well. */
    @Test
    void aNameThatIsThereWithoutTheRecordExists() {
        try (NameServer server = NameServer.start(SERVER);
                DnsService service = searching(server, "none.test", "two.test")) {
            Message reply = ask(service, "db", Type.AAAA);
            assertThat(reply.getRcode()).isEqualTo(Rcode.NOERROR);
            assertThat(answers(reply)).containsExactly("db.two.test.");
            assertThat(ask(service, "nobody", Type.AAAA).getRcode()).isEqualTo(Rcode.NXDOMAIN);
        }
    }

    @Test
    void anAnswerThatDoesNotFitSendsTheGuestToTcp() {
        try (NameServer server = NameServer.start(SERVER);
                DnsService service = searching(server, "two.test")) {
            service.directory().addRecords(List.of(new DnsDirectory.Entry("alias.test", "CNAME", 5, "big.two.test")));
            for (String name : List.of("big", "alias.test")) {
                assertThat(ask(service, name, Type.A).getHeader().getFlag(Flags.TC))
                        .as(name)
                        .isTrue();
                Message whole = parse(ask(service, query(name, Type.A), Transport.TCP));
                assertThat(answers(whole)).as(name).containsExactly("big.two.test.", "192.0.2.8");
                assertThat(whole.getHeader().getFlag(Flags.TC)).as(name).isFalse();
            }
        }
    }
}
