package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Two joined streams, with sockets that do as the test says. */
class JointTest {
    private final ScriptedStream client = new ScriptedStream();
    private final ScriptedStream service = new ScriptedStream();
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

    private final class Pair extends Joined {
        Pair() {
            super(new Scratch(new Turns()));
        }

        void open() {
            client.socket(JointTest.this.client);
            service.socket(JointTest.this.service);
            service.onConnected();
        }
    }
}
