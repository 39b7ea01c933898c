package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.net.dhcp.DhcpClient;
import dev.sluice.net.dhcp.Lease;
import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** RFC 2131 §4.4 from the client's side, against a server that is the test, in virtual time. */
class DhcpClientTest implements DhcpClient.Owner {
    private static final MacAddress MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final Ipv4Address SERVER = Ipv4Address.parse("10.0.0.1");
    private static final Ipv4Address OFFERED = Ipv4Address.parse("10.0.0.77");
    private static final long SECOND = 1_000_000_000L;

    private record Sent(long at, DhcpMessage message, Ipv4Address to) {}

    private final VirtualLoop loop = new VirtualLoop(0);
    private final List<Sent> sent = new ArrayList<>();
    private final List<String> lost = new ArrayList<>();
    private int bound;
    private @Nullable Lease checking;
    private final DhcpClient client = new DhcpClient(loop, MAC, "box", new Random(1), this);

    @Override
    public void send(DhcpMessage message, Ipv4Address destination) {
        sent.add(new Sent(loop.now(), message, destination));
    }

    @Override
    public void check(Lease lease) {
        checking = lease;
    }

    @Override
    public void bound(Lease lease) {
        bound++;
    }

    @Override
    public void lost(String reason) {
        lost.add(reason);
    }

    private Sent last() {
        return sent.getLast();
    }

    private void answer(int type, UnaryOperator<DhcpOptions.Builder> options) {
        answer(type, OFFERED, last().message().transaction(), MAC, options);
    }

    private void answer(
            int type, Ipv4Address your, int transaction, MacAddress mac, UnaryOperator<DhcpOptions.Builder> options) {
        DhcpOptions.Builder builder = DhcpOptions.builder().messageType(type);
        client.onMessage(new DhcpMessage(
                DhcpMessage.BOOTREPLY,
                0,
                transaction,
                0,
                false,
                Ipv4Address.ANY,
                your,
                SERVER,
                Ipv4Address.ANY,
                mac,
                "",
                "",
                options.apply(builder).build()));
    }

    private static DhcpOptions.Builder usual(DhcpOptions.Builder options) {
        return options.address(DhcpOptions.SERVER_IDENTIFIER, SERVER)
                .number32(DhcpOptions.LEASE_TIME, 3600)
                .address(DhcpOptions.SUBNET_MASK, Ipv4Address.parse("255.255.255.0"))
                .address(DhcpOptions.ROUTER, SERVER)
                .address(DhcpOptions.DNS_SERVERS, SERVER, Ipv4Address.parse("10.0.0.2"))
                .text(DhcpOptions.DOMAIN_NAME, "example.test");
    }

    private void bind() {
        client.start();
        answer(DhcpMessage.OFFER, DhcpClientTest::usual);
        answer(DhcpMessage.ACK, DhcpClientTest::usual);
        client.checked(true);
    }

    @Test
    void anAddressIsDiscoveredRequestedCheckedAndTaken() {
        client.start();
        assertThat(last().message().type()).isEqualTo(DhcpMessage.DISCOVER);
        assertThat(last().to()).isEqualTo(Ipv4Address.BROADCAST);
        assertThat(last().message().options().text(DhcpOptions.HOST_NAME)).isEqualTo("box");
        answer(DhcpMessage.OFFER, DhcpClientTest::usual);
        assertThat(last().message().type()).isEqualTo(DhcpMessage.REQUEST);
        assertThat(last().message().options().requestedAddress()).isEqualTo(OFFERED);
        assertThat(last().message().options().serverIdentifier()).isEqualTo(SERVER);
        assertThat(last().message().clientAddress()).isEqualTo(Ipv4Address.ANY);
        answer(DhcpMessage.ACK, DhcpClientTest::usual);
        assertThat(client.lease()).isNull();
        Lease lease = checking;
        assertThat(lease).isNotNull();
        assertThat(lease.address()).hasToString("10.0.0.77/24");
        assertThat(lease.gateway()).isEqualTo(SERVER);
        assertThat(lease.dnsServers()).hasSize(2);
        assertThat(lease.domainName()).isEqualTo("example.test");
        assertThat(lease.renewal()).isEqualTo(Duration.ofSeconds(1800));
        assertThat(lease.rebinding()).isEqualTo(Duration.ofSeconds(3150));
        client.checked(true);
        assertThat(client.lease()).isEqualTo(lease);
        assertThat(bound).isEqualTo(1);
    }

    @Test
    void withoutAnswerTheQuestionIsRepeatedAtGrowingIntervals() {
        client.start();
        loop.advance(300 * SECOND);
        List<Long> gaps = new ArrayList<>();
        for (int i = 1; i < sent.size(); i++) {
            assertThat(sent.get(i).message().type()).isEqualTo(DhcpMessage.DISCOVER);
            gaps.add(sent.get(i).at() - sent.get(i - 1).at());
        }
        long[] expected = {4, 8, 16, 32, 64, 64};
        for (int i = 0; i < expected.length; i++) {
            assertThat(gaps.get(i)).isBetween((expected[i] - 1) * SECOND, (expected[i] + 1) * SECOND);
        }
    }

    @Test
    void aRequestThatNobodyAnswersStartsOver() {
        client.start();
        answer(DhcpMessage.OFFER, DhcpClientTest::usual);
        loop.advance(200 * SECOND);
        assertThat(sent.stream()
                        .filter(s -> s.message().type() == DhcpMessage.REQUEST)
                        .count())
                .isEqualTo(4);
        assertThat(last().message().type()).isEqualTo(DhcpMessage.DISCOVER);
    }

    @Test
    void aLeaseIsRenewedWithItsServerAtHalfTime() {
        bind();
        sent.clear();
        loop.advance(1799 * SECOND);
        assertThat(sent).isEmpty();
        loop.advance(SECOND);
        assertThat(last().message().type()).isEqualTo(DhcpMessage.REQUEST);
        assertThat(last().to()).isEqualTo(SERVER);
        assertThat(last().message().clientAddress()).isEqualTo(OFFERED);
        assertThat(last().message().options().requestedAddress()).isNull();
        assertThat(last().message().options().serverIdentifier()).isNull();
        answer(DhcpMessage.ACK, DhcpClientTest::usual);
        assertThat(bound).isEqualTo(2);
        sent.clear();
        loop.advance(1799 * SECOND);
        assertThat(sent).isEmpty();
        loop.advance(2 * SECOND);
        assertThat(sent).hasSize(1);
    }

    @Test
    void aLeaseThatNobodyRenewsIsRequestedFromAllThenLost() {
        bind();
        sent.clear();
        loop.advance(3599 * SECOND);
        assertThat(sent).isNotEmpty();
        for (Sent s : sent) {
            boolean rebinding = s.at() >= 3150 * SECOND;
            assertThat(s.to()).isEqualTo(rebinding ? Ipv4Address.BROADCAST : SERVER);
        }
        // At least a minute apart, so an hour brings few.
        assertThat(sent.size()).isLessThan(15);
        assertThat(client.lease()).isNotNull();
        loop.advance(2 * SECOND);
        assertThat(client.lease()).isNull();
        assertThat(lost).hasSize(1);
        assertThat(last().message().type()).isEqualTo(DhcpMessage.DISCOVER);
    }

    @Test
    void aNakEndsTheLease() {
        bind();
        loop.advance(1800 * SECOND);
        answer(DhcpMessage.NAK, options -> options.address(DhcpOptions.SERVER_IDENTIFIER, SERVER));
        assertThat(lost).hasSize(1);
        assertThat(client.lease()).isNull();
        assertThat(last().message().type()).isEqualTo(DhcpMessage.DISCOVER);
    }

    @Test
    void aServerThatOffersAndRefusesIsAskedAgainAfterARest() {
        client.start();
        for (int i = 0; i < 3; i++) {
            assertThat(last().message().type()).isEqualTo(DhcpMessage.DISCOVER);
            answer(DhcpMessage.OFFER, DhcpClientTest::usual);
            answer(DhcpMessage.NAK, options -> options.address(DhcpOptions.SERVER_IDENTIFIER, SERVER));
            loop.advance(9 * SECOND);
            assertThat(last().message().type()).isEqualTo(DhcpMessage.REQUEST);
            loop.advance(SECOND);
        }
        assertThat(sent).hasSize(7);
    }

    @Test
    void anAddressThatSomebodyHasIsDeclinedAndAnotherAskedForLater() {
        client.start();
        answer(DhcpMessage.OFFER, DhcpClientTest::usual);
        answer(DhcpMessage.ACK, DhcpClientTest::usual);
        client.checked(false);
        assertThat(last().message().type()).isEqualTo(DhcpMessage.DECLINE);
        assertThat(last().message().options().requestedAddress()).isEqualTo(OFFERED);
        loop.advance(9 * SECOND);
        assertThat(last().message().type()).isEqualTo(DhcpMessage.DECLINE);
        loop.advance(SECOND);
        assertThat(last().message().type()).isEqualTo(DhcpMessage.DISCOVER);
        assertThat(bound).isZero();
    }

    @Test
    void answersToOthersAndNonsenseAreIgnored() {
        client.start();
        int transaction = last().message().transaction();
        answer(DhcpMessage.OFFER, OFFERED, transaction + 1, MAC, DhcpClientTest::usual);
        answer(DhcpMessage.OFFER, OFFERED, transaction, MacAddress.parse("02:00:00:00:00:09"), DhcpClientTest::usual);
        answer(DhcpMessage.OFFER, Ipv4Address.ANY, transaction, MAC, DhcpClientTest::usual);
        answer(DhcpMessage.OFFER, Ipv4Address.LOOPBACK, transaction, MAC, DhcpClientTest::usual);
        answer(DhcpMessage.OFFER, Ipv4Address.parse("10.0.0.255"), transaction, MAC, DhcpClientTest::usual);
        answer(DhcpMessage.OFFER, options -> options);
        answer(
                DhcpMessage.OFFER,
                options -> usual(options).address(DhcpOptions.SUBNET_MASK, Ipv4Address.parse("255.0.255.0")));
        answer(DhcpMessage.ACK, DhcpClientTest::usual);
        answer(DhcpMessage.NAK, DhcpClientTest::usual);
        assertThat(sent).hasSize(1);
        assertThat(checking).isNull();
    }

    @Test
    void aGatewayOutsideTheNetworkIsNotBelieved() {
        client.start();
        UnaryOperator<DhcpOptions.Builder> odd =
                options -> usual(options).address(DhcpOptions.ROUTER, Ipv4Address.parse("192.0.2.1"));
        answer(DhcpMessage.OFFER, odd);
        answer(DhcpMessage.ACK, odd);
        assertThat(checking).isNotNull();
        assertThat(checking.gateway()).isNull();
    }

    @Test
    void aLeaseForEverIsNeverRenewed() {
        client.start();
        UnaryOperator<DhcpOptions.Builder> forever =
                options -> usual(options).number32(DhcpOptions.LEASE_TIME, 0xffff_ffffL);
        answer(DhcpMessage.OFFER, forever);
        answer(DhcpMessage.ACK, forever);
        client.checked(true);
        sent.clear();
        loop.advance(40L * 86_400 * SECOND);
        assertThat(sent).isEmpty();
    }

    @Test
    void aTinyLeaseDoesNotMakeAStorm() {
        client.start();
        UnaryOperator<DhcpOptions.Builder> tiny = options -> usual(options).number32(DhcpOptions.LEASE_TIME, 0);
        answer(DhcpMessage.OFFER, tiny);
        answer(DhcpMessage.ACK, tiny);
        client.checked(true);
        sent.clear();
        loop.advance(9 * SECOND);
        assertThat(sent.size()).isLessThanOrEqualTo(2);
    }

    @Test
    void stoppingGivesTheLeaseBack() {
        bind();
        client.stop();
        assertThat(last().message().type()).isEqualTo(DhcpMessage.RELEASE);
        assertThat(last().to()).isEqualTo(SERVER);
        assertThat(last().message().clientAddress()).isEqualTo(OFFERED);
        sent.clear();
        loop.advance(7200 * SECOND);
        assertThat(sent).isEmpty();
    }
}
