package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.GUEST;
import static dev.sluice.gateway.dns.DnsBench.PATIENT;
import static dev.sluice.gateway.dns.DnsBench.a;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static dev.sluice.gateway.dns.DnsBench.service;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Type;

/** Addresses for those who connect in a guest's place. */
@Timeout(60)
class AddressLookupTest {
    private static boolean asksForIpv4(NameServer.Query query) {
        return parse(query.message()).getQuestion().getType() == Type.A;
    }

    /** Firewalls drop DNS over TCP often enough; each lookup would wait for that before it asks in the usual way. */
    @Test
    void aNameIsAskedForOverUdp() throws Exception {
        try (NameServer server = NameServer.start((query, replier) -> {
                    if (!query.tcp()) {
                        replier.send((asksForIpv4(query)
                                        ? replyTo(query.message(), a(query.message(), "192.0.2.1"))
                                        : replyTo(query.message()))
                                .toWire());
                    }
                });
                DnsService service = service(server)) {
            assertThat(new AddressLookup(service).addresses("a.example", GUEST))
                    .containsExactly(Ipv4Address.parse("192.0.2.1"));
            assertThat(server.queries()).hasSize(2).noneMatch(NameServer.Query::tcp);
        }
    }

    @Test
    void whatDoesNotFitIsAskedForOverTcp() throws Exception {
        try (NameServer server = NameServer.start((query, replier) -> {
                    Message reply = asksForIpv4(query) && query.tcp()
                            ? replyTo(query.message(), a(query.message(), "192.0.2.1"))
                            : replyTo(query.message());
                    if (asksForIpv4(query) && !query.tcp()) {
                        reply.getHeader().setFlag(Flags.TC);
                    }
                    replier.send(reply.toWire());
                });
                DnsService service = service(server)) {
            assertThat(new AddressLookup(service).addresses("a.example", GUEST))
                    .containsExactly(Ipv4Address.parse("192.0.2.1"));
        }
    }

    /** There are servers that drop what they do not know. */
    @Test
    void addressesOfIpv4DoNotWaitForASilenceAboutThoseOfIpv6() throws Exception {
        try (NameServer server = NameServer.start((query, replier) -> {
                    if (asksForIpv4(query)) {
                        replier.send(replyTo(query.message(), a(query.message(), "192.0.2.1"))
                                .toWire());
                    }
                });
                DnsService service = service(server)) {
            long began = System.nanoTime();
            assertThat(new AddressLookup(service).addresses("a.example", GUEST))
                    .containsExactly(Ipv4Address.parse("192.0.2.1"));
            assertThat(System.nanoTime() - began).isLessThan(PATIENT.toNanos() / 2);
        }
    }

    @Test
    void whyThereIsNoneIsSaid() {
        try (NameServer server = NameServer.start((query, replier) -> {
                    Message reply = replyTo(query.message());
                    reply.getHeader().setRcode(Rcode.NXDOMAIN);
                    replier.send(reply.toWire());
                });
                DnsService service = service(server)) {
            assertThatThrownBy(() -> new AddressLookup(service).addresses("a.example", GUEST))
                    .isInstanceOf(IOException.class)
                    .hasMessage("there is no host a.example");
        }
    }
}
