package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.MacAddress;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SwitchTest {
    private static final long BROADCAST = 0xffff_ffff_ffffL;
    private static final long MULTICAST = 0x0100_5e00_0001L;

    private final List<byte[]> local = new ArrayList<>();
    private final List<String> closed = new ArrayList<>();
    private final LocalPort gateway = new LocalPort() {
        @Override
        public void onFrame(Link from, Frame frame) {
            local.add(Frames.bytes(frame));
            // As the gateway does when it turns a request into its answer.
            frame.head.fill((byte) 0);
        }

        @Override
        public void onClosed(Link link, String reason) {
            closed.add(link + " " + reason);
        }
    };
    private final Switch ethernet = new Switch(new MacAddress(Frames.GATEWAY), gateway, 8, 3);
    private final FakeLink a = new FakeLink("a");
    private final FakeLink b = new FakeLink("b");
    private final FakeLink c = new FakeLink("c");

    SwitchTest() {
        ethernet.attach(a);
        ethernet.attach(b);
        ethernet.attach(c);
    }

    private static byte[] frame(long destination, long source) {
        return Frames.ethernet(destination, source, 60);
    }

    @Test
    void aFrameForTheGatewayGoesThereOnly() {
        byte[] frame = frame(Frames.GATEWAY, 0x0200_0000_0001L);
        a.deliver(frame);
        assertThat(local).containsExactly(frame);
        assertThat(a.sent).isEmpty();
        assertThat(b.sent).isEmpty();
        assertThat(c.sent).isEmpty();
    }

    @Test
    void groupsReachEverybodyButTheSenderAndTheGatewayCanNotSpoilThem() {
        for (long group : new long[] {BROADCAST, MULTICAST}) {
            byte[] frame = frame(group, 0x0200_0000_0001L);
            a.deliver(frame);
            assertThat(b.sent.removeFirst()).isEqualTo(frame);
            assertThat(c.sent.removeFirst()).isEqualTo(frame);
            assertThat(local.removeFirst()).isEqualTo(frame);
        }
        assertThat(a.sent).isEmpty();
    }

    @Test
    void anUnknownAddressIsFloodedUntilItsGuestHasSpoken() {
        byte[] first = frame(2, 1);
        a.deliver(first);
        assertThat(b.sent).containsExactly(first);
        assertThat(c.sent).containsExactly(first);
        b.deliver(frame(1, 2));
        byte[] second = frame(2, 1);
        a.deliver(second);
        assertThat(a.sent).hasSize(1);
        assertThat(b.sent).hasSize(2);
        assertThat(c.sent).hasSize(1);
        assertThat(local).isEmpty();
        assertThat(ethernet.linkTo(2)).isSameAs(b);
        assertThat(ethernet.linkTo(3)).isNull();
    }

    @Test
    void aFrameIsNeverSentBackWhereItCameFrom() {
        a.deliver(frame(BROADCAST, 1));
        a.deliver(frame(1, 5));
        assertThat(a.sent).isEmpty();
        assertThat(ethernet.counters().droppedSameLink).isEqualTo(1);
    }

    @Test
    void ofTwoLinksWithOneAddressTheOneThatSentLastGetsTheFrames() {
        a.deliver(frame(Frames.GATEWAY, 1));
        assertThat(ethernet.linkTo(1)).isSameAs(a);
        b.deliver(frame(Frames.GATEWAY, 1));
        assertThat(ethernet.linkTo(1)).isSameAs(b);
        a.deliver(frame(Frames.GATEWAY, 1));
        assertThat(ethernet.linkTo(1)).isSameAs(a);
        a.deliver(frame(Frames.GATEWAY, 1));
        assertThat(ethernet.counters().moved).isEqualTo(2);
        assertThat(local).hasSize(4);
    }

    @Test
    void theGatewaysAddressIsNotLearntAndWhoClaimsItIsNotHeard() {
        a.deliver(frame(BROADCAST, Frames.GATEWAY));
        assertThat(ethernet.linkTo(Frames.GATEWAY)).isNull();
        assertThat(b.sent).isEmpty();
        assertThat(local).isEmpty();
        assertThat(ethernet.counters().droppedSpoofed).isEqualTo(1);
        b.deliver(frame(Frames.GATEWAY, 2));
        assertThat(local).hasSize(1);
    }

    @Test
    void framesFromAGroupOrFromNobodyAreDropped() {
        a.deliver(frame(Frames.GATEWAY, BROADCAST));
        a.deliver(frame(Frames.GATEWAY, 0));
        assertThat(local).isEmpty();
        assertThat(ethernet.counters().droppedSource).isEqualTo(2);
    }

    @Test
    void anAssignedAddressCanNotBeUsedByAnotherGuest() {
        FakeLink owner = new FakeLink("owner");
        FakeLink twin = new FakeLink("twin");
        a.deliver(frame(Frames.GATEWAY, 0x0250_0000_0001L));
        ethernet.attach(owner, new MacAddress(0x0250_0000_0001L));
        ethernet.attach(twin, new MacAddress(0x0250_0000_0001L));
        local.clear();
        a.deliver(frame(Frames.GATEWAY, 0x0250_0000_0001L));
        assertThat(local).as("it used the address before it was assigned").isEmpty();
        owner.deliver(frame(Frames.GATEWAY, 0x0250_0000_0001L));
        a.deliver(frame(Frames.GATEWAY, 0x0250_0000_0001L));
        assertThat(ethernet.linkTo(0x0250_0000_0001L)).isSameAs(owner);
        twin.deliver(frame(Frames.GATEWAY, 0x0250_0000_0001L));
        assertThat(ethernet.linkTo(0x0250_0000_0001L)).isSameAs(twin);
        assertThat(ethernet.counters().droppedSpoofed).isEqualTo(2);
        assertThat(local).hasSize(2);
    }

    @Test
    void aGuestThatInventsAddressesPushesOutOnlyItsOwn() {
        b.deliver(frame(Frames.GATEWAY, 0xb));
        c.deliver(frame(Frames.GATEWAY, 0xc));
        for (long source = 0x1000; source < 0x1100; source += 2) {
            a.deliver(frame(Frames.GATEWAY, source << 8));
        }
        assertThat(ethernet.linkTo(0xb)).isSameAs(b);
        assertThat(ethernet.linkTo(0xc)).isSameAs(c);
        assertThat(ethernet.linkTo(0x10fe00)).isSameAs(a);
        assertThat(ethernet.linkTo(0x100000)).isNull();
        assertThat(ethernet.counters().addresses).isEqualTo(5);
        assertThat(ethernet.counters().evictedAddresses).isEqualTo(125);
    }

    @Test
    void aClosedLinkIsForgottenAndTheGatewayIsTold() {
        a.deliver(frame(BROADCAST, 1));
        a.handler.onClosed(a, "disconnected");
        assertThat(ethernet.linkTo(1)).isNull();
        assertThat(ethernet.links()).containsExactly(b, c);
        assertThat(closed).containsExactly("a disconnected");
        ethernet.detach(b);
        assertThat(b.closed).isTrue();
        assertThat(ethernet.size()).isEqualTo(1);
        assertThat(closed).hasSize(1);
    }

    @Test
    void theGatewaySendsToOneOrToAll() {
        a.deliver(frame(Frames.GATEWAY, 1));
        assertThat(ethernet.send(Frames.frame(frame(1, Frames.GATEWAY)))).isTrue();
        assertThat(ethernet.send(Frames.frame(frame(BROADCAST, Frames.GATEWAY))))
                .isTrue();
        assertThat(ethernet.send(Frames.frame(frame(77, Frames.GATEWAY)))).isTrue();
        assertThat(a.sent).hasSize(3);
        assertThat(b.sent).hasSize(2);
        c.full = true;
        assertThat(ethernet.send(Frames.frame(frame(BROADCAST, Frames.GATEWAY))))
                .isFalse();
    }

    @Test
    void moreGuestsThanPortsAreTurnedAway() {
        while (ethernet.size() < Switch.MAX_PORTS) {
            ethernet.attach(new FakeLink("more"));
        }
        FakeLink last = new FakeLink("last");
        assertThat(ethernet.attach(last)).isFalse();
        assertThat(last.closed).isTrue();
        assertThat(ethernet.counters().refusedPorts).isEqualTo(1);
    }
}
