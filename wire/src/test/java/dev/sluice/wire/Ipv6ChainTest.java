package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class Ipv6ChainTest {
    private static final int UDP = 17;
    private final Ipv6Chain chain = new Ipv6Chain();
    private final MemorySegment s = Arena.ofAuto().allocate(4096, 8);

    /** A packet whose payload is given in hexadecimal; returns its length. */
    private int packet(int next, String payload) {
        byte[] bytes = HexFormat.of().parseHex(payload.replace(" ", ""));
        Ipv6Header.write(s, 0, 0, 0, bytes.length, next, 64, 1, 2, 3, 4);
        MemorySegment.copy(bytes, 0, s, ValueLayout.JAVA_BYTE, 40, bytes.length);
        return 40 + bytes.length;
    }

    private Flaw walk(int next, String payload) {
        return chain.walk(s, 0, packet(next, payload));
    }

    @Test
    void withoutExtensionsTheUpperLayerFollowsTheHeader() {
        assertThat(walk(UDP, "0102030405060708")).isEqualTo(Flaw.NONE);
        assertThat(chain.protocol).isEqualTo(UDP);
        assertThat(chain.at).isEqualTo(40);
        assertThat(chain.length).isEqualTo(8);
        assertThat(chain.protocolField).isEqualTo(6);
        assertThat(chain.fragmentAt).isEqualTo(-1);
    }

    @Test
    void allKnownExtensionsAreWalkedToTheUpperLayer() {
        // hop-by-hop with a router alert, routing without segments left, destination options with padding, then UDP
        String hop = "2b00 0502 0000 0100";
        String routing = "3c00 0200 00000000";
        String options = "1100 0104 00000000";
        assertThat(walk(0, hop + routing + options + "aabbccdd")).isEqualTo(Flaw.NONE);
        assertThat(chain.protocol).isEqualTo(UDP);
        assertThat(chain.at).isEqualTo(64);
        assertThat(chain.length).isEqualTo(4);
        assertThat(chain.protocolField).isEqualTo(56);
        assertThat(chain.routerAlert).isTrue();
    }

    @Test
    void aFragmentHeaderIsFoundAndALaterFragmentsDataIsNotWalked() {
        assertThat(walk(44, "3c00 0001 00000007 1100 0104 00000000")).isEqualTo(Flaw.NONE);
        assertThat(chain.fragmentAt).isEqualTo(40);
        assertThat(chain.fragmentField).isEqualTo(6);
        assertThat(chain.protocol).isEqualTo(UDP);
        assertThat(walk(44, "3c00 0009 00000007 ffff ffff ffffffff")).isEqualTo(Flaw.NONE);
        assertThat(chain.protocol).isEqualTo(60);
        assertThat(chain.at).isEqualTo(48);
    }

    @Test
    void aFragmentWithinAFragmentIsRefused() {
        assertThat(walk(44, "2c00 0001 00000007 1100 0001 00000008 aabb")).isEqualTo(Flaw.BAD_FIELD);
    }

    @Test
    void aSourceRouteStillToBeFollowedIsRefusedWithItsPlace() {
        assertThat(walk(43, "1100 0001 00000000")).isEqualTo(Flaw.BAD_FIELD);
        assertThat(chain.problemAt).isEqualTo(42);
    }

    @Test
    void hopByHopOptionsCountInFrontOnly() {
        assertThat(walk(60, "0000 0104 00000000 1100 0104 00000000")).isEqualTo(Flaw.BAD_FIELD);
        assertThat(chain.problemAt).isEqualTo(40);
    }

    @Test
    void theActionBitsOfUnknownOptionsDecide() {
        assertThat(walk(60, "1100 1e04 00000000")).as("skip").isEqualTo(Flaw.NONE);
        assertThat(walk(60, "1100 5e04 00000000")).as("discard").isEqualTo(Flaw.BAD_OPTION);
        assertThat(chain.problemAt).isEqualTo(-1);
        assertThat(walk(60, "1100 9e04 00000000")).as("discard and tell").isEqualTo(Flaw.BAD_OPTION);
        assertThat(chain.problemAt).isEqualTo(42);
    }

    @Test
    void headersThatEndPastThePacketAreTruncated() {
        assertThat(walk(60, "1101 0104 00000000")).isEqualTo(Flaw.TRUNCATED);
        assertThat(walk(60, "1100 0105 00000000")).isEqualTo(Flaw.TRUNCATED);
        assertThat(walk(44, "1100 0001")).isEqualTo(Flaw.TRUNCATED);
        assertThat(walk(0, "")).isEqualTo(Flaw.TRUNCATED);
    }

    @Test
    void longChainsAndManyOptionsEnd() {
        assertThat(walk(60, "3c00 0104 00000000".repeat(40))).isEqualTo(Flaw.BAD_LENGTH);
        assertThat(walk(60, "1103" + "1e00".repeat(15))).isEqualTo(Flaw.BAD_LENGTH);
        assertThat(walk(60, "1103" + "0100".repeat(15))).as("padding").isEqualTo(Flaw.NONE);
    }

    @Test
    void damagedChainsGetAVerdictAndStayInside() {
        byte[] all = Mutations.written(80, t -> {
            packet(0, "2b00 0502 0000 0100 2c00 0200 00000000 3c00 0001 00000007 1100 0104 00000000 aabbccddeeff0011");
            MemorySegment.copy(s, 0, t, 0, 80);
        });
        Mutations.run(610, List.of(all), (t, at, length) -> {
            if (Ipv6Header.check(t, at, length) == Flaw.NONE) {
                Flaw flaw = chain.walk(t, at, length);
                assertThat(chain.at + chain.length).isLessThanOrEqualTo(at + length);
                assertThat(chain.length).isNotNegative();
                if (flaw == Flaw.NONE) {
                    Checksum.add(0, t, chain.at, chain.length);
                    assertThat(Bytes.u8(t, chain.protocolField)).isEqualTo(chain.protocol);
                }
            }
        });
    }
}
