package dev.sluice.gateway;

import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.FlowInfo;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The conversations of guests, live, for any thread. Calls wait for the loop. */
public final class Flows {
    /** Described in one turn of the loop, so that thousands do not hold up the guests' traffic: about a microsecond each. */
    private static final int PER_TURN = 128;
    /** Turns without anything new after which nothing more is to come: a frame may be the answer to one of ours. */
    private static final int QUIET_TURNS = 2;

    private static final Duration PAUSE = Duration.ofMillis(5);

    private final GuestNetwork network;
    private final OnLoop loop;

    Flows(GuestNetwork network, OnLoop loop) {
        this.network = network;
        this.loop = loop;
    }

    /** All flows there are, in the order they began. Each is described as it was at some moment of the call. */
    public List<FlowInfo> list() throws IOException {
        List<Flow> all = loop.call(() -> {
            List<Flow> flows = new ArrayList<>(network.tcp.size() + network.udp.size() + 16);
            network.forEachFlow(flows::add);
            return flows;
        });
        List<FlowInfo> described = new ArrayList<>(all.size());
        for (int from = 0; from < all.size(); from += PER_TURN) {
            List<Flow> part = all.subList(from, Math.min(all.size(), from + PER_TURN));
            loop.run(() -> {
                long now = network.loop.now();
                for (Flow flow : part) {
                    if (!flow.isOver()) {
                        described.add(flow.info(now));
                    }
                }
            });
        }
        described.sort((a, b) -> Long.compare(a.id(), b.id()));
        described.replaceAll(network.events::named);
        return described;
    }

    /** One flow; empty if there is none with this id. */
    public Optional<FlowInfo> find(long id) throws IOException {
        return loop.call(() -> live(id).map(flow -> network.events.named(flow.info(network.loop.now()))));
    }

    /**
     * Ends a flow: TCP with a reset to both sides.
     *
     * @return how it was; empty if there is none with this id
     */
    public Optional<FlowInfo> cut(long id) throws IOException {
        return loop.call(() -> {
            long now = network.loop.now();
            Optional<Flow> flow = live(id);
            Optional<FlowInfo> info = flow.map(found -> network.events.named(found.info(now)));
            flow.ifPresent(found -> found.cut(now));
            return info;
        });
    }

    /**
     * Waits, once guests are gone, for what they said last: a process that ends leaves its system bytes to send, and datagrams may still be on
     * their way here. Returns when the host has it all, or when it does not take the rest; guests that are there never end.
     *
     * @param still how long nothing may move
     * @param most how long in all
     * @return streams that were not finished; 0 if all is well
     * @throws IOException if the gateway has ended, or the thread is interrupted
     */
    public int awaitSent(Duration still, Duration most) throws IOException {
        long began = System.nanoTime();
        long lastMove = began;
        GuestNetwork.Sending before = loop.call(network::sending);
        for (int quiet = 0; quiet < QUIET_TURNS; ) {
            if (before.streams() > 0) {
                pause();
            }
            GuestNetwork.Sending seen = loop.call(network::sending);
            long now = System.nanoTime();
            if (before.moved() != seen.moved() || seen.frames()) {
                lastMove = now;
                quiet = 0;
            } else if (seen.streams() == 0 && before.turns() != seen.turns()) {
                quiet++;
            }
            if (now - lastMove > still.toNanos() || now - began > most.toNanos()) {
                return seen.streams();
            }
            before = seen;
        }
        return 0;
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for what guests said last", e);
        }
    }

    private Optional<Flow> live(long id) {
        List<Flow> found = new ArrayList<>(1);
        network.forEachFlow(flow -> {
            if (flow.traffic().id == id) {
                found.add(flow);
            }
        });
        return found.stream().findFirst();
    }
}
