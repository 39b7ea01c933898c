package dev.sluice.gateway.mux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.NoHost;
import dev.sluice.host.StreamListener;
import dev.sluice.host.StreamSocket;
import dev.sluice.testkit.VirtualLoop;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Agents that connect one after the other, over carriers in memory, in virtual time. */
class AgentLinkTest {
    private static final MuxTarget WEB = new MuxTarget.Tcp(IpAddress.parse("127.0.0.1"), 80);

    private final VirtualLoop loop = new VirtualLoop(1);
    private final Place place = new Place();
    private AgentLink link;

    @BeforeEach
    void listen() throws IOException {
        link = AgentLink.listen(loop, place, "/agent");
    }

    /** Where agents connect. */
    private static final class Place extends NoHost {
        private StreamListener.Acceptor acceptor;

        @Override
        public StreamListener listen(String path, StreamListener.Acceptor acceptor) {
            this.acceptor = acceptor;
            return new StreamListener() {
                @Override
                public int port() {
                    return 0;
                }

                @Override
                public void close() {}
            };
        }
    }

    /** Accepts every channel. */
    private final class Agent implements Multiplexer.Owner {
        private final Multiplexer mux = new Multiplexer(loop, Generation.GREETING_CONNECTED, new byte[0], this);
        private final List<Channel> channels = new ArrayList<>();
        private String end = "";

        Agent() {
            StreamPair pair = new StreamPair(loop, 1 << 20);
            pair.right.events = mux.events();
            mux.carryConnected(pair.right);
            pair.left.events = place.acceptor.accept(pair.left, Ipv4Address.LOOPBACK, 0);
            settle();
        }

        @Override
        public void onOpen(Channel channel) {
            channels.add(channel);
            channel.accept(StreamSocket.Events.NOBODY);
        }

        @Override
        public void onEnd(String reason) {
            end = reason;
        }
    }

    /** Whoever has a channel. */
    private void settle() {
        loop.advance(1_000_000);
    }

    private Channel open() {
        Channel channel = link.open(WEB, StreamSocket.Events.NOBODY);
        settle();
        return channel;
    }

    @Test
    void theNewestAgentGetsNewChannelsAndTheOldOnesGoOn() {
        Agent first = new Agent();
        open();
        Agent second = new Agent();
        open();
        assertThat(first.channels).hasSize(1);
        assertThat(second.channels).hasSize(1);
        assertThat(first.end + second.end).isEmpty();
        assertThat(link.describe()).hasSize(2);
    }

    @Test
    void anAgentThatWasReplacedGoesWithItsLastChannel() {
        Agent first = new Agent();
        Channel one = open();
        Channel other = open();
        Agent second = new Agent();
        one.close();
        first.channels.getFirst().close();
        settle();
        assertThat(first.end).isEmpty();
        other.close();
        first.channels.getLast().close();
        settle();
        assertThat(first.end).contains("closed the connection");
        assertThat(second.end).isEmpty();
        assertThat(link.describe()).isEmpty();
    }

    @Test
    void anAgentThatIsReplacedWithoutChannelsGoesAtOnce() {
        Agent first = new Agent();
        new Agent();
        settle();
        assertThat(first.end).contains("closed the connection");
    }

    @Test
    void closingBreaksTheChannelsOfAgentsThatWereReplacedToo() {
        Agent first = new Agent();
        open();
        Agent second = new Agent();
        open();
        link.close();
        settle();
        assertThat(first.end).contains("closed the connection");
        assertThat(second.end).contains("closed the connection");
        assertThat(link.describe()).isEmpty();
    }

    @Test
    void ofManyThatWereReplacedTheOldestBreaks() {
        List<Agent> agents = new ArrayList<>();
        for (int i = 0; i < AgentLink.MOST_REPLACED + 2; i++) {
            agents.add(new Agent());
            open();
        }
        settle();
        assertThat(agents.getFirst().end).contains("closed the connection");
        assertThat(agents.subList(1, agents.size())).allMatch(agent -> agent.end.isEmpty());
    }
}
