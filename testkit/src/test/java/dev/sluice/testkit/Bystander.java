package dev.sluice.testkit;

import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.LinkHandler;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A host in virtual time on a cable whose other end the test holds: it sees every frame and sends what it likes. */
final class Bystander implements LinkHandler {
    static final MacAddress HOST_MAC = MacAddress.parse("02:00:00:00:00:01");
    static final MacAddress MAC = MacAddress.parse("02:00:00:00:00:02");
    static final Ipv4Address HOST = Ipv4Address.parse("10.0.0.1");
    static final Ipv4Address ADDRESS = Ipv4Address.parse("10.0.0.2");
    static final long MILLI = 1_000_000L;
    static final long SECOND = 1_000_000_000L;

    /** A frame that was seen, and when. */
    record Seen(long at, byte[] bytes) {
        int type() {
            return EthernetHeader.type(MemorySegment.ofArray(bytes), 0);
        }

        boolean isArp() {
            return type() == EthernetHeader.TYPE_ARP;
        }

        /** An ARP message as {@code request 10.0.0.1 for 10.0.0.2}. */
        String arp() {
            MemorySegment s = MemorySegment.ofArray(bytes);
            long at = EthernetHeader.LENGTH;
            return (ArpHeader.operation(s, at) == ArpHeader.REQUEST ? "request " : "reply ")
                    + new Ipv4Address(ArpHeader.senderAddress(s, at)) + " for "
                    + new Ipv4Address(ArpHeader.targetAddress(s, at));
        }

        MacAddress destination() {
            return new MacAddress(EthernetHeader.destination(MemorySegment.ofArray(bytes), 0));
        }
    }

    final VirtualLoop loop = new VirtualLoop(SECOND);
    final MemoryLink hostLink;
    private final MemoryLink link;
    private final MemorySegment memory = Arena.ofAuto().allocate(65_536, 8);
    final List<Seen> seen = new ArrayList<>();

    Bystander() {
        MemoryLink.Pair cable = MemoryLink.pair(loop, 1500, false);
        hostLink = cable.left();
        link = cable.right();
        link.start(this);
    }

    @Override
    public void onFrame(Link from, Frame frame) {
        byte[] bytes = new byte[frame.length()];
        MemorySegment.copy(frame.head, ValueLayout.JAVA_BYTE, frame.headAt, bytes, 0, bytes.length);
        seen.add(new Seen(loop.now(), bytes));
    }

    @Override
    public void onRoom(Link from) {}

    @Override
    public void onClosed(Link from, String reason) {}

    /** What was seen since the last call. */
    List<Seen> take() {
        List<Seen> taken = List.copyOf(seen);
        seen.clear();
        return taken;
    }

    List<String> takeArp() {
        return take().stream().filter(Seen::isArp).map(Seen::arp).toList();
    }

    void send(byte[] frame) {
        MemorySegment.copy(frame, 0, memory, ValueLayout.JAVA_BYTE, 0, frame.length);
        link.send(new Frame().set(memory, 0, frame.length));
        loop.settle();
    }

    /** Frames from this side, as whoever {@code address} is. */
    static RawFrames as(Ipv4Address address) {
        return new RawFrames(HOST_MAC, MAC, address);
    }

    /** Opens the host; time passes meanwhile in steps of ten milliseconds. */
    NetStack open(NetConfig config) throws IOException {
        return run(Async.async(() -> NetStack.open(loop, hostLink, config.with(HOST_MAC))));
    }

    /** Lets time pass until {@code future} is done, and gives its result or what it failed with. */
    <T> T run(CompletableFuture<T> future) throws IOException {
        while (!future.isDone()) {
            if (!rests(future) || loop.nextDeadline() == Long.MAX_VALUE) {
                Thread.yield();
            } else {
                loop.advance(loop.nextDeadline() - loop.now() <= 10 * MILLI ? 10 * MILLI : MILLI);
            }
        }
        try {
            return future.join();
        } catch (java.util.concurrent.CompletionException e) {
            if (e.getCause() instanceof NetException net) {
                throw net;
            }
            throw e;
        }
    }

    /**
     * Runs the loop, and says whether only time brings {@code future}'s task on. The clock must stand while its thread is merely late:
     * on a busy machine whole leases would else be over before it comes.
     */
    boolean rests(CompletableFuture<?> future) {
        loop.settle();
        return Async.isStopped(future) && !loop.isBusy();
    }

    /** Runs the loop, without letting time pass, until {@code future} is done. */
    <T> T settle(CompletableFuture<T> future) {
        while (!future.isDone()) {
            loop.settle();
            Thread.yield();
        }
        return future.join();
    }
}
