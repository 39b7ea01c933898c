package dev.sluice.gateway.flow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.link.Link;
import dev.sluice.testkit.NowhereLink;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who shares with whom. */
class SharesTest {
    private static final long MAC = 0x0250_0000_0001L;

    private final Shares shares = new Shares(Limits.defaults());
    private final Link link = new NowhereLink("one");
    private final Link other = new NowhereLink("two");

    private static Guest guest(int address, long mac, Link link) {
        return new Guest(0xc0a8_4100 + address, mac, link);
    }

    /** A machine of {@code link} that has a flow. */
    private GuestShares busy(long mac, Link on) {
        GuestShares machine = shares.of(guest(3, mac, on));
        machine.tcpFlows.take(1);
        return machine;
    }

    @Test
    void allAddressesOfAMachineAreOne() {
        GuestShares machine = busy(MAC, link);
        assertThat(shares.of(guest(4, MAC, link))).isSameAs(machine);
        assertThat(shares.of(new Guest(0xfe80L << 48, 1, MAC, link))).isSameAs(machine);
        assertThat(shares.of(link)).containsExactly(machine);
    }

    @Test
    void machinesOfOneLinkAreTwoAndPartsOfOne() {
        GuestShares one = busy(MAC, link);
        GuestShares two = busy(MAC + 1, link);
        assertThat(one).isNotSameAs(two);
        assertThat(one.buffers.whole()).isSameAs(two.buffers.whole());
        assertThat(busy(MAC, other).buffers.whole()).isNotSameAs(one.buffers.whole());
        assertThat(shares.all().tcpFlows.held()).isEqualTo(3);
    }

    @Test
    void hardwareAddressesBeyondABoundShareOnePart() {
        for (int i = 0; i < Shares.MACHINES; i++) {
            busy(MAC + i, link);
        }
        GuestShares more = busy(MAC + 100, link);
        for (int i = 0; i < 10_000; i++) {
            assertThat(busy(MAC + 1000 + i, link)).isSameAs(more);
        }
        assertThat(more.mac()).isZero();
        assertThat(shares.of(link)).hasSize(Shares.MACHINES + 1);
    }

    /** Each forged address opens one flow: the link as a whole has no more than it may, and the guarantee of another is what it was. */
    @Test
    void whoMakesUpHardwareAddressesGetsNothingOfAnotherLinks() {
        GuestShares honest = busy(MAC, other);
        int flows = 0;
        for (int i = 0; i < 100_000; i++) {
            GuestShares forged = shares.of(guest(3, MAC + 1 + i, link));
            if (forged.mayOpen()) {
                forged.tcpFlows.take(1);
                flows++;
            }
        }
        assertThat(flows).isLessThanOrEqualTo(Limits.defaults().tcpFlows() * 4 / 5);
        assertThat(honest.mayOpen()).isTrue();
        assertThat(honest.buffers.guaranteed()).isEqualTo(Limits.defaults().bufferBytes() / 64);
        assertThat(shares.of(link)).hasSize(Shares.MACHINES + 1);
    }

    @Test
    void aMachineThatHoldsNothingGivesItsPlaceToAnother() {
        GuestShares gone = shares.of(guest(3, MAC, link));
        GuestShares next = shares.of(guest(3, MAC + 1, link));
        assertThat(shares.of(link)).containsExactly(next);
        assertThat(next).isNotSameAs(gone);
        assertThat(next.mac()).isEqualTo(MAC + 1);
        assertThat(next.tcpHalfOpen.guaranteed()).as("alone on its link").isEqualTo(1024 / 64);
    }

    @Test
    void ofALinkThatIsGoneNothingIsKept() {
        List<GuestShares> held = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            Link passing = new NowhereLink("passing");
            held.add(busy(MAC, passing));
            shares.linkClosed(passing);
            assertThat(shares.of(passing)).isEmpty();
        }
        // A flow that outlives its link still gives back what it has.
        held.forEach(machine -> machine.tcpFlows.give(1));
        assertThat(shares.all().tcpFlows.held()).isZero();
        assertThat(busy(MAC, link).buffers.guaranteed())
                .isEqualTo(Limits.defaults().bufferBytes() / 64);
    }

    @Test
    void ofPendingConnectionsAndProxySessionsOneAloneGetsHalf() {
        GuestShares machine = busy(MAC, link);
        while (machine.mayHalfOpen()) {
            machine.tcpHalfOpen.take(1);
        }
        while (machine.mayStartProxySession()) {
            machine.proxySessions.take(1);
        }
        assertThat(machine.tcpHalfOpen.held()).isEqualTo(Limits.defaults().tcpHalfOpen() / 2);
        assertThat(machine.proxySessions.held()).isEqualTo(Limits.defaults().proxySessions() / 2);
    }
}
