package dev.sluice.fuzz;

import static dev.sluice.fuzz.Memory.AT;

import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.Dhcpv6Message;
import dev.sluice.wire.Dhcpv6Reply;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** DHCP of both families, from guests and from servers. */
public final class DhcpMessages {
    private static final int OVERLOAD = 52;
    private static final byte[] COOKIE = {0x63, (byte) 0x82, 0x53, 0x63};

    private DhcpMessages() {}

    /** The first byte says which, and whether the magic cookie is put in. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        int kind = input.u8();
        byte[] bytes = input.rest();
        if (kind % 2 == 1) {
            MemorySegment s = Memory.of(bytes);
            Dhcpv6Message message = Dhcpv6Message.parse(s, AT, bytes.length);
            if (message != null) {
                Memory.require(!message.toString().isEmpty(), "a message has a text");
                message.encode(Dhcpv6Message.Settings.NONE, 3600);
            }
            Dhcpv6Reply reply = Dhcpv6Reply.parse(s, AT, bytes.length);
            if (reply != null) {
                Memory.require(!reply.toString().isEmpty(), "a reply has a text");
            }
            return;
        }
        if (kind % 4 == 0 && bytes.length >= 240) {
            System.arraycopy(COOKIE, 0, bytes, 236, 4);
        }
        MemorySegment s = Memory.of(bytes);
        DhcpMessage.Decoded decoded = DhcpMessage.decode(s, AT, bytes.length);
        if (decoded instanceof DhcpMessage.Decoded.Message(DhcpMessage message)) {
            look(message.options());
            again(message);
        }
    }

    private static void look(DhcpOptions options) {
        options.messageType();
        options.requestedAddress();
        options.serverIdentifier();
        options.parameterRequestList();
        options.domainSearch();
        for (int code : options.codes()) {
            options.raw(code);
            options.address(code);
            options.addresses(code);
            options.number16(code);
            options.number32(code);
            options.text(code);
        }
        Memory.require(!options.toString().isEmpty(), "options have a text");
    }

    /** What was understood is the same after it was written and read again. */
    private static void again(DhcpMessage message) {
        byte[] written = new byte[70_000];
        int length;
        try {
            length = message.encode(MemorySegment.ofArray(written), 0, written.length);
        } catch (IllegalArgumentException e) {
            return; // more than fits into a datagram
        }
        DhcpMessage.Decoded decoded = DhcpMessage.decode(MemorySegment.ofArray(written), 0, length);
        if (!(decoded instanceof DhcpMessage.Decoded.Message(DhcpMessage same))) {
            throw new AssertionError("what we wrote cannot be read: " + decoded);
        }
        for (int code : message.options().codes()) {
            // Where options stood is not said again: they stand in one place.
            boolean kept = code == OVERLOAD
                    || Arrays.equals(same.options().raw(code), message.options().raw(code));
            Memory.require(kept, "option " + code + " differs: " + message + " and " + same);
        }
    }
}
