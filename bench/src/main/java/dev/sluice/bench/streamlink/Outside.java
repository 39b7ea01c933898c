package dev.sluice.bench.streamlink;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** A program of its own that serves QEMU's framing at a socket: whatever it is, the guest and the host's end are the same. */
final class Outside implements Translator {
    /** A tick of proc_pid_stat(5): USER_HZ is 100. */
    private static final long TICK_NANOS = 10_000_000;

    private static final int USER = 11;
    private static final int SYSTEM = 12;

    private final GuestLink guest;
    private final Ipv4Address guestAddress;
    private final Ipv4Address host;
    private final MacAddress mac;
    private final int mtu;
    private final long pid;

    /** @param words {@code at} the socket's path, {@code guest}, {@code gateway} and {@code host} addresses, {@code mtu}, {@code pid} */
    Outside(Map<String, String> words) throws IOException {
        this.guestAddress = Ipv4Address.parse(word(words, "guest"));
        this.host = Ipv4Address.parse(word(words, "host"));
        this.mtu = Integer.parseInt(word(words, "mtu"));
        this.pid = Long.parseLong(word(words, "pid"));
        this.guest = GuestLink.connect(GuestLink.Kind.QEMU, word(words, "at"), guestAddress);
        this.mac = GuestArp.resolve(guest, guestAddress, Ipv4Address.parse(word(words, "gateway")));
    }

    private static String word(Map<String, String> words, String name) {
        String value = words.get(name);
        if (value == null) {
            throw new IllegalArgumentException("beside at=… there must be a " + name + "=…");
        }
        return value;
    }

    @Override
    public String name() {
        return "another process, MTU " + mtu;
    }

    @Override
    public GuestLink guest() {
        return guest;
    }

    @Override
    public Ipv4Address guestAddress() {
        return guestAddress;
    }

    @Override
    public Ipv4Address host() {
        return host;
    }

    @Override
    public MacAddress mac() {
        return mac;
    }

    @Override
    public int mtu() {
        return mtu;
    }

    @Override
    public Usage usage() throws IOException {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        long user = Long.parseLong(fields[USER]) * TICK_NANOS;
        return new Usage(user + Long.parseLong(fields[SYSTEM]) * TICK_NANOS, user, 0, 0);
    }

    @Override
    public void close() {
        guest.close();
    }
}
