package dev.sluice.it.lab;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A guest made of single frames: asks for an address, asks names, sends echo requests. */
public final class RawGuest implements AutoCloseable {
    /** The gateway of the default network, and the host behind it. */
    public static final int GATEWAY = Packets.address("192.168.65.1");

    public static final int HOST = Packets.address("192.168.65.2");
    private static final int NOTHING = 0;
    private static final byte[] DISCOVER_DOMAIN = {53, 1, 1, 55, 1, 15, (byte) 255};
    private static final byte[] DISCOVER = {53, 1, 1, 55, 4, 1, 3, 6, 26, (byte) 255};

    public final FramePort port;
    public final long mac;
    /** 0 until there is one. */
    public int address;
    /** The gateway's hardware address, once asked. */
    public long gatewayMac;

    private int counter;

    public RawGuest(FramePort port, long mac) {
        this.port = port;
        this.mac = mac;
    }

    /** Gets an address by DHCP and the gateway's hardware address by ARP. */
    public RawGuest configure() throws IOException {
        lease();
        gatewayMac = arp(GATEWAY);
        return this;
    }

    /** All four messages of DHCP; the address. */
    public int lease() throws IOException {
        int offered = discover();
        ByteBuffer options = ByteBuffer.allocate(16)
                .put(new byte[] {53, 1, 3, 50, 4})
                .putInt(offered)
                .put(new byte[] {54, 4})
                .putInt(GATEWAY)
                .put((byte) 255);
        byte[] answer = dhcp(5, options.array());
        address = ByteBuffer.wrap(answer).getInt(8 + 16);
        if (address != offered) {
            throw new AssertionError(
                    Packets.dotted(offered) + " was offered, but " + Packets.dotted(address) + " given");
        }
        return address;
    }

    /** The address offered. */
    public int discover() throws IOException {
        return ByteBuffer.wrap(dhcp(2, DISCOVER)).getInt(8 + 16);
    }

    /** The domain that an offer tells (option 15); empty for none. */
    public String domain() throws IOException {
        byte[] offer = dhcp(2, DISCOVER_DOMAIN);
        for (int at = 8 + 240; at + 1 < offer.length && offer[at] != (byte) 255; at += 2 + (offer[at + 1] & 0xff)) {
            if (offer[at] == 15) {
                return new String(offer, at + 2, offer[at + 1] & 0xff, StandardCharsets.US_ASCII);
            }
        }
        return "";
    }

    private byte[] dhcp(int type, byte... options) throws IOException {
        int transaction = 0x5100_0000 | ++counter;
        byte[] request = Packets.dhcp(transaction, 0x8000, mac, options);
        port.send(Packets.ethernet(Packets.BROADCAST, mac, Packets.IPV4, Packets.udp(0, -1, 68, 67, request)));
        return await("a DHCP answer of type " + type, frame -> dhcpAnswer(frame, transaction, type));
    }

    /** The UDP datagram of a frame that is the wanted answer. */
    public static byte @Nullable [] dhcpAnswer(byte[] frame, int transaction, int type) {
        byte[] datagram = Packets.payload(frame, GATEWAY, NOTHING, Packets.UDP);
        if (datagram.length < 8 + 243) {
            return null;
        }
        ByteBuffer b = ByteBuffer.wrap(datagram);
        boolean ours = b.getInt(0) == (67 << 16 | 68) && datagram[8] == 2 && b.getInt(8 + 4) == transaction;
        return ours && datagram[8 + 240] == 53 && datagram[8 + 242] == type ? datagram : null;
    }

    /** Asks who has an address; the hardware address. */
    public long arp(int target) throws IOException {
        port.send(Packets.ethernet(Packets.BROADCAST, mac, Packets.ARP, Packets.arp(1, mac, address, 0, target)));
        return await("who has " + Packets.dotted(target), frame -> {
            boolean answer = Packets.type(frame) == Packets.ARP
                    && frame[21] == 2
                    && ByteBuffer.wrap(frame).getInt(28) == target;
            return answer ? Packets.mac(frame, 22) : null;
        });
    }

    /** Sends an IPv4 packet towards the gateway. */
    public void send(byte[] packet) throws IOException {
        port.send(Packets.ethernet(gatewayMac, mac, Packets.IPV4, packet));
    }

    /** Sends an echo request of {@code length} bytes of payload and waits for its answer. */
    public void ping(int target, int length) throws IOException {
        ping(target, gatewayMac, length);
    }

    /** The same to a neighbour. */
    public void ping(int target, long targetMac, int length) throws IOException {
        int sequence = ++counter;
        byte[] payload = new byte[length];
        new java.util.Random(sequence).nextBytes(payload);
        port.send(Packets.ethernet(
                targetMac, mac, Packets.IPV4, Packets.echoRequest(address, target, 77, sequence, payload)));
        await("the echo of " + Packets.dotted(target), frame -> {
            byte[] message = Packets.payload(frame, target, address, Packets.ICMP);
            return message.length == 8 + length
                            && message[0] == 0
                            && ByteBuffer.wrap(message).getInt(4) == (77 << 16 | sequence & 0xffff)
                            && ByteBuffer.wrap(message, 8, length).equals(ByteBuffer.wrap(payload))
                    ? message
                    : null;
        });
    }

    /** Waits for an echo request of {@code from} and answers it, and before that whoever asks for this guest's address. */
    public void answerPing(int from) throws IOException {
        await("an echo request of " + Packets.dotted(from), frame -> {
            if (Packets.type(frame) == Packets.ARP
                    && frame[21] == 1
                    && ByteBuffer.wrap(frame).getInt(38) == address) {
                long asker = Packets.source(frame);
                reply(Packets.ethernet(asker, mac, Packets.ARP, Packets.arp(2, mac, address, asker, from)));
            }
            byte[] message = Packets.payload(frame, from, address, Packets.ICMP);
            if (message.length < 8 || message[0] != 8) {
                return null;
            }
            byte[] back = frame.clone();
            System.arraycopy(frame, 0, back, 6, 6);
            System.arraycopy(frame, 6, back, 0, 6);
            System.arraycopy(frame, 26, back, 30, 4);
            System.arraycopy(frame, 30, back, 26, 4);
            back[34] = 0;
            int checksum = (ByteBuffer.wrap(frame).getShort(36) & 0xffff) + 0x0800; // RFC 1624
            ByteBuffer.wrap(back).putShort(36, (short) ((checksum & 0xffff) + (checksum >>> 16)));
            reply(back);
            return back;
        });
    }

    private void reply(byte[] frame) {
        try {
            port.send(frame);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Sends a datagram and waits for one from there to the same port; its payload. */
    public byte[] exchange(int target, int targetPort, int ownPort, byte[] payload) throws IOException {
        send(Packets.udp(address, target, ownPort, targetPort, payload));
        return await("a datagram of " + Packets.dotted(target) + ":" + targetPort, frame -> {
            byte[] datagram = Packets.payload(frame, target, address, Packets.UDP);
            return datagram.length >= 8 && ByteBuffer.wrap(datagram).getInt(0) == (targetPort << 16 | ownPort)
                    ? java.util.Arrays.copyOfRange(datagram, 8, datagram.length)
                    : null;
        });
    }

    /** Asks the gateway for an A record; the whole answer. */
    public byte[] dns(String name) throws IOException {
        int id = ++counter & 0xffff;
        byte[] answer = exchange(GATEWAY, 53, 40_000 + id % 20_000, Packets.dnsQuery(id, name));
        if ((ByteBuffer.wrap(answer).getShort(0) & 0xffff) != id) {
            throw new AssertionError(
                    "an answer to another question about " + new String(answer, StandardCharsets.ISO_8859_1));
        }
        return answer;
    }

    /** Asks the gateway for a name; the address in the first answer. */
    public String resolve(String name) throws IOException {
        byte[] answer = dns(name);
        return Packets.dotted(ByteBuffer.wrap(answer).getInt(answer.length - 4));
    }

    /** Reads frames until one is what is waited for. */
    public <T> T await(String what, Function<byte[], @Nullable T> filter) throws IOException {
        try {
            while (true) {
                T found = filter.apply(port.receive());
                if (found != null) {
                    return found;
                }
            }
        } catch (IOException e) {
            throw new IOException("waited for " + what + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        port.close();
    }
}
