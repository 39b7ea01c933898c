package dev.sluice.stack.share;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShareTest {
    private static final int FACTOR = 4;

    /** Each takes one in turn until nobody may any more. */
    private static void contend(int factor, List<Share> greedy) {
        boolean took = true;
        while (took) {
            took = false;
            for (Share share : greedy) {
                if (share.may(1, factor)) {
                    share.take(1);
                    took = true;
                }
            }
        }
    }

    /** Whatever is held is given back some time, and asked for again. */
    private static void turnOver(List<Share> greedy) {
        for (int round = 0; round < 100_000; round++) {
            for (Share share : greedy) {
                share.give(1);
                for (int i = 0; i < 2 && share.may(1, FACTOR); i++) {
                    share.take(1);
                }
            }
        }
    }

    private static List<Share> parts(Share whole, int count) {
        List<Share> parts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            parts.add(whole.part());
        }
        return parts;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 16})
    void oneAloneGetsAllButWhatTheFactorLeavesFree(int factor) {
        Share whole = Share.of(17_000);
        Share part = whole.part();
        contend(factor, List.of(part));
        assertThat(part.held()).isBetween(17_000L * factor / (factor + 1) - 1, 17_000L * factor / (factor + 1) + 1);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 10, 30})
    void theGreedyGetEqualPartsAndSomethingStaysFree(int count) {
        Share whole = Share.of(100_000);
        List<Share> greedy = parts(whole, count);
        contend(FACTOR, greedy);
        long free = Math.max(100_000L / (1 + (long) count * FACTOR), 100_000 / 64);
        long equal = (100_000 - free) / count;
        assertThat(greedy).allSatisfy(share -> assertThat(share.held()).isBetween(equal - 2, equal + 2));
        assertThat(whole.held()).isLessThan(100_000);
    }

    @Test
    void whoeverComesLaterHoldsTheEarlierOneBack() {
        Share whole = Share.of(100_000);
        Share early = whole.part();
        contend(FACTOR, List.of(early));
        assertThat(early.isOver(FACTOR)).isFalse();
        Share late = whole.part();
        assertThat(late.may(1, FACTOR)).isTrue();
        late.take(1000);
        assertThat(early.may(1, FACTOR)).isFalse();
        assertThat(early.isOver(FACTOR)).isTrue();
        turnOver(List.of(late, early));
        assertThat(late.held()).isBetween(44_400L, 44_500L);
        assertThat(early.held()).isBetween(44_400L, 44_500L);
    }

    @Test
    void thresholdsDoNotApplyBelowTheGuaranteeButTheBoundDoes() {
        Share whole = Share.of(6400);
        whole.take(6350);
        Share part = whole.part();
        assertThat(part.guaranteed()).isEqualTo(100);
        assertThat(part.may(50, 0)).isTrue();
        assertThat(part.may(51, 0)).isFalse();
        assertThat(part.isGuaranteed(100)).isTrue();
        assertThat(part.isEntitled(100, 0)).isTrue();
        assertThat(part.isEntitled(101, 0)).isFalse();
    }

    @Test
    void theLastOfItIsForThoseBelowTheirGuarantee() {
        Share whole = Share.of(6400);
        List<Share> parts = parts(whole, 20);
        contend(1000, parts.subList(0, 10));
        assertThat(whole.held()).isEqualTo(6300);
        contend(1000, parts.subList(10, 11));
        assertThat(parts.get(10).held()).isEqualTo(100);
        assertThat(whole.held()).isEqualTo(6400);
    }

    @Test
    void allGuaranteesTogetherAreHalfOfTheBoundAtMost() {
        for (int count = 1; count <= 300; count++) {
            Share whole = Share.of(256L << 20);
            List<Share> parts = parts(whole, count);
            long sum = 0;
            for (Share part : parts) {
                List<Share> machines = parts(part, 1 + count % 5);
                sum += machines.stream().mapToLong(Share::guaranteed).sum();
            }
            assertThat(sum).as("%d parts", count).isPositive().isLessThanOrEqualTo(whole.limit() / 2);
        }
    }

    @Test
    void theOnlyPartOfAPartMayHoldAllThatMay() {
        Share whole = Share.of(10_000);
        Share only = whole.part().part();
        contend(FACTOR, List.of(only));
        assertThat(only.held()).isBetween(7999L, 8001L);
    }

    @Test
    void manyPartsOfOnePartGainNothingAgainstAnother() {
        Share whole = Share.of(100_000);
        Share crowded = whole.part();
        Share quiet = whole.part();
        List<Share> greedy = new ArrayList<>(parts(crowded, 16));
        greedy.add(quiet.part());
        contend(FACTOR, greedy);
        assertThat(crowded.held()).as("sixteen are faster").isGreaterThan(quiet.held());
        turnOver(greedy);
        assertThat(quiet.held()).isBetween(44_000L, 45_000L);
        assertThat(crowded.held()).isLessThanOrEqualTo(quiet.held());
        long each = crowded.held() / 16;
        assertThat(greedy.subList(0, 16))
                .allSatisfy(share -> assertThat(share.held()).isBetween(each * 98 / 100, each * 102 / 100));
    }

    @Test
    void aPartThatFindsItsWholesPartTakenHasItsGuarantee() {
        Share whole = Share.of(64_000);
        Share link = whole.part();
        Share greedy = link.part();
        contend(FACTOR, List.of(greedy));
        Share modest = link.part();
        assertThat(link.may(1, FACTOR)).isFalse();
        assertThat(modest.guaranteed()).isEqualTo(500);
        assertThat(modest.may(500, FACTOR)).isTrue();
        assertThat(modest.may(501, FACTOR)).isFalse();
    }

    @Test
    void withoutPartsTheWholeIsBoundedByTheLimitOnly() {
        Share whole = Share.of(100);
        assertThat(whole.may(100, 1)).isTrue();
        whole.take(100);
        assertThat(whole.may(1, 16)).isFalse();
        assertThat(whole.isOver(1)).isFalse();
    }

    @Test
    void wholesAlwaysHoldWhatTheirPartsHoldWhoeverComesAndGoes() {
        for (long seed = 1; seed <= 30; seed++) {
            Random random = new Random(seed);
            Share whole = Share.of(10_000);
            List<Share> leaves = new ArrayList<>();
            for (Share link : parts(whole, 4)) {
                leaves.addAll(parts(link, 1 + random.nextInt(4)));
            }
            long[] held = new long[leaves.size()];
            for (int step = 0; step < 2000; step++) {
                int i = random.nextInt(leaves.size());
                long count = 1 + random.nextInt(300);
                if (random.nextInt(3) > 0) {
                    if (leaves.get(i).may(count, 1 + random.nextInt(16))) {
                        leaves.get(i).take(count);
                        held[i] += count;
                    }
                } else {
                    count = Math.min(count, held[i]);
                    leaves.get(i).give(count);
                    held[i] -= count;
                }
                long sum = 0;
                for (int k = 0; k < held.length; k++) {
                    assertThat(leaves.get(k).held()).isEqualTo(held[k]);
                    sum += held[k];
                }
                assertThat(whole.held())
                        .as("seed %d, step %d", seed, step)
                        .isEqualTo(sum)
                        .isLessThanOrEqualTo(10_000);
            }
            for (int i = 0; i < held.length; i++) {
                leaves.get(i).end(); // before it has given everything back
                leaves.get(i).give(held[i]);
            }
            assertThat(whole.held()).as("seed %d", seed).isZero();
        }
    }

    @Test
    void refusalsAreCountedWhereTheyHappen() {
        Share whole = Share.of(10);
        Share part = whole.part();
        part.refused();
        assertThat(part.refusals()).isEqualTo(1);
        assertThat(whole.refusals()).isZero();
    }
}
