package dev.sluice.gateway.dns;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.dns.DnsDirectory.Entry;
import dev.sluice.wire.Ipv4Address;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

class GuestNamesTest {
    private static final Ipv4Address THREE = Ipv4Address.parse("192.168.65.3");
    private static final Ipv4Address FOUR = Ipv4Address.parse("192.168.65.4");

    private final AtomicLong seconds = new AtomicLong(Long.MAX_VALUE / 1_000_000_000L - 10);
    private final GuestNames guests = new GuestNames(() -> seconds.get() * 1_000_000_000L);

    private @Nullable List<ResourceRecord> answer(String name, int type) {
        return guests.answer(DnsMessage.query(name, type)) instanceof NameSource.Records(List<ResourceRecord> records)
                ? records
                : null;
    }

    private boolean leadsTo(String name, Ipv4Address address) {
        List<ResourceRecord> records = answer(name, Type.A);
        return records != null
                && records.size() == 1
                && java.util.Arrays.equals(records.getFirst().data(), NameSource.bytes(address));
    }

    @Test
    void aGuestsNameLeadsToItUnderBothZonesAndBack() {
        guests.bound(THREE, "Web1.example", 60);
        assertThat(leadsTo("web1.sluice.internal", THREE)).isTrue();
        assertThat(leadsTo("WEB1.docker.internal", THREE)).isTrue();
        assertThat(answer("web1.sluice.internal", Type.AAAA)).isEmpty();
        assertThat(answer("web2.sluice.internal", Type.A)).isNull();
        assertThat(answer("web1.example", Type.A)).isNull();
        assertThat(answer("3.65.168.192.in-addr.arpa", Type.PTR))
                .singleElement()
                .satisfies(record -> {
                    assertThat(record.data()).isEqualTo(DnsMessage.encodeName("web1.sluice.internal"));
                });
        guests.released(THREE);
        assertThat(answer("web1.sluice.internal", Type.A)).isNull();
        assertThat(answer("3.65.168.192.in-addr.arpa", Type.PTR)).isNull();
    }

    @Test
    void theFirstOfTwoHasTheNameUntilItsLeaseEnds() {
        guests.bound(THREE, "vm", 60);
        guests.bound(FOUR, "vm", 600);
        assertThat(leadsTo("vm.sluice.internal", THREE)).isTrue();
        guests.bound(THREE, "vm", 60); // renewed
        assertThat(leadsTo("vm.sluice.internal", THREE)).isTrue();
        seconds.addAndGet(60);
        assertThat(answer("vm.sluice.internal", Type.A)).isNull();
        guests.bound(FOUR, "vm", 600);
        assertThat(leadsTo("vm.sluice.internal", FOUR)).isTrue();
    }

    @Test
    void aGuestThatTakesAnotherNameLosesTheFirst() {
        guests.bound(THREE, "one", 60);
        guests.bound(THREE, "two", 60);
        assertThat(answer("one.sluice.internal", Type.A)).isNull();
        assertThat(leadsTo("two.sluice.internal", THREE)).isTrue();
        guests.bound(THREE, null, 60);
        assertThat(answer("two.sluice.internal", Type.A)).isNull();
    }

    @Test
    void noGuestTakesANameThatMeansSomethingAlready() {
        try (DnsService service = DnsBench.service()) {
            service.directory().addRecords(List.of(new Entry("db.sluice.internal", "A", 60, "10.0.0.5")));
            service.guestBound(THREE, "host", 60);
            service.guestBound(FOUR, "db", 60);
            assertThat(address(DnsBench.ask(service, "host.sluice.internal", Type.A)))
                    .isEqualTo("192.168.65.2");
            assertThat(address(DnsBench.ask(service, "db.sluice.internal", Type.A)))
                    .isEqualTo("10.0.0.5");
            assertThat(address(DnsBench.ask(service, "db.docker.internal", Type.A)))
                    .isEqualTo("192.168.65.4");
            assertThat(DnsBench.ask(service, "nobody.sluice.internal", Type.A).getRcode())
                    .isEqualTo(Rcode.NXDOMAIN);
        }
    }

    private static String address(Message reply) {
        Record record = reply.getSection(Section.ANSWER).getFirst();
        return record.rdataToString();
    }
}
