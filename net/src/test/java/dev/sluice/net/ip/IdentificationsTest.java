package dev.sluice.net.ip;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Numbers of packets tell nobody what others are sent (RFC 7739). */
class IdentificationsTest {
    private static final int OTHERS = 100;

    private final Identifications identifications = new Identifications(new Random(7));

    @Test
    void aDestinationSeesOneAfterTheOtherWhateverOthersAreSent() {
        int sharing = 0;
        for (int address = 1; address <= OTHERS; address++) {
            int before = identifications.next(1, 0);
            identifications.next(1, address);
            int after = identifications.next(1, 0);
            sharing += after == before + 1 ? 0 : 1;
        }
        assertThat(sharing)
                .as("of a hundred others, those that share a counter")
                .isLessThan(3);
    }

    @Test
    void itComesRound() {
        int first = identifications.next(1, 2);
        for (int packet = 1; packet < 70_000; packet++) {
            assertThat(identifications.next(1, 2)).isEqualTo(first + packet);
        }
    }

    @Test
    void whereOneBeginsTellsNothingOfWhereAnotherDoes() {
        Set<Integer> distances = new HashSet<>();
        int before = identifications.next(0, 0);
        for (int address = 1; address <= OTHERS; address++) {
            int begin = identifications.next(0, address);
            distances.add(begin - before & 0xffff);
            before = begin;
        }
        assertThat(distances).hasSizeGreaterThan(OTHERS - 5);
    }

    @Test
    void anotherRunBeginsElsewhere() {
        assertThat(new Identifications(new Random(8)).next(1, 2)).isNotEqualTo(identifications.next(1, 2));
    }
}
