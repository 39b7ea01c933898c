package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** How those who move much share the turns of a loop. */
class ScratchTest {
    private static final byte[] MUCH = new byte[32 << 20];
    private static final int LITTLE = 1000;

    private final Turns loop = new Turns();
    private final Scratch scratch = new Scratch(loop);

    @Test
    void aLoneStreamMovesWhatTheMemoryHoldsInEachTurn() {
        Pair pair = new Pair(MUCH);
        int before = pair.client.taken();
        for (int i = 1; i <= 4; i++) {
            loop.turn();
            assertThat(pair.client.taken() - before).isEqualTo(i * Scratch.BYTES);
        }
    }

    @Test
    void manyMoveMuchOneAfterTheOtherAndNoneIsLeftOut() {
        List<Pair> pairs = IntStream.range(0, 8).mapToObj(i -> new Pair(MUCH)).toList();
        int[] before = pairs.stream().mapToInt(pair -> pair.client.taken()).toArray();
        for (int i = 0; i < 2 * pairs.size(); i++) {
            int all = moved(pairs);
            loop.turn();
            assertThat(moved(pairs) - all).as("turn " + i).isEqualTo(Scratch.BYTES);
        }
        for (int i = 0; i < pairs.size(); i++) {
            assertThat(pairs.get(i).client.taken() - before[i]).isEqualTo(2 * Scratch.BYTES);
        }
    }

    @Test
    void whoComesWhenNobodyMovesMuchNeedNotWait() {
        assertThat(new Pair(new byte[1 << 20]).service.received()).isEqualTo(1 << 20);
        loop.turn();
        assertThat(new Pair(new byte[1 << 20]).service.received()).isEqualTo(1 << 20);
    }

    @Test
    void whatOneLeavesOfATurnTheNextInLineTakes() {
        new Pair(new byte[1 << 20]); // they come in a turn that has been used
        Pair first = new Pair(new byte[3 << 20]);
        Pair second = new Pair(MUCH);
        int all = first.client.taken() + second.client.taken();
        loop.turn();
        assertThat(first.client.taken()).isEqualTo(3 << 20);
        assertThat(first.client.taken() + second.client.taken() - all).isEqualTo(Scratch.BYTES);
    }

    @Test
    void whoHasLittleToSayDoesNotStandInLine() {
        IntStream.range(0, 8).forEach(i -> new Pair(MUCH));
        Pair small = new Pair(new byte[0]);
        for (int i = 0; i < 20; i++) {
            small.client.says(new byte[LITTLE]);
            small.client().onReadable();
            assertThat(small.service.received()).isEqualTo((i + 1L) * LITTLE);
        }
    }

    @Test
    void whoHadMuchAndHasLittleNowIsServedAtOnceAgain() {
        Pair pair = new Pair(new byte[1 << 20]);
        loop.turn();
        for (int i = 0; i < 2; i++) {
            pair.client.says(new byte[LITTLE]);
            pair.client().onReadable();
            assertThat(pair.service.received()).isEqualTo((1 << 20) + (i + 1L) * LITTLE);
        }
    }

    @Test
    void whoIsGoneWhenItsTurnComesTakesNothingOfIt() {
        Pair gone = new Pair(MUCH);
        Pair other = new Pair(MUCH);
        gone.reset();
        int moved = gone.client.taken();
        int before = other.client.taken();
        loop.turn();
        assertThat(gone.client.taken()).isEqualTo(moved);
        assertThat(other.client.taken() - before).isEqualTo(Scratch.BYTES);
    }

    @Test
    void whoFailsInItsTurnHoldsNobodyUp() {
        Pair failing = new Pair(MUCH);
        Pair other = new Pair(MUCH);
        int before = other.client.taken();
        failing.failure = new IllegalStateException("as the test says");
        assertThatThrownBy(loop::turn).isSameAs(failing.failure);
        loop.turn();
        assertThat(other.client.taken() - before).isEqualTo(Scratch.BYTES);
    }

    @Test
    void nobodyRunsWhenAllIsMoved() {
        Pair pair = new Pair(new byte[13 << 20]);
        for (int i = 0; i < 3; i++) {
            assertThat(loop.isIdle()).isFalse();
            loop.turn();
        }
        assertThat(loop.isIdle()).isTrue();
        assertThat(pair.service.received()).isEqualTo(13 << 20);
    }

    @Test
    void theMemoryIsMadeOnceAndWhole() {
        assertThat(scratch.memory().byteSize()).isEqualTo(Scratch.BYTES);
        assertThat(scratch.memory()).isSameAs(scratch.memory());
    }

    private static int moved(List<Pair> pairs) {
        return pairs.stream().mapToInt(pair -> pair.client.taken()).sum();
    }

    private final class Pair extends Joined {
        final ScriptedStream client = new ScriptedStream();
        final ScriptedStream service = new ScriptedStream();
        /** What it throws when it has moved something. */
        @Nullable
        RuntimeException failure;

        /** Joined, and its client has said so much. */
        Pair(byte[] said) {
            super(scratch);
            client.says(said);
            super.client.socket(client);
            super.service.socket(service);
            super.service.onConnected();
            super.client.onReadable();
        }

        @Override
        protected void moved(int toService, int toClient) {
            if (failure != null) {
                throw failure;
            }
        }
    }
}
