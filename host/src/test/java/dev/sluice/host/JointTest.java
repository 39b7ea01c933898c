package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Two joined streams, with sockets that do as the test says. */
class JointTest {
    private final ScriptedStream client = new ScriptedStream();
    private final ScriptedStream service = new ScriptedStream();
    private final Turns turns = new Turns();
    private final Pair pair = new Pair();

    /** A service that answers and closes before it has read everything: the answer is there when a write first meets the reset. */
    @Test
    void whatAServiceSaidBeforeItBrokeReachesAClientThatIsStillWriting() {
        pair.open();
        client.says("a long request");
        service.says("413");
        service.write = StreamSocket.FAILED;
        service.afterwards = StreamSocket.END; // the write has taken the error (tcp(7))
        pair.client.onReadable();
        assertThat(client.got()).isEqualTo("413");
        assertThat(client.ending).as("a reset, and no end before it").isEqualTo("reset");
        assertThat(service.ending).isEqualTo("reset");
    }

    @Test
    void endsArePassedOnInOrder() {
        pair.open();
        client.says("question");
        client.afterwards = StreamSocket.END;
        pair.client.onReadable();
        service.says("answer");
        service.afterwards = StreamSocket.END;
        pair.service.onReadable();
        assertThat(service.got()).isEqualTo("question");
        assertThat(client.got()).isEqualTo("answer");
        assertThat(client.ending + service.ending).isEqualTo("end closeend close");
    }

    /** Urgent data, more and the end, all at once: splice(2) says there what it says at the end. */
    @Test
    void anEndAtWhichSplicingStopsIsLookedAt() {
        pair.open();
        client.splices = true;
        client.mayHoldMore = false;
        service.splices = true;
        client.says(new byte[200_000]); // from here on it has much to say
        pair.client.onReadable();
        client.says("and the rest");
        client.afterwards = StreamSocket.END;
        pair.client.onReadable();
        turns.turn();
        assertThat(service.received()).isEqualTo(200_012);
        pair.client.onReadable();
        turns.turn();
        assertThat(service.ending).isEqualTo("end ");
    }

    @Test
    void whoHearsOfTheEndKnowsOfAllThatWasMovedAndOfTheReset() {
        pair.open();
        client.says("the last words");
        client.afterwards = StreamSocket.FAILED;
        pair.client.onReadable();
        assertThat(pair.movedAtTheEnd).isEqualTo(14);
        assertThat(pair.wasReset()).isTrue();
    }

    @Test
    void anEndInOrderIsNoReset() {
        pair.open();
        client.afterwards = StreamSocket.END;
        service.afterwards = StreamSocket.END;
        pair.client.onReadable();
        pair.service.onReadable();
        assertThat(pair.isClosed()).isTrue();
        assertThat(pair.wasReset()).isFalse();
    }

    private final class Pair extends Joined {
        private int moved;
        int movedAtTheEnd = -1;

        Pair() {
            super(new Scratch(turns));
        }

        @Override
        protected void moved(int toService, int toClient) {
            moved += toService + toClient;
        }

        @Override
        protected void ended() {
            movedAtTheEnd = moved;
        }

        void open() {
            client.socket(JointTest.this.client);
            service.socket(JointTest.this.service);
            service.onConnected();
        }
    }
}
