package dev.sluice.host;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How packets of this host leave it towards an address. The kernel decides, as for real traffic, policy routing included: a datagram socket is
 * connected, which sends nothing (udp(7)), and asked where it stands. Only the next hop is read from the main tables.
 *
 * @param source address of the host
 * @param device interface; empty if it cannot be told
 * @param gateway next hop; null if the address is on the link, or another table says so
 */
public record WayOut(String source, String device, @Nullable String gateway) {
    private static final Path IPV4 = Path.of("/proc/net/route");
    private static final Path IPV6 = Path.of("/proc/net/ipv6_route");

    /** @throws IOException if there is none, with the kernel's reason */
    public static WayOut to(IpAddress address) throws IOException {
        InetAddress target = InetAddress.ofLiteral(address.toString());
        try (DatagramChannel channel = DatagramChannel.open()) {
            channel.connect(new InetSocketAddress(target, 9));
            InetAddress own = ((InetSocketAddress) channel.getLocalAddress()).getAddress();
            String text = own.getHostAddress();
            NetworkInterface device = NetworkInterface.getByInetAddress(own);
            String name = own.isLoopbackAddress() ? "lo" : device == null ? "" : device.getName();
            return new WayOut(
                    text.indexOf('%') < 0 ? text : text.substring(0, text.indexOf('%')), name, hop(target, name));
        }
    }

    private static @Nullable String hop(InetAddress target, String device) {
        if (target.isLoopbackAddress()) {
            return null;
        }
        try {
            boolean six = target instanceof Inet6Address;
            return hop(target.getAddress(), device, Files.readAllLines(six ? IPV6 : IPV4));
        } catch (IOException e) {
            return null;
        }
    }

    /** The next hop of the longest prefix (proc_net(5)): columns of hexadecimal, IPv4 little-endian. */
    static @Nullable String hop(byte[] target, String device, List<String> lines) {
        boolean six = target.length == 16;
        int best = -1;
        String found = null;
        for (String line : lines) {
            String[] column = line.trim().split("\\s+");
            if (column.length < (six ? 10 : 8) || !column[six ? 9 : 0].equals(device)) {
                continue;
            }
            try {
                byte[] network = bytes(column[six ? 0 : 1], six);
                byte[] gateway = bytes(column[six ? 4 : 2], six);
                int prefix = six
                        ? Integer.parseInt(column[1], 16)
                        : Integer.bitCount(Integer.parseUnsignedInt(column[7], 16));
                if (prefix > best && covers(network, prefix, target)) {
                    best = prefix;
                    found = text(gateway);
                }
            } catch (IllegalArgumentException e) {
                // the heading, or a line of another make
            }
        }
        return found;
    }

    private static byte[] bytes(String hex, boolean six) {
        if (hex.length() != (six ? 32 : 8)) {
            throw new IllegalArgumentException(hex);
        }
        byte[] bytes = HexFormat.of().parseHex(hex);
        if (!six) {
            for (int i = 0; i < 2; i++) {
                byte swapped = bytes[i];
                bytes[i] = bytes[3 - i];
                bytes[3 - i] = swapped;
            }
        }
        return bytes;
    }

    private static boolean covers(byte[] network, int prefix, byte[] address) {
        for (int bit = 0; bit < prefix; bit++) {
            int mask = 0x80 >> bit % 8;
            if ((network[bit / 8] & mask) != (address[bit / 8] & mask)) {
                return false;
            }
        }
        return true;
    }

    /** Null for none. */
    private static @Nullable String text(byte[] gateway) {
        ByteBuffer buffer = ByteBuffer.wrap(gateway);
        if (gateway.length == 4) {
            int bits = buffer.getInt();
            return bits == 0 ? null : new Ipv4Address(bits).toString();
        }
        Ipv6Address address = new Ipv6Address(buffer.getLong(), buffer.getLong());
        return address.high() == 0 && address.low() == 0 ? null : address.toString();
    }
}
