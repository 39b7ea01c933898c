package dev.sluice.fuzz;

import dev.sluice.link.vmnet.AddressClaims;
import dev.sluice.link.vmnet.VmnetHandshake;
import dev.sluice.link.vmnet.VmnetTable;
import dev.sluice.wire.Ipv4Address;
import java.util.Set;
import java.util.UUID;

/** VPNKit's handshake from guests that say anything, in pieces of any size; several after each other on one table. */
public final class Vmnet {
    private Vmnet() {}

    /** Handshakes of: sizes of pieces, bytes. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        long[] made = {0};
        VmnetTable table = new VmnetTable(
                Ipv4Address.parse("192.168.65.3"),
                Ipv4Address.parse("192.168.65.20"),
                Set.of(Ipv4Address.parse("192.168.65.1")),
                AddressClaims.NONE,
                () -> new UUID(1, ++made[0]));
        while (input.more()) {
            VmnetHandshake handshake = new VmnetHandshake(table, 1500);
            // Most guests begin rightly.
            boolean right = input.u8() % 4 != 0;
            if (right) {
                byte[] init = new byte[VmnetHandshake.INIT_LENGTH];
                init[5] = VmnetHandshake.VERSION;
                handshake.feed(init, 0, init.length);
            }
            while (handshake.wanted() > 0 && input.more()) {
                byte[] piece = input.take(Math.min(handshake.wanted(), 1 + input.u8() % 64));
                byte[] answer = handshake.feed(piece, 0, piece.length);
                Memory.require(answer.length <= VmnetHandshake.RESPONSE_LENGTH, "an answer has its size");
            }
            boolean done = handshake.state() == VmnetHandshake.State.DONE;
            Memory.require(done == (handshake.identity() != null), "who is done has an identity");
            boolean failed = handshake.state() == VmnetHandshake.State.FAILED;
            Memory.require(failed == !handshake.failure().isEmpty(), "who failed knows why");
        }
    }
}
