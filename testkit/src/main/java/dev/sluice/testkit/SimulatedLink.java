package dev.sluice.testkit;

import java.util.function.Consumer;

/** One direction of a link, treating packets as its {@link LinkModel} says. */
public final class SimulatedLink {
    private final Simulation simulation;
    private final LinkModel model;
    private final Consumer<byte[]> receiver;
    /** When the packets already queued will have left. */
    private long freeAt = Long.MIN_VALUE;

    private long lost;
    private long delivered;

    public SimulatedLink(Simulation simulation, LinkModel model, Consumer<byte[]> receiver) {
        this.simulation = simulation;
        this.model = model;
        this.receiver = receiver;
    }

    /** Takes a packet; the array is the link's from then on. */
    public void send(byte[] packet) {
        long now = simulation.now();
        boolean dark = now >= model.blackoutFrom() && now < model.blackoutTo();
        if (dark || simulation.chance(model.lossPermille())) {
            lost++;
            return;
        }
        long leaves = now;
        if (model.bytesPerSecond() > 0) {
            long start = Math.max(now, freeAt);
            if ((start - now) * model.bytesPerSecond() / 1_000_000_000L > model.queueBytes()) {
                lost++;
                return;
            }
            freeAt = start + packet.length * 1_000_000_000L / model.bytesPerSecond();
            leaves = freeAt;
        }
        if (simulation.chance(model.duplicatePermille())) {
            deliver(packet.clone(), leaves);
        }
        if (simulation.chance(model.corruptPermille())) {
            int bit = simulation.random().nextInt(packet.length * 8);
            packet[bit >> 3] ^= (byte) (1 << (bit & 7));
        }
        deliver(packet, leaves);
    }

    private void deliver(byte[] packet, long leaves) {
        long delay = model.delayNanos();
        if (simulation.chance(model.reorderPermille())) {
            delay += simulation.random().nextLong(model.reorderNanos() + 1);
        }
        delivered++;
        simulation.at(leaves + delay, () -> receiver.accept(packet));
    }

    public long lost() {
        return lost;
    }

    public long delivered() {
        return delivered;
    }
}
