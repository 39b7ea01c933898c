package dev.sluice.link.vmnet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.Ipv4Address;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class VmnetHandshakeTest {
    private static final String UUID_A = "d1d9cd61-d0dc-4715-9bb3-4c11da7ad7a5";
    private static final String INIT = "564d4e3354" + "16000000";

    private final VmnetTable table = new VmnetTable(
            Ipv4Address.parse("192.168.65.3"),
            Ipv4Address.parse("192.168.65.254"),
            Set.of(Ipv4Address.parse("192.168.65.1")),
            AddressClaims.NONE,
            UUID::randomUUID);
    private VmnetHandshake handshake = new VmnetHandshake(table, 1500);

    private static byte[] init(String versionHex) {
        byte[] init = Arrays.copyOf(HexFormat.of().parseHex("564d4e3354" + versionHex), 49);
        Arrays.fill(init, 9, 49, (byte) '0');
        return init;
    }

    private static byte[] command(int type, String uuid, String addressHex) {
        byte[] command = new byte[41];
        command[0] = (byte) type;
        byte[] text = uuid.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(text, 0, command, 1, text.length);
        System.arraycopy(HexFormat.of().parseHex(addressHex), 0, command, 37, 4);
        return command;
    }

    private byte[] feed(byte[] bytes) {
        assertThat(bytes.length).isLessThanOrEqualTo(handshake.wanted());
        return handshake.feed(bytes, 0, bytes.length);
    }

    private byte[] answerTo(byte[] command) {
        handshake = new VmnetHandshake(table, 1500);
        feed(init("16000000"));
        return feed(command);
    }

    private VmnetIdentity identity() {
        return java.util.Objects.requireNonNull(handshake.identity());
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    @Test
    void aGuestIsGreetedAndToldItsAddress() {
        byte[] hello = feed(init("16000000"));
        assertThat(hex(hello)).isEqualTo(INIT + "30313233343536373839".repeat(4));
        byte[] vif = feed(command(1, UUID_A, "deadbeef"));
        assertThat(hex(vif)).isEqualTo("01" + "dc05" + "0e06" + "025000000001" + "00".repeat(247));
        assertThat(handshake.state()).isEqualTo(VmnetHandshake.State.DONE);
        assertThat(handshake.wanted()).as("frames are not its business").isZero();
        assertThat(handshake.identity())
                .isEqualTo(new VmnetIdentity(
                        UUID.fromString(UUID_A),
                        new dev.sluice.wire.MacAddress(0x0250_0000_0001L),
                        Ipv4Address.parse("192.168.65.3")));
    }

    @Test
    void itWorksOneByteAtATime() {
        ByteArrayOutputStream answers = new ByteArrayOutputStream();
        for (byte[] part : new byte[][] {init("16000000"), command(8, UUID_A, "fa41a8c0")}) {
            for (byte b : part) {
                answers.writeBytes(feed(new byte[] {b}));
            }
        }
        assertThat(answers.size()).isEqualTo(49 + 258);
        assertThat(identity().address()).hasToString("192.168.65.250");
    }

    @Test
    void refusalsHaveTheirExactBytes() {
        answerTo(command(8, UUID_A, "fa41a8c0"));
        String other = "00000000-0000-0000-0000-000000000001";
        assertRefusal(
                answerTo(command(8, UUID_A, "fb41a8c0")),
                "UUID already assigned to a different IP than the IP requested by the client");
        assertRefusal(answerTo(command(8, other, "fa41a8c0")), "Preferred IP address 192.168.65.250 already used.");
        assertRefusal(answerTo(command(8, other, "0100000a")), "Preferred IP address out of range.");
        assertRefusal(answerTo(command(8, other, "ff41a8c0")), "Preferred IP address out of range.");
    }

    private void assertRefusal(byte[] answer, String text) {
        byte[] expected = new byte[258];
        expected[0] = 2;
        expected[1] = (byte) text.length();
        System.arraycopy(text.getBytes(StandardCharsets.US_ASCII), 0, expected, 2, text.length());
        assertThat(answer).isEqualTo(expected);
        assertThat(handshake.state()).isEqualTo(VmnetHandshake.State.FAILED);
        assertThat(handshake.failure()).isEqualTo(text);
    }

    @Test
    void anotherVersionIsAnsweredAndThenDropped() {
        assertThat(hex(feed(init("17000000")))).startsWith(INIT);
        assertThat(handshake.state()).isEqualTo(VmnetHandshake.State.FAILED);
        assertThat(handshake.failure()).contains("version 23");
    }

    @Test
    void theMagicIsNotJudged() {
        byte[] init = init("16000000");
        init[0] = 'X';
        feed(init);
        assertThat(handshake.state()).isEqualTo(VmnetHandshake.State.COMMAND);
    }

    @Test
    void whatIsNoUuidIsDroppedWithoutAnAnswer() {
        for (String name :
                new String[] {"not a uuid", UUID_A.replace('-', '_'), "1-1-1-1-1", "\u0001" + UUID_A.substring(1)}) {
            assertThat(answerTo(command(1, name, "00000000"))).isEmpty();
            assertThat(handshake.failure()).startsWith("Invalid UUID: ").doesNotContain("\u0001");
        }
    }

    @Test
    void unknownCommandsAreDroppedWithoutAnAnswer() {
        for (int type : new int[] {0, 2, 6, 7, 9, 255}) {
            assertThat(answerTo(command(type, UUID_A, "00000000"))).isEmpty();
            assertThat(handshake.failure()).isEqualTo("Unknown command: " + type);
        }
    }

    @Test
    void aGuestWithoutAUuidGetsOne() {
        assertThat(answerTo(command(1, "\0".repeat(36), "00000000"))[0]).isEqualTo((byte) 1);
        UUID first = identity().uuid();
        answerTo(command(1, "\0".repeat(36), "00000000"));
        assertThat(identity().uuid()).isNotEqualTo(first);
    }

    @Test
    void upperCaseIsTheSameUuid() {
        answerTo(command(1, UUID_A, "00000000"));
        VmnetIdentity lower = handshake.identity();
        answerTo(command(1, UUID_A.toUpperCase(java.util.Locale.ROOT), "00000000"));
        assertThat(handshake.identity()).isEqualTo(lower);
    }

    @Test
    void noBytesMakeItFail() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 10_000; round++) {
            handshake = new VmnetHandshake(table, 1500);
            byte[] all = new byte[90];
            System.arraycopy(init("16000000"), 0, all, 0, 49);
            System.arraycopy(command(random.nextInt(10), UUID_A, "00000000"), 0, all, 49, 41);
            for (int i = random.nextInt(4); i > 0; i--) {
                all[random.nextInt(90)] = (byte) random.nextInt();
            }
            int at = 0;
            while (handshake.wanted() > 0) {
                int n = Math.min(handshake.wanted(), 1 + random.nextInt(60));
                handshake.feed(all, at, n);
                at += n;
            }
            assertThat(handshake.state())
                    .as("seed " + seed)
                    .isIn(VmnetHandshake.State.DONE, VmnetHandshake.State.FAILED);
        }
    }
}
