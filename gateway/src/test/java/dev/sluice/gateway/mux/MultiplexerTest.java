package dev.sluice.gateway.mux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.testkit.VirtualLoop;
import dev.sluice.wire.IpAddress;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Channels through a carrier in memory, in virtual time. */
class MultiplexerTest {
    private static final MuxTarget WEB = new MuxTarget.Tcp(IpAddress.parse("127.0.0.1"), 80);
    private static final String WEB_HEX = "1100 01 %s 02 01 0400 7f000001 5000";
    private final MemorySegment memory = Arena.ofAuto().allocate(2 << 20);
    private final VirtualLoop loop = new VirtualLoop(1);
    private final Side host = new Side();
    private final Side agent = new Side();

    /** One side, its owner, and the channels it was asked for. */
    private final class Side implements Multiplexer.Owner {
        Multiplexer mux;
        final List<User> asked = new ArrayList<>();
        String end = "";
        boolean accepts = true;
        boolean silent;

        void start(Generation generation, StreamPair.End carrier) {
            mux = new Multiplexer(loop, generation, new byte[0], this);
            carrier.events = mux.events();
            mux.carryConnected(carrier);
        }

        User open() {
            User user = new User();
            user.channel = mux.open(WEB, user);
            return user;
        }

        @Override
        public void onOpen(Channel channel) {
            User user = new User();
            user.channel = channel;
            asked.add(user);
            if (accepts) {
                user.said.append("connected ");
                channel.accept(user);
            } else if (!silent) {
                channel.close();
            }
        }

        @Override
        public void onEnd(String reason) {
            end = reason;
        }
    }

    /** Whoever has a channel: writes what it is given, and reads all, or nothing. */
    private final class User implements StreamSocket.Events {
        Channel channel;
        final StringBuilder said = new StringBuilder();
        final ByteArrayOutputStream got = new ByteArrayOutputStream();
        boolean reads = true;
        byte[] toWrite = {};
        int written;
        boolean thenShutdown;

        void write(byte[] bytes) {
            toWrite = bytes;
            written = 0;
            onWritable();
        }

        @Override
        public void onConnected() {
            said.append("connected ");
            onWritable();
        }

        @Override
        public void onConnectFailed(HostError error) {
            said.append(error).append(' ');
        }

        @Override
        public void onReadable() {
            while (reads) {
                int n = channel.read(memory, 0, 50_000, 0, 0);
                if (n < 0) {
                    said.append(n == StreamSocket.END ? "end " : n == StreamSocket.FAILED ? "failed " : "");
                    return;
                }
                got.writeBytes(memory.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE));
            }
        }

        @Override
        public void onWritable() {
            while (written < toWrite.length) {
                int n = Math.min(1 << 20, toWrite.length - written);
                MemorySegment.copy(toWrite, written, memory, ValueLayout.JAVA_BYTE, 1 << 20, n);
                int m = channel.write(memory, 1 << 20, n, 0, 0);
                if (m < 0) {
                    said.append(m == StreamSocket.FAILED ? "failed " : "");
                    return;
                }
                written += m;
            }
            if (thenShutdown) {
                thenShutdown = false;
                channel.shutdownOutput();
            }
        }
    }

    private void connect(Generation one, Generation other, int room) {
        StreamPair pair = new StreamPair(loop, room);
        host.start(one, pair.left);
        agent.start(other, pair.right);
    }

    private void connect() {
        connect(Generation.PLAIN_HOST, Generation.PLAIN_AGENT, 1 << 20);
    }

    private void settle() {
        loop.advance(1_000_000);
    }

    private static byte[] bytes(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @ParameterizedTest
    @EnumSource
    void bytesGoBothWaysAndEndsToo(Generation generation) {
        Generation other = switch (generation) {
            case PLAIN_HOST -> Generation.PLAIN_AGENT;
            case PLAIN_AGENT -> Generation.PLAIN_HOST;
            case GREETING_CONNECTED -> Generation.GREETING_LISTENED;
            case GREETING_LISTENED -> Generation.GREETING_CONNECTED;
        };
        connect(generation, other, 1000);
        User client = host.open();
        client.toWrite = bytes(300_000, 1);
        client.thenShutdown = true;
        settle();
        User service = agent.asked.getFirst();
        assertThat(service.channel.target()).isEqualTo(WEB);
        assertThat(service.got.toByteArray()).isEqualTo(bytes(300_000, 1));
        assertThat(service.said).hasToString("connected end ");
        service.thenShutdown = true;
        service.write(bytes(200_000, 2));
        settle();
        assertThat(client.got.toByteArray()).isEqualTo(bytes(200_000, 2));
        assertThat(client.said).hasToString("connected end ");
        client.channel.close();
        settle();
        assertThat(service.said).as("an end in order, and nothing else").hasToString("connected end end ");
        service.channel.close();
        settle();
        assertThat(host.mux.size()).isZero();
        assertThat(agent.mux.size()).isZero();
        assertThat(host.mux.dropped() + agent.mux.dropped()).isZero();
    }

    @Test
    void bothSidesMayOpenAtOnce() {
        connect(Generation.GREETING_CONNECTED, Generation.GREETING_LISTENED, 1 << 20);
        List<User> mine = IntStream.range(0, 50).mapToObj(_ -> host.open()).toList();
        List<User> theirs = IntStream.range(0, 50).mapToObj(_ -> agent.open()).toList();
        mine.forEach(user -> user.toWrite = bytes(1000, 1));
        theirs.forEach(user -> user.toWrite = bytes(1000, 2));
        settle();
        assertThat(agent.asked).hasSize(50).allMatch(user -> user.got.size() == 1000);
        assertThat(host.asked).hasSize(50).allMatch(user -> user.got.size() == 1000);
        assertThat(host.end + agent.end).isEmpty();
    }

    @Test
    void aRefusedConnectionIsRefusedAtTheOpener() {
        connect();
        agent.accepts = false;
        User client = host.open();
        settle();
        assertThat(client.said).hasToString("REFUSED ");
        assertThat(host.mux.size() + agent.mux.size()).isZero();
    }

    /** An agent that hangs would else keep every client's socket for ever. */
    @Test
    void aConnectionThatIsNeverAnsweredIsGivenUpLikeLinuxWould() {
        connect();
        agent.accepts = false;
        agent.silent = true;
        User client = host.open();
        User left = host.open();
        settle();
        left.channel.close();
        loop.advance(Channel.PATIENCE - 2_000_000);
        assertThat(client.said).isEmpty();
        loop.advance(2_000_000);
        assertThat(client.said).hasToString("TIMED_OUT ");
        assertThat(left.said).isEmpty();
        agent.asked.forEach(user -> user.channel.close());
        settle();
        assertThat(host.mux.size() + agent.mux.size()).isZero();
    }

    @Test
    void aChannelThatNobodyReadsStopsItsSenderAndNoOther() {
        connect(Generation.PLAIN_HOST, Generation.PLAIN_AGENT, 4096);
        User stuck = host.open();
        settle();
        agent.asked.getFirst().reads = false;
        stuck.write(bytes(1_000_000, 3));
        settle();
        assertThat(stuck.written).isEqualTo(Channel.WINDOW);
        User free = host.open();
        free.toWrite = bytes(500_000, 4);
        settle();
        assertThat(agent.asked.get(1).got.toByteArray()).isEqualTo(bytes(500_000, 4));
        agent.asked.getFirst().reads = true;
        agent.asked.getFirst().onReadable();
        settle();
        assertThat(agent.asked.getFirst().got.toByteArray()).isEqualTo(bytes(1_000_000, 3));
    }

    @Test
    void aSlowCarrierStopsWritersUntilThereIsRoom() {
        StreamPair pair = new StreamPair(loop, 100);
        host.start(Generation.PLAIN_HOST, pair.left);
        List<User> users = IntStream.range(0, 20).mapToObj(_ -> host.open()).toList();
        agent.start(Generation.PLAIN_AGENT, pair.right);
        users.forEach(user -> user.toWrite = bytes(60_000, 5));
        settle();
        assertThat(agent.asked).hasSize(20).allMatch(user -> user.got.size() == 60_000);
    }

    @Test
    void closingTwiceShuttingDownAfterwardsAndLateDataHarmNothing() {
        connect();
        User client = host.open();
        settle();
        User service = agent.asked.getFirst();
        client.channel.shutdownOutput();
        client.channel.shutdownOutput();
        client.channel.close();
        client.channel.close();
        client.channel.shutdownOutput();
        service.write(bytes(10_000, 6)); // crosses the close
        settle();
        assertThat(service.said).contains("end ");
        MemorySegment one = Arena.ofAuto().allocate(1);
        assertThat(service.channel.write(one, 0, 1, 0, 0)).isEqualTo(StreamSocket.FAILED);
        service.channel.close();
        settle();
        assertThat(host.mux.size() + agent.mux.size()).isZero();
        User next = host.open();
        next.toWrite = bytes(10, 7);
        settle();
        assertThat(agent.asked.get(1).got.size()).isEqualTo(10);
    }

    /** Whoever has the channel may keep it for ever. */
    @Test
    void aCloseIsAnsweredAtOnceAndNothingFollowsTheAnswer() {
        connect();
        User client = host.open();
        settle();
        agent.asked.getFirst().channel.close();
        settle();
        assertThat(host.mux.size() + agent.mux.size()).isZero();
        client.channel.shutdownOutput();
        client.channel.close();
        settle();
        assertThat(agent.mux.dropped()).as("of what nobody waits for").isZero();
    }

    @Test
    void aCloseIsAnsweredOnceWhatCameBeforeItWasRead() {
        connect();
        User client = host.open();
        client.reads = false;
        settle();
        User service = agent.asked.getFirst();
        service.write(bytes(60_000, 11));
        service.channel.close();
        settle();
        assertThat(host.mux.size()).as("its buffer counts").isOne();
        client.reads = true;
        client.onReadable();
        settle();
        assertThat(client.got.size()).isEqualTo(60_000);
        assertThat(host.mux.size() + agent.mux.size()).isZero();
        assertThat(agent.mux.dropped()).as("of what nobody waits for").isZero();
    }

    @Test
    void aCloseIntoAStreamThatGoesOnIsAResetAfterWhatCameBeforeIt() {
        connect();
        User client = host.open();
        settle();
        User service = agent.asked.getFirst();
        service.write(bytes(100, 9));
        service.channel.close();
        settle();
        assertThat(client.got.size()).isEqualTo(100);
        assertThat(client.said).as("no end in order").hasToString("connected failed ");
        assertThat(client.channel.broken()).isTrue();
        client.write(bytes(1, 10));
        assertThat(client.said).hasToString("connected failed failed ");
    }

    @Test
    void aCloseAfterAnEndLeavesTheEndAndBreaksWhatIsStillToBeSaid() {
        connect();
        User client = host.open();
        settle();
        User service = agent.asked.getFirst();
        service.channel.shutdownOutput();
        settle();
        assertThat(client.channel.broken()).isFalse();
        service.channel.close();
        settle();
        assertThat(client.said).hasToString("connected end end ");
        assertThat(client.channel.broken()).isTrue();
        client.write(bytes(1, 10));
        assertThat(client.said).endsWith("failed ");
    }

    /** It waits for a window that never comes. */
    @Test
    void aCloseWakesAWriterWhoThenFails() {
        connect();
        User client = host.open();
        settle();
        User service = agent.asked.getFirst();
        service.reads = false;
        client.write(bytes(Channel.WINDOW + 1, 12));
        settle();
        service.channel.close();
        settle();
        assertThat(client.said).hasToString("connected failed failed ");
    }

    @Test
    void aBrokenCarrierBreaksItsChannelsAfterWhatHadCome() {
        StreamPair pair = new StreamPair(loop, 1 << 20);
        host.start(Generation.PLAIN_HOST, pair.left);
        agent.start(Generation.PLAIN_AGENT, pair.right);
        User client = host.open();
        settle();
        agent.asked.getFirst().reads = false;
        client.write(bytes(100, 8));
        settle();
        pair.left.close();
        settle();
        assertThat(agent.end).contains("closed the connection");
        User service = agent.asked.getFirst();
        service.reads = true;
        service.onReadable();
        assertThat(service.got.size()).isEqualTo(100);
        assertThat(service.said).endsWith("failed ");
        User late = agent.open();
        settle();
        assertThat(late.said).hasToString("NO_RESOURCES ");
    }

    @Test
    void channelsBeyondTheLimitAreClosedAtOnce() {
        connect();
        agent.accepts = true;
        for (int i = 0; i < Multiplexer.MAX_CHANNELS; i++) {
            host.open();
        }
        User late = host.open();
        settle();
        assertThat(late.said).hasToString("NO_RESOURCES ");
        assertThat(agent.mux.size()).isEqualTo(Multiplexer.MAX_CHANNELS);
        assertThat(host.end + agent.end).isEmpty();
    }

    // ---- A peer that is not what it should be

    /** Speaks to a multiplexer byte by byte. */
    private final class Raw implements StreamSocket.Events {
        final StreamPair pair = new StreamPair(loop, 4 << 20);

        Raw(Generation generation) {
            pair.right.events = this;
            host.start(generation, pair.left);
        }

        void send(String hex) {
            byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
            send(bytes);
        }

        void send(byte[] bytes) {
            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
            pair.right.write(memory, 0, bytes.length, 0, 0);
            settle();
        }

        String heard() {
            int n = pair.right.read(memory, 0, 1 << 20, 0, 0);
            return n < 0
                    ? "" + n
                    : HexFormat.of().formatHex(memory.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE));
        }

        @Override
        public void onConnected() {}

        @Override
        public void onConnectFailed(HostError error) {}

        @Override
        public void onReadable() {}

        @Override
        public void onWritable() {}
    }

    @Test
    void theOpenerSendsOpenAndWindowAndTheAcceptorWindow() {
        Raw raw = new Raw(Generation.PLAIN_HOST);
        host.open();
        settle();
        assertThat(raw.heard()).isEqualTo("110001ffffff7f020104007f0000015000" + "0f0005ffffff7f0000010000000000");
        raw.send(WEB_HEX.formatted("03000000"));
        assertThat(raw.heard()).isEqualTo("0f000503000000" + "0000010000000000");
    }

    @Test
    void theGreetingComesFirst() {
        Raw raw = new Raw(Generation.GREETING_LISTENED);
        settle();
        String greeting = HexFormat.of()
                        .formatHex("https://github.com/moby/vpnkit multiplexer protocol\n"
                                .getBytes(StandardCharsets.US_ASCII))
                + "0000";
        assertThat(raw.heard()).isEqualTo(greeting);
        raw.send(greeting.substring(0, greeting.length() - 4));
        raw.send("0300 aabbcc" + WEB_HEX.formatted("ffffffff"));
        assertThat(raw.heard()).isEqualTo("0f0005ffffffff" + "0000010000000000");
        assertThat(host.asked).hasSize(1);
    }

    @Test
    void anotherGreetingEndsIt() {
        Raw raw = new Raw(Generation.GREETING_CONNECTED);
        raw.send("HTTP/1.1 400 Bad Request\r\nServer: something else\r\n\r\n..".getBytes(StandardCharsets.US_ASCII));
        assertThat(host.end).contains("no multiplexer").contains("HTTP/1.1 400 Bad Request..Server");
    }

    @Test
    void framesForUnknownChannelsAreDropped() {
        Raw raw = new Raw(Generation.PLAIN_HOST);
        raw.send("0b00 04 08000000 03000000 010203" + "0700 03 08000000" + "0f00 05 08000000 0000000000000001"
                + "0700 02 08000000");
        assertThat(host.end).isEmpty();
        assertThat(host.mux.dropped()).isEqualTo(4);
        raw.send(WEB_HEX.formatted("03000000"));
        assertThat(host.asked).hasSize(1);
    }

    @Test
    void dataBeyondTheWindowEndsIt() {
        Raw raw = new Raw(Generation.PLAIN_HOST);
        raw.send(WEB_HEX.formatted("03000000"));
        raw.send("0b00 04 03000000 01000100 00");
        assertThat(host.end).contains("more than the window");
        assertThat(host.asked.getFirst().said).endsWith("failed ");
    }

    @Test
    void whatIsNoFrameEndsIt() {
        for (String hex : List.of("0000", "0600 02 060000", "0800 02 06000000 00", "0700 09 06000000", "ffff")) {
            host.end = "";
            new Raw(Generation.PLAIN_HOST).send(hex);
            assertThat(host.end).as(hex).isNotEmpty();
        }
        host.end = "";
        Raw twice = new Raw(Generation.PLAIN_HOST);
        twice.send(WEB_HEX.formatted("03000000") + WEB_HEX.formatted("03000000"));
        assertThat(host.end).contains("twice");
    }

    @Test
    void anOpenThatCannotBeUnderstoodIsClosed() {
        Raw raw = new Raw(Generation.PLAIN_HOST);
        raw.send("0900 01 05000000 02 07");
        assertThat(raw.heard()).isEqualTo("07000205000000");
        assertThat(host.end).isEmpty();
    }

    @Test
    void noBytesBreakMoreThanTheirOwnMultiplexer() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            Raw raw = new Raw(Generation.PLAIN_HOST);
            StringBuilder hex = new StringBuilder();
            for (int i = 0; i < 30; i++) {
                String id = "0%d000000".formatted(random.nextInt(4));
                hex.append(
                        switch (random.nextInt(7)) {
                            case 0 -> WEB_HEX.formatted(id);
                            case 1 -> "070002" + id;
                            case 2 -> "070003" + id;
                            case 3 -> "0b0004" + id + "02000000" + "abcd";
                            case 4 -> "0f0005" + id + HexFormat.of().formatHex(bytes(8, random.nextInt()));
                            case 5 -> "0b0004" + id + "00000000";
                            default -> HexFormat.of().formatHex(bytes(random.nextInt(20), random.nextInt()));
                        });
            }
            String all = hex.toString().replace(" ", "");
            raw.send(all.substring(0, random.nextInt(all.length() / 2) * 2));
            host.asked.forEach(user -> user.channel.close());
            raw.pair.right.close();
            settle();
            assertThat(host.end).as("seed " + seed).isNotEmpty();
            assertThat(host.mux.size()).as("seed " + seed).isZero();
            host.asked.clear();
            host.end = "";
        }
    }
}
