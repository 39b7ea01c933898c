package dev.sluice.host;

import dev.sluice.posix.SocketAddress;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A port of a virtual machine's socket to its host (vsock(7)), written {@code vsock://CONTEXT:PORT}.
 *
 * @param context 2 is the host, guests have theirs from their hypervisor, {@link SocketAddress#VSOCK_ANY} is any to listen on; without a sign
 * @param port without a sign
 */
public record VsockAddress(int context, int port) {
    private static final Pattern URL = Pattern.compile("vsock://([0-9]{0,10}):([0-9]{1,10})");

    /** Whether {@code text} is meant to be one. */
    public static boolean isMeant(String text) {
        return text.startsWith("vsock://");
    }

    /**
     * Reads one; without a context it is {@link SocketAddress#VSOCK_ANY}.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static VsockAddress parse(String text) {
        Matcher url = URL.matcher(text);
        if (!url.matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is no vsock address; write vsock://CID:PORT, in numbers");
        }
        try {
            String context = url.group(1);
            return new VsockAddress(
                    context.isEmpty() ? SocketAddress.VSOCK_ANY : Integer.parseUnsignedInt(context),
                    Integer.parseUnsignedInt(url.group(2)));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + text + "': a CID and a port of vsock are below 4294967296", e);
        }
    }

    /** Whether it can be connected to: it names one machine. */
    public boolean isOne() {
        return context != SocketAddress.VSOCK_ANY;
    }

    @Override
    public String toString() {
        return "vsock://" + (isOne() ? Integer.toUnsignedString(context) : "") + ":" + Integer.toUnsignedString(port);
    }
}
