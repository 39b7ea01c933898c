package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NetworkWatchTest {
    private static final int NEW_LINK = 16;
    private static final int NEW_ADDRESS = 20;
    private static final int DELETED_ROUTE = 25;

    private final MemorySegment s = MemorySegment.ofArray(new long[64]);
    private int end;

    private void message(int type, int... body) {
        s.set(ValueLayout.JAVA_INT_UNALIGNED, end, 16 + body.length);
        s.set(ValueLayout.JAVA_SHORT_UNALIGNED, end + 4L, (short) type);
        for (int i = 0; i < body.length; i++) {
            s.set(ValueLayout.JAVA_BYTE, end + 16L + i, (byte) body[i]);
        }
        end += 16 + (body.length + 3 & ~3);
    }

    private boolean concerns() {
        return NetworkWatch.concerns(s, end);
    }

    @Test
    void globalAddressesAndRoutesThatSomebodyMadeCount() {
        message(NEW_ADDRESS, 2, 24, 0, 0, 1, 0, 0, 0);
        assertThat(concerns()).isTrue();
        end = 0;
        message(DELETED_ROUTE, 2, 0, 0, 0, 254, 3, 0, 1);
        assertThat(concerns()).isTrue();
    }

    /** As with each container that starts beside us. */
    @Test
    void linkLocalAddressesAndTheKernelsOwnRoutesDoNot() {
        message(NEW_LINK, 0, 0, 1, 0, 1, 0, 0, 0);
        message(NEW_ADDRESS, 10, 64, 0, 253, 1, 0, 0, 0);
        message(DELETED_ROUTE, 10, 64, 0, 0, 254, 2, 0, 1);
        message(DELETED_ROUTE, 2, 32, 0, 0, 255, 4, 254, 3);
        assertThat(concerns()).isFalse();
        message(NEW_ADDRESS, 2, 24, 0, 0, 1, 0, 0, 0);
        assertThat(concerns()).isTrue();
    }

    @Test
    void rubbishIsReadWithinItsBounds() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            for (int at = 0; at < 128; at += 4) {
                s.set(ValueLayout.JAVA_INT_UNALIGNED, at, random.nextBoolean() ? random.nextInt(40) : random.nextInt());
            }
            MemorySegment cut = s.asSlice(0, random.nextInt(128));
            boolean _ = NetworkWatch.concerns(cut, (int) cut.byteSize());
        }
    }
}
