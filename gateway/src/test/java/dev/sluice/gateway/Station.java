package dev.sluice.gateway;

import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.LinkHandler;
import dev.sluice.testkit.MemoryLink;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.MacAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** One more guest of a {@link GuestWorld}: the end of a cable that the test holds, without a stack. */
final class Station implements LinkHandler {
    final Queue<byte[]> got = new ConcurrentLinkedQueue<>();
    private final GuestWorld world;
    private final MemoryLink near;
    private final MemoryLink link;
    private final MemorySegment memory = Arena.ofShared().allocate(4096, 8);

    Station(GuestWorld world) throws Exception {
        this.world = world;
        MemoryLink.Pair cable = MemoryLink.pair(world.gateway.loop(), 1500, false);
        near = cable.left();
        link = cable.right();
        world.gateway.attach(near);
        world.onLoop(() -> {
            link.start(this);
            return true;
        });
    }

    void send(byte[] frame) throws Exception {
        world.onLoop(() -> {
            MemorySegment.copy(frame, 0, memory, ValueLayout.JAVA_BYTE, 0, frame.length);
            link.send(new Frame().set(memory, 0, frame.length));
            return true;
        });
    }

    /** Something is on its way to or from here. To be asked on the loop. */
    boolean busy() {
        return near.arrivingBytes() > 0 || link.arrivingBytes() > 0;
    }

    @Override
    public void onFrame(Link from, Frame frame) {
        byte[] bytes = new byte[frame.length()];
        MemorySegment.copy(frame.head, ValueLayout.JAVA_BYTE, frame.headAt, bytes, 0, frame.headLength);
        got.add(bytes);
    }

    @Override
    public void onRoom(Link from) {}

    @Override
    public void onClosed(Link from, String reason) {}

    /** Frames from this hardware address. */
    List<byte[]> from(MacAddress mac) {
        return got.stream()
                .filter(f -> EthernetHeader.source(MemorySegment.ofArray(f), 0) == mac.bits())
                .toList();
    }
}
