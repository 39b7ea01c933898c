package dev.sluice.fuzz;

import dev.sluice.control.ninep.NinepServer;
import dev.sluice.control.vpnkit.PortDoor;
import dev.sluice.control.vpnkit.PortSpec;
import dev.sluice.control.vpnkit.PortTree;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;

/** VPNKit's tree of forwards over 9P, under a client that sends anything. Every forward it has made ends with it. */
public final class Ninep {
    private static final byte[] VERSION = {19, 0, 0, 0, 100, -1, -1, 0, 32, 0, 0, 6, 0, '9', 'P', '2', '0', '0', '0'};

    private static final int HEADER = 7;

    private Ninep() {}

    /** Opens what has an even port, and counts. */
    private static final class Counting implements PortDoor {
        private int open;

        @Override
        public PortSpec open(PortSpec spec) throws IOException {
            if (spec instanceof PortSpec.Port port && port.port() % 2 == 1) {
                throw new PortRefusal("port is already allocated", new IOException("in use"));
            }
            open++;
            return spec.withPort(1024);
        }

        @Override
        public void close(PortSpec opened) {
            open--;
        }
    }

    /** The first byte: whether what follows are messages (type, length of what they hold, that) or the bytes of a stream. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        ByteArrayOutputStream sent = new ByteArrayOutputStream();
        if (input.u8() % 4 == 0) {
            sent.writeBytes(input.rest());
        } else {
            sent.writeBytes(VERSION);
            while (input.more()) {
                message(input, sent);
            }
        }
        Counting door = new Counting();
        ByteArrayOutputStream answers = new ByteArrayOutputStream();
        try {
            new NinepServer(new PortTree(door)).serve(new ByteArrayInputStream(sent.toByteArray()), answers);
        } catch (IOException e) {
            Memory.require(e.getMessage() != null, "a refusal has a reason");
        }
        Memory.require(door.open == 0, door.open + " forwards are left of a client that is gone");
        wellFormed(answers.toByteArray());
    }

    private static void message(Input input, ByteArrayOutputStream to) {
        int type = input.u8();
        byte[] body = input.take(input.u8());
        to.writeBytes(new byte[] {(byte) (HEADER + body.length), (byte) (HEADER + body.length >> 8), 0, 0});
        to.write(type);
        to.writeBytes(new byte[] {1, 0});
        to.writeBytes(body);
    }

    private static void wellFormed(byte[] answers) {
        int at = 0;
        while (at < answers.length) {
            Memory.require(answers.length - at >= HEADER, "an answer has a header");
            int size = answers[at] & 0xff | (answers[at + 1] & 0xff) << 8 | (answers[at + 2] & 0xff) << 16;
            Memory.require(size >= HEADER && size <= NinepServer.MAX_MESSAGE, "an answer of " + size + " bytes");
            at += size;
        }
        Memory.require(at == answers.length, "the last answer is whole");
    }
}
