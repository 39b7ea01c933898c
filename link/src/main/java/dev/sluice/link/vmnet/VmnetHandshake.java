package dev.sluice.link.vmnet;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The server's side of one vmnet handshake, version 22, as a state machine without I/O: it says how many bytes it {@linkplain #wanted
 * wants}, takes them in pieces of any size, and answers with what to send. It never takes bytes beyond the handshake, so that the
 * frames after it stay in the stream. All integers little-endian.
 *
 * <pre>
 * INIT ──49 bytes──▶ COMMAND ──41 bytes──▶ DONE
 *   │ other version     │ refused, not a UUID, unknown
 *   └──────────▶ FAILED ◀┘   (what was answered is still to be sent)
 * </pre>
 */
public final class VmnetHandshake {
    public static final int VERSION = 22;
    public static final int INIT_LENGTH = 49;
    public static final int COMMAND_LENGTH = 41;
    public static final int RESPONSE_LENGTH = 258;

    private static final byte[] MAGIC = "VMN3T".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] COMMIT = "0123456789".repeat(4).getBytes(StandardCharsets.US_ASCII);
    private static final byte[] NOTHING = {};
    private static final int UUID_LENGTH = 36;

    private static final int ETHERNET = 1;
    private static final int PREFERRED_IPV4 = 8;
    private static final int RESPONSE_VIF = 1;
    private static final int RESPONSE_DISCONNECT = 2;
    /** What VPNKit adds to the MTU for the largest packet. */
    private static final int PACKET_OVERHEAD = 50;

    private static final Pattern UUID_FORM =
            Pattern.compile("[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}");

    /** How far it is. */
    public enum State {
        INIT,
        COMMAND,
        DONE,
        FAILED
    }

    private final VmnetTable table;
    private final int mtu;
    private final ByteBuffer message = ByteBuffer.allocate(INIT_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
    private State state = State.INIT;
    private @Nullable VmnetIdentity identity;
    private String failure = "";

    /** @param mtu told to the guest, in bytes */
    public VmnetHandshake(VmnetTable table, int mtu) {
        this.table = table;
        this.mtu = mtu;
        message.limit(INIT_LENGTH);
    }

    public State state() {
        return state;
    }

    /** Bytes that it takes next, at most; 0 once it is over. */
    public int wanted() {
        return state == State.INIT || state == State.COMMAND ? message.remaining() : 0;
    }

    /** Who the guest is, once DONE. */
    public @Nullable VmnetIdentity identity() {
        return identity;
    }

    /** Why it FAILED, for people. */
    public String failure() {
        return failure;
    }

    /**
     * Takes what the guest sent.
     *
     * @param length at most {@link #wanted}
     * @return what to send now; empty if nothing
     */
    public byte[] feed(byte[] bytes, int from, int length) {
        message.put(bytes, from, length);
        if (message.hasRemaining()) {
            return NOTHING;
        }
        message.flip();
        return state == State.INIT ? onInit() : onCommand();
    }

    /** Like VPNKit, judges the version and not the magic. */
    private byte[] onInit() {
        int version = message.getInt(MAGIC.length);
        if (version == VERSION) {
            state = State.COMMAND;
            message.clear().limit(COMMAND_LENGTH);
        } else {
            fail("speaks vmnet version " + Integer.toUnsignedString(version) + "; this is version " + VERSION);
        }
        return ByteBuffer.allocate(INIT_LENGTH)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(MAGIC)
                .putInt(VERSION)
                .put(COMMIT)
                .array();
    }

    private byte[] onCommand() {
        int command = message.get() & 0xff;
        byte[] text = new byte[UUID_LENGTH];
        message.get(text);
        if (command != ETHERNET && command != PREFERRED_IPV4) {
            fail("Unknown command: " + command);
            return NOTHING;
        }
        UUID uuid = null;
        if (!allZero(text)) {
            String name = new String(text, StandardCharsets.ISO_8859_1);
            if (!UUID_FORM.matcher(name).matches()) {
                fail("Invalid UUID: " + printable(name));
                return NOTHING;
            }
            uuid = UUID.fromString(name);
        }
        Ipv4Address preferred = command == PREFERRED_IPV4 ? new Ipv4Address(message.getInt()) : null;
        return switch (table.assign(uuid, preferred)) {
            case Assignment.Granted(VmnetIdentity granted, boolean _) -> {
                state = State.DONE;
                identity = granted;
                yield vif(granted.mac());
            }
            case Assignment.Refused(String why) -> {
                fail(why);
                yield disconnect(why);
            }
        };
    }

    private byte[] vif(MacAddress mac) {
        return ByteBuffer.allocate(RESPONSE_LENGTH)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) RESPONSE_VIF)
                .putShort((short) mtu)
                .putShort((short) Math.min(0xffff, mtu + PACKET_OVERHEAD))
                .put((byte) (mac.bits() >>> 40))
                .put((byte) (mac.bits() >>> 32))
                .put((byte) (mac.bits() >>> 24))
                .put((byte) (mac.bits() >>> 16))
                .put((byte) (mac.bits() >>> 8))
                .put((byte) mac.bits())
                .array();
    }

    private static byte[] disconnect(String why) {
        byte[] text = why.getBytes(StandardCharsets.US_ASCII);
        int length = Math.min(255, text.length);
        return ByteBuffer.allocate(RESPONSE_LENGTH)
                .put((byte) RESPONSE_DISCONNECT)
                .put((byte) length)
                .put(text, 0, length)
                .array();
    }

    private void fail(String why) {
        state = State.FAILED;
        failure = why;
    }

    private static boolean allZero(byte[] bytes) {
        for (byte b : bytes) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }

    private static String printable(String text) {
        return text.replaceAll("[^ -~]", "?");
    }
}
