package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;

/** ClientHellos written by hand (RFC 8446 §4.1.2). */
public final class TlsHello {
    private TlsHello() {}

    /** @param name null for none */
    public static byte[] withName(String name) throws IOException {
        ByteArrayOutputStream extensions = new ByteArrayOutputStream();
        DataOutputStream e = new DataOutputStream(extensions);
        e.writeInt(0x0a0a_0000); // GREASE (RFC 8701), empty
        if (name != null) {
            byte[] bytes = name.getBytes(US_ASCII);
            e.writeShort(0);
            e.writeShort(bytes.length + 5);
            e.writeShort(bytes.length + 3);
            e.writeByte(0);
            e.writeShort(bytes.length);
            e.write(bytes);
        }
        e.writeInt(0x002b_0003);
        e.write(new byte[] {2, 3, 4});
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        DataOutputStream b = new DataOutputStream(body);
        b.writeShort(0x0303);
        b.write(new byte[32]);
        b.writeByte(32);
        b.write(new byte[32]);
        b.writeShort(4);
        b.writeInt(0x1a1a_1301);
        b.writeShort(0x0100);
        b.writeShort(extensions.size());
        b.write(extensions.toByteArray());
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        DataOutputStream m = new DataOutputStream(message);
        m.writeInt(1 << 24 | body.size());
        m.write(body.toByteArray());
        return message.toByteArray();
    }

    /** In records of at most so many bytes. */
    public static byte[] inRecords(byte[] message, int size) throws IOException {
        ByteArrayOutputStream records = new ByteArrayOutputStream();
        DataOutputStream r = new DataOutputStream(records);
        for (int at = 0; at < message.length; at += size) {
            int n = Math.min(size, message.length - at);
            r.write(new byte[] {22, 3, 1});
            r.writeShort(n);
            r.write(message, at, n);
        }
        return records.toByteArray();
    }
}
