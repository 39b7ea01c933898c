package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.TcpHeader;
import org.junit.jupiter.api.Test;

class ListeningTest {
    /** RFC 9293 §3.10.7.2: first RST, second ACK, third SYN, fourth everything else. */
    @Test
    void everyCombinationOfFlagsMeansWhatTheStandardSays() {
        for (int flags = 0; flags < 256; flags++) {
            Listening right = (flags & TcpHeader.RST) != 0
                    ? Listening.IGNORE
                    : (flags & TcpHeader.ACK) != 0
                            ? Listening.RESET
                            : (flags & TcpHeader.SYN) != 0 ? Listening.OPEN : Listening.IGNORE;
            assertThat(Listening.on(flags)).as("flags %x", flags).isEqualTo(right);
        }
    }
}
