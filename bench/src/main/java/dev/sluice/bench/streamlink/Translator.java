package dev.sluice.bench.streamlink;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;

/** What a guest's frames go through on their way to a socket of the host, and back. */
interface Translator extends AutoCloseable {
    /** What it has used so far: nanoseconds of processor time, and where that is known bytes allocated and frames. */
    record Usage(long cpu, long user, long allocated, long frames) {}

    /** How rows call it: {@code qemu:, MTU 1500}. */
    String name();

    GuestLink guest();

    Ipv4Address guestAddress();

    /** Where the guest reaches the host's loopback. */
    Ipv4Address host();

    /** Whom frames to there are for. */
    MacAddress mac();

    int mtu();

    Usage usage() throws Exception;

    @Override
    void close();
}
