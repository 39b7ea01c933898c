package dev.sluice.it;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.FramePort;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Packets;
import dev.sluice.it.lab.Program;
import dev.sluice.link.Framing;
import dev.sluice.link.StreamLink;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.UdpSocket;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * One gvproxy, the real one or ours, in a folder of its own: what is asked of it here has an answer that does not depend on which it is, on
 * its folder ({@code DIR}) or on its ports ({@code PORT1}, …).
 */
final class GvproxyPeer implements AutoCloseable {
    private static final Ipv4Address GATEWAY = Ipv4Address.parse("192.168.127.1");
    private static final MacAddress DEVICE = MacAddress.parse("5a:94:ef:e4:0c:ee");
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final long OTHER = 0x02_0000_000009L;
    /** Offered to both; what they answer themselves is what matters. */
    private static final Pattern DATE =
            Pattern.compile("(?i)(Date|Content-Length|Cache-Control|X-[A-Za-z-]+): [^\r]*\r\n");

    private final Lab lab;
    private final Path program;
    private final Path folder;
    private final int base;
    private Program process;
    private NetStack guest;
    private FramePort frames;
    private int counter;

    GvproxyPeer(Lab lab, String name, Path program, int base) throws IOException {
        this.lab = lab;
        this.program = program;
        this.folder = Files.createDirectory(lab.folder().resolve(name));
        this.base = base;
    }

    /** Starts it, and brings both guests. */
    void start() throws IOException {
        process = run(
                "-listen",
                "unix://DIR/api",
                "-listen-qemu",
                "unix://DIR/qemu",
                "-ssh-port",
                "PORT22",
                "-mtu",
                "1400",
                "-pid-file",
                "DIR/pid",
                "-log-file",
                "DIR/log");
        Await.listening(process, folder.resolve("api"));
        Await.listening(process, folder.resolve("qemu"));
        int fd = FramePort.qemu(folder.resolve("qemu")).fd();
        guest = NetStack.open(
                loop -> new StreamLink(loop, fd, fd, "guest", 1400, Framing.BE32),
                NetConfig.dhcp().with(DEVICE));
        frames = FramePort.qemu(folder.resolve("api"));
        frames.write("POST /connect HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        // the real one loses what follows a request at once: it has joined when it answers
        Await.until("the second guest is heard", process::toString, () -> {
            try {
                return arpOnce("192.168.127.1", 200) != null;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
    }

    Path folder() {
        return folder;
    }

    Program process() {
        return process;
    }

    NetStack guest() {
        return guest;
    }

    private String filled(String text) {
        Matcher port = Pattern.compile("PORT(\\d+)").matcher(text);
        return port.replaceAll(found -> Integer.toString(base + Integer.parseInt(found.group(1))))
                .replace("DIR", folder.toString());
    }

    private String plain(String text) {
        Matcher port =
                Pattern.compile("\\b" + base / 1000 + "(\\d{3})\\b").matcher(text.replace(folder.toString(), "DIR"));
        return port.replaceAll(found -> "PORT" + Integer.parseInt(found.group(1)));
    }

    /** Starts another one beside. */
    Program run(String... flags) {
        return lab.onHost(Stream.concat(
                        Stream.of(program.toString()), Arrays.stream(flags).map(this::filled))
                .toArray(String[]::new));
    }

    /** The exit code of one with these flags. */
    String exit(String... flags) {
        return "exit " + run(flags).exitCode();
    }

    /** The exit code, and the first line on standard error. */
    String mistake(String... flags) {
        Program one = run(flags);
        int code = one.exitCode();
        return "exit " + code + ": " + one.err().lines().findFirst().orElse("");
    }

    /** The status and the body of the API's answer. */
    String api(String method, String path, String body) throws IOException {
        return answer(talk(request(method, path, filled(body))));
    }

    /** The status alone: wording is everybody's own. */
    String status(String method, String path, String body) throws IOException {
        return api(method, path, body).substring(0, 3);
    }

    /** What comes back for these bytes, until the end. */
    String talk(String request) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(folder.resolve("api")));
            channel.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8)));
            return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** As {@link #api}, asked by the guest of the gateway's port 80. */
    String inside(String method, String path, String body) throws IOException {
        return answer(tcp("192.168.127.1", 80, request(method, path, filled(body))));
    }

    private static String request(String method, String path, String body) {
        return method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
                + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body;
    }

    private String answer(String response) {
        String[] parts = response.split("\r\n\r\n", 2);
        return parts.length < 2
                ? "no answer: " + response
                : parts[0].substring("HTTP/1.1 ".length(), 12) + " " + plain(parts[1]);
    }

    /** What a TCP server says to the guest that sends {@code text}; or what the connection has come to instead. */
    String tcp(String address, int port, String text) throws IOException {
        try (TcpConnection connection = guest.tcp().connect(Ipv4Address.parse(address), port, PATIENCE)) {
            connection.readTimeout(PATIENCE);
            connection.write(text.getBytes(StandardCharsets.UTF_8));
            return new String(connection.inputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (NetException e) {
            return e.getClass().getSimpleName();
        }
    }

    /** What a UDP server says to the guest; or what it hears instead. */
    String udp(String address, int port, byte[] data, Duration patience) throws IOException {
        try (UdpSocket socket = guest.udp().connect(Ipv4Address.parse(address), port)) {
            socket.send(data);
            return new String(socket.receive(patience).payload(), StandardCharsets.ISO_8859_1);
        } catch (NetException e) {
            return e.getClass().getSimpleName();
        }
    }

    /** The name server's answer: code, and addresses with their lifetime. */
    String dns(String name, int type) throws IOException {
        byte[] query = Packets.dnsQuery(++counter, name);
        query[query.length - 3] = (byte) type;
        String text = udp("192.168.127.1", 53, query, PATIENCE);
        byte[] reply = text.getBytes(StandardCharsets.ISO_8859_1);
        ByteBuffer b = ByteBuffer.wrap(reply);
        if (reply.length < query.length) {
            return text;
        }
        StringBuilder out = new StringBuilder(
                switch (b.get(3) & 15) {
                    case 0 -> "NOERROR";
                    case 2 -> "SERVFAIL";
                    case 3 -> "NXDOMAIN";
                    default -> "code " + (b.get(3) & 15);
                });
        int at = query.length;
        for (int left = b.getShort(6); left > 0; left--) {
            while (reply[at] > 0) {
                at += 1 + reply[at];
            }
            at += reply[at] == 0 ? 1 : 2;
            int length = b.getShort(at + 8);
            out.append(' ').append(b.getShort(at) == 1 ? Packets.dotted(b.getInt(at + 10)) : "type " + b.getShort(at));
            out.append(b.getInt(at + 4) == 0 ? " ttl 0" : "");
            at += 10 + length;
        }
        return out.toString();
    }

    /** Whether the guest's ping is answered. */
    String ping(String address) throws IOException {
        try {
            guest.icmp().ping(Ipv4Address.parse(address), Duration.ofSeconds(2));
            return "answers";
        } catch (NetException e) {
            return "no answer";
        }
    }

    /** Who says that an address is his; nobody within a second. */
    String arp(String address) throws IOException {
        String mac = arpOnce(address, 1000);
        return mac == null ? "nobody" : mac;
    }

    private String arpOnce(String address, int millis) throws IOException {
        int target = Packets.address(address);
        frames.send(Packets.ethernet(
                Packets.BROADCAST,
                OTHER,
                Packets.ARP,
                Packets.arp(1, OTHER, Packets.address("192.168.127.3"), 0, target)));
        while (frames.readable(millis)) {
            byte[] frame = frames.receive();
            if (Packets.type(frame) == Packets.ARP
                    && frame[21] == 2
                    && ByteBuffer.wrap(frame).getInt(28) == target) {
                return new MacAddress(ByteBuffer.wrap(frame).getLong(22) >>> 16).toString();
            }
        }
        return null;
    }

    /** The second guest's DHCP: the type and the address of the answer, and those of its options that both have to give. */
    String dhcp(int type, byte... options) throws IOException {
        int transaction = 0x7700_0000 | ++counter;
        byte[] all = ByteBuffer.allocate(4 + options.length)
                .put(new byte[] {53, 1, (byte) type})
                .put(options)
                .put((byte) 255)
                .array();
        frames.send(Packets.ethernet(
                Packets.BROADCAST,
                OTHER,
                Packets.IPV4,
                Packets.udp(0, -1, 68, 67, Packets.dhcp(transaction, 0x8000, OTHER, all))));
        while (frames.readable(1500)) {
            byte[] datagram = Packets.payload(frames.receive(), 0, 0, Packets.UDP);
            ByteBuffer b = ByteBuffer.wrap(datagram);
            if (datagram.length > 250 && b.getShort(2) == 68 && b.getInt(8 + 4) == transaction) {
                return Packets.dotted(b.getInt(8 + 16)) + " " + options(datagram);
            }
        }
        return "silence";
    }

    private static Map<Integer, String> options(byte[] datagram) {
        Map<Integer, String> found = new TreeMap<>();
        for (int at = 8 + 240;
                at < datagram.length && datagram[at] != -1;
                at += datagram[at] == 0 ? 1 : 2 + (datagram[at + 1] & 0xff)) {
            int code = datagram[at] & 0xff;
            if (List.of(1, 3, 6, 26, 51, 53, 54, 119).contains(code)) {
                int from = at + 2;
                found.put(code, java.util.HexFormat.of().formatHex(datagram, from, from + (datagram[at + 1] & 0xff)));
            }
        }
        return found;
    }

    /** The files in its folder but logs. */
    String files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(file -> !file.equals("log") && !file.equals("file"))
                    .sorted()
                    .toList()
                    .toString();
        }
    }

    @Override
    public void close() {
        if (guest != null) {
            guest.close();
        }
        if (frames != null) {
            frames.close();
        }
        if (process != null) {
            process.close();
        }
    }
}
