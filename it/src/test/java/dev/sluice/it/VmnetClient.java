package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.FramePort;
import dev.sluice.it.lab.Packets;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The client's side of VPNKit's protocol 22, byte by byte. */
record VmnetClient(FramePort port) implements AutoCloseable {
    static final int ETHERNET = 1;
    static final int BIND = 6;
    static final int PREFERRED = 8;
    static final String NO_UUID = "\0".repeat(36);

    static VmnetClient connect(Path socket) throws IOException {
        return new VmnetClient(FramePort.vmnet(socket));
    }

    /** Says hello and hears the same. */
    VmnetClient hello() throws IOException {
        return hello(22);
    }

    VmnetClient hello(int version) throws IOException {
        // three writes, as the Go clients do
        port.write("VMN3T".getBytes(StandardCharsets.US_ASCII));
        port.write(little(4).putInt(version).array());
        port.write("fedcba9876543210fedcba9876543210fedcba98".getBytes(StandardCharsets.US_ASCII));
        byte[] init = port.read(49);
        assertThat(new String(init, 0, 5, StandardCharsets.US_ASCII)).isEqualTo("VMN3T");
        assertThat(ByteBuffer.wrap(init).order(ByteOrder.LITTLE_ENDIAN).getInt(5))
                .isEqualTo(22);
        return this;
    }

    /** @param address for {@link #PREFERRED}, as its bits */
    VmnetClient ask(int command, String uuid, int address) throws IOException {
        port.write((byte) command);
        port.write(uuid.getBytes(StandardCharsets.US_ASCII));
        port.write(little(4).putInt(address).array());
        return this;
    }

    /** Hears that it is welcome; its hardware address. */
    long vif(int mtu) throws IOException {
        byte[] response = port.read(258);
        ByteBuffer b = ByteBuffer.wrap(response).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(response[0]).isEqualTo((byte) 1);
        assertThat(b.getShort(1)).isEqualTo((short) mtu);
        assertThat(b.getShort(3)).isEqualTo((short) (mtu + 50));
        for (int i = 11; i < response.length; i++) {
            assertThat(response[i]).isZero();
        }
        return ByteBuffer.wrap(response).getLong(3) & Packets.BROADCAST;
    }

    /** Hears why it is not welcome, and then nothing more. */
    String refusal() throws IOException {
        byte[] response = port.read(258);
        assertThat(response[0]).isEqualTo((byte) 2);
        assertThat(port.ended()).isTrue();
        return new String(response, 2, response[1] & 0xff, StandardCharsets.US_ASCII);
    }

    private static ByteBuffer little(int length) {
        return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void close() {
        port.close();
    }
}
