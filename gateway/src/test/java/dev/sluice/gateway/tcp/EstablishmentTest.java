package dev.sluice.gateway.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.host.HostError;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** What a guest hears of a connection that does not come to be. */
class EstablishmentTest {
    private final OneFlow flow = new OneFlow();

    private void syn(int sequence) {
        flow.sequence = sequence;
        flow.acknowledgment = 0;
        flow.segment(TcpHeader.SYN, 0);
        flow.endBatch();
    }

    /** A service of the gateway's own is connected in a later turn, whatever the guest says until then. */
    @Test
    void aFlowThatTheGuestHasGivenUpIsNotOpenedAnyMore() {
        flow.port = 6000;
        syn(70_000);
        flow.sequence = 70_001;
        flow.segment(TcpHeader.RST, 0);
        flow.endBatch();
        assertThat(flow.flows.halfOpen()).isZero();
        long opened = flow.counters.tcpOpened;
        flow.server.events().onConnected();
        assertThat(flow.counters.tcpOpened).isEqualTo(opened);
    }

    /** The first is one that the guest has given up. */
    @Test
    void anErrorQuotesTheLatestSynOfTheGuest() throws Exception {
        flow.port = 6000;
        syn(70_000);
        syn(90_000);
        flow.server.events().onConnectFailed(HostError.NET_UNREACHABLE);
        MemorySegment quoted = MemorySegment.ofArray(flow.side.nextFailure().quoted());
        assertThat(TcpHeader.sourcePort(quoted, Ipv4Header.MIN_LENGTH)).isEqualTo(6000);
        assertThat(TcpHeader.sequence(quoted, Ipv4Header.MIN_LENGTH)).isEqualTo(90_000);
    }
}
