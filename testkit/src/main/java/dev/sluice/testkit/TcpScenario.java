package dev.sluice.testkit;

import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.Tcb;
import dev.sluice.stack.tcp.TcpProfile;
import java.lang.foreign.MemorySegment;
import java.util.random.RandomGenerator;

/**
 * Two TCP connections talking over a bad link, everything chosen by a seed: family, profiles, buffers, initial sequence numbers, link, users.
 * {@link #run} ends when both have ended, and fails if anything was untrue of TCP on the way.
 */
public final class TcpScenario {
    private static final long SECOND = 1_000_000_000L;
    private static final long LONGEST = 48 * 3600 * SECOND;
    private static final long MOST_STEPS = 5_000_000;
    /** RFC 8200 §5, both headers, and RFC 9293 §3.7.1. */
    private static final int LEAST_MTU_6 = 1280;

    private static final int HEADERS_6 = 60;
    private static final int DEFAULT_MSS_6 = 1220;
    private static final int[] ISNS = {0, Integer.MAX_VALUE, Integer.MIN_VALUE, -2, -20_000};

    private final long seed;
    private final Ends ends;
    private final Simulation simulation;
    private final CountedMemory memory = new CountedMemory();
    private final SimulatedHost client;
    private final SimulatedHost server;
    private final boolean simultaneous;

    @Override
    public String toString() {
        return client + "\n" + server;
    }

    /** Who talks to whom. */
    public enum Ends {
        ANY,
        LAN_TO_LAN,
        GUEST_TO_LAN
    }

    /** What a run showed. */
    public record Outcome(long steps, long virtualNanos, long bytes, long retransmits, boolean aborted) {}

    private static final class CountedMemory implements NativeMemory {
        private final NativeMemory arenas = NativeMemory.ofArenas();
        private int blocks;

        @Override
        public MemorySegment allocate(long bytes) {
            blocks++;
            return arenas.allocate(bytes);
        }

        @Override
        public void free(MemorySegment block) {
            blocks--;
            arenas.free(block);
        }
    }

    /** The scenario of this seed, between any two profiles. */
    public TcpScenario(long seed) {
        this(seed, Ends.ANY);
    }

    /** The scenario of this seed. */
    public TcpScenario(long seed, Ends ends) {
        this.seed = seed;
        this.ends = ends;
        RandomGenerator choice = new Simulation(~seed, 0).random();
        // Virtual time starts anywhere, also where nanoTime would be negative or a timestamp about to wrap.
        simulation = new Simulation(seed, choice.nextLong(1L << 52) - (1L << 51));
        boolean abort = choice.nextInt(10) == 0;
        boolean clientAborts = abort && choice.nextBoolean();
        int closesLast = choice.nextInt(3);
        client = host("client", 1, 2, choice, clientAborts, closesLast == 1);
        server = host("server", 2, 1, choice, abort && !clientAborts, closesLast == 2);
        client.user.expect(server.user.salt(), server.user.total());
        server.user.expect(client.user.salt(), client.user.total());
        simultaneous = choice.nextInt(12) == 0;
        client.connect(new SimulatedLink(simulation, link(choice), server::receive)::send);
        server.connect(new SimulatedLink(simulation, link(choice), client::receive)::send);
    }

    private SimulatedHost host(
            String name, int address, int peer, RandomGenerator choice, boolean aborts, boolean closesLast) {
        long total = choice.nextInt(4) == 0 ? choice.nextInt(100) : choice.nextLong(1L << choice.nextInt(8, 19));
        SimulatedUser user = new SimulatedUser(simulation, choice.nextInt(), total, aborts, closesLast);
        long budget = choice.nextInt(4) == 0 ? (1 << 16) + choice.nextInt(1 << 17) : 16 << 20;
        int iss = choice.nextInt(3) == 0 ? choice.nextInt() : ISNS[choice.nextInt(ISNS.length)];
        return new SimulatedHost(
                name,
                address,
                peer,
                isIpv4(),
                simulation,
                profile(choice, address == 1),
                memory,
                budget,
                iss,
                choice.nextBoolean(),
                user);
    }

    private TcpProfile profile(RandomGenerator choice, boolean isClient) {
        int[] mtus = {104, 576, 1280, 1500, 1500, 1500, 9000, 65515};
        int mtu = mtus[choice.nextInt(mtus.length)];
        boolean guest = switch (ends) {
            case ANY -> choice.nextBoolean();
            case LAN_TO_LAN -> false;
            case GUEST_TO_LAN -> isClient;
        };
        TcpProfile base = guest ? TcpProfile.guest(mtu) : TcpProfile.lan(mtu);
        if (!isIpv4()) {
            base = base.withMss(Math.max(mtu, LEAST_MTU_6) - HEADERS_6, DEFAULT_MSS_6);
        }
        if (choice.nextBoolean()) {
            base = base.withBuffers(1 << choice.nextInt(14, 22), 1 << choice.nextInt(16, 22));
        }
        if (choice.nextBoolean()) {
            base = base.withSuperSegment(choice.nextBoolean() ? TcpProfile.MAX_SUPER_SEGMENT : 0)
                    .withNagle(choice.nextBoolean())
                    .withSack(choice.nextBoolean())
                    .withTimestamps(choice.nextBoolean())
                    .withRack(choice.nextBoolean())
                    .withEcn(TcpProfile.Ecn.values()[choice.nextInt(3)]);
            if (base.congestionControl() != TcpProfile.Congestion.ONE_HOP && choice.nextBoolean()) {
                base = base.withCongestionControl(TcpProfile.Congestion.NEW_RENO);
            }
        }
        if (choice.nextInt(5) == 0) {
            base = base.withKeepAlive(30 * SECOND, 5 * SECOND, 10);
        }
        // Only users end connections here.
        return base.withTimeouts(LONGEST, LONGEST, base.finWait2(), base.timeWait());
    }

    /** Every other seed is one of IPv6: other checksums and segment sizes. */
    private boolean isIpv4() {
        return (seed & 1) == 0;
    }

    private LinkModel link(RandomGenerator choice) {
        long delay = choice.nextInt(3) == 0 ? choice.nextLong(100_000_000) : choice.nextLong(200_000);
        if (choice.nextInt(5) == 0) {
            return new LinkModel(0, 0, 0, 0, 0, delay, 0, 0, 0, 0);
        }
        boolean rated = choice.nextInt(4) == 0;
        long dark = choice.nextInt(6) == 0 ? simulation.now() + choice.nextLong(SECOND) : 0;
        return new LinkModel(
                choice.nextInt(3) == 0 ? choice.nextInt(300) : choice.nextInt(30),
                choice.nextInt(60),
                choice.nextInt(30),
                choice.nextInt(3) == 0 ? choice.nextInt(400) : 0,
                choice.nextLong(10_000_000),
                delay,
                rated ? 100_000 + choice.nextLong(10_000_000) : 0,
                rated ? 20_000 + choice.nextInt(400_000) : 0,
                dark,
                dark == 0 ? 0 : dark + choice.nextLong(30 * SECOND));
    }

    /**
     * Runs to the end.
     *
     * @throws AssertionError with the seed, if something was untrue
     */
    public Outcome run() {
        long begin = simulation.now();
        try {
            client.open();
            if (simultaneous) {
                server.open();
            }
            while (!(client.isOver() && server.isOver())) {
                if (!simulation.step()) {
                    if (client.user.aborted() || server.user.aborted()) {
                        // The reset was lost, and who only waits never learns: without keep-alive TCP has no way to
                        // know.
                        client.tcb.release();
                        server.tcb.release();
                        break;
                    }
                    throw new AssertionError("Nothing happens any more");
                }
                client.checkAgainst(server);
                server.checkAgainst(client);
                if (simulation.now() - begin > LONGEST || simulation.steps() > MOST_STEPS) {
                    if (isForsaken(client, server) || isForsaken(server, client)) {
                        client.tcb.release();
                        server.tcb.release();
                        break;
                    }
                    throw new AssertionError("No end in sight");
                }
            }
            checkEnd();
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(
                    "Seed " + seed + " (" + ends + ", " + (isIpv4() ? "IPv4" : "IPv6") + ") after " + simulation.steps()
                            + " steps, " + (simulation.now() - begin) / 1_000_000 + " ms: " + e + "\n" + client + "\n"
                            + server,
                    e);
        }
        return new Outcome(
                simulation.steps(),
                simulation.now() - begin,
                client.user.got + server.user.got,
                client.shard.counters().retransmits + server.shard.counters().retransmits,
                client.user.aborted() || server.user.aborted());
    }

    /** As where nothing happens any more, but its user asks again and again for memory that out-of-order data holds. */
    private static boolean isForsaken(SimulatedHost host, SimulatedHost peer) {
        return peer.user.aborted()
                && host.tcb.deadline() == Long.MAX_VALUE
                && !host.tcb.wantsTransmit()
                && host.shard.buffers().refusals() > 0;
    }

    private void checkEnd() {
        boolean aborted = client.user.aborted() || server.user.aborted();
        if (!aborted) {
            for (SimulatedHost host : new SimulatedHost[] {client, server}) {
                SimulatedHost peer = host == client ? server : client;
                // A reader slower than the peer's TIME-WAIT may lose the end of the stream to a reset.
                if (!host.user.remoteClosed && !peer.forgot) {
                    throw new AssertionError(host.name + " did not see the end of the stream");
                }
                // A reset is right where the peer's memory of the connection ended before the last FIN got through.
                if ((host.events & (Tcb.Events.CLOSED | Tcb.Events.RESET)) == 0) {
                    throw new AssertionError(host.name + " did not close");
                }
            }
        }
        for (SimulatedHost host : new SimulatedHost[] {client, server}) {
            if (host.shard.buffers().inUse() != 0) {
                throw new AssertionError(
                        host.name + " still holds " + host.shard.buffers().inUse() + " bytes");
            }
            host.shard.close();
        }
        if (memory.blocks != 0) {
            throw new AssertionError(memory.blocks + " blocks of memory were not freed");
        }
    }
}
