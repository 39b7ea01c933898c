package dev.sluice.host;

import dev.sluice.loop.EventLoop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Watch;
import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Sockets;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Tells when the host's network has become another one: a VPN came up, a cable was pulled. The kernel says so (rtnetlink(7)); nothing polls.
 * Confined to the loop.
 *
 * <p>Only what changes the way to the world counts: addresses of global scope, and unicast routes that the kernel has not made by itself. So
 * containers that come and go beside us with their link-local addresses are not heard. Several changes in a row are told as one, {@link
 * #SETTLING_NANOS} after the last, and after {@link #PATIENCE_NANOS} in any case.
 */
public final class NetworkWatch implements AutoCloseable {
    static final long SETTLING_NANOS = 200_000_000L;
    static final long PATIENCE_NANOS = 2_000_000_000L;

    private static final int NETLINK_ROUTE = 0;
    private static final int SOL_NETLINK = 270;
    private static final int NETLINK_ADD_MEMBERSHIP = 1;
    /** RTNLGRP_IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE. */
    private static final int[] GROUPS = {5, 7, 9, 11};

    private static final int RTM_NEWADDR = 20;
    private static final int RTM_DELADDR = 21;
    private static final int RTM_NEWROUTE = 24;
    private static final int RTM_DELROUTE = 25;
    private static final int HEADER = 16;
    private static final int RT_SCOPE_UNIVERSE = 0;
    private static final int RTPROT_KERNEL = 2;
    private static final int RTN_UNICAST = 1;
    private static final int BUFFER = 16 * 1024;
    /** Family, padding, port and groups. */
    private static final int SOCKADDR_NL = 12;

    private final EventLoop loop;
    private final Runnable changed;
    private final int fd;
    private final MemorySegment buffer = Arena.ofAuto().allocate(BUFFER, 8);
    private final Watch watch;
    private boolean pending;
    private long since;
    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long now) {
            pending = false;
            changed.run();
        }
    };

    /**
     * Watches the network namespace of the calling thread, which must be the loop's.
     *
     * @param changed called on the loop's thread
     * @throws PosixException if the kernel gives no such socket, as in some sandboxes
     */
    public NetworkWatch(EventLoop loop, Runnable changed) throws PosixException {
        this.loop = loop;
        this.changed = changed;
        fd = PosixException.check(
                Sockets.socket(Sockets.AF_NETLINK, Sockets.RAW, NETLINK_ROUTE), "socket(AF_NETLINK, NETLINK_ROUTE)");
        try {
            // Without an address of its own (any: 0) it has the kernel's, and what comes from there is not for it
            // (netlink(7)).
            buffer.asSlice(0, SOCKADDR_NL).fill((byte) 0);
            buffer.set(ValueLayout.JAVA_SHORT, 0, (short) Sockets.AF_NETLINK);
            PosixException.check(Sockets.bind(fd, buffer, SOCKADDR_NL), "bind(AF_NETLINK)");
            for (int group : GROUPS) {
                PosixException.check(
                        Sockets.setOption(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group), "hear of routes");
            }
            watch = loop.watch(fd, Epoll.IN, _ -> drain());
        } catch (PosixException e) {
            Io.close(fd);
            throw e;
        }
    }

    private void drain() {
        while (true) {
            int n = Sockets.recv(fd, buffer, 0, BUFFER, 0);
            if (n == -Errno.EINTR) {
                continue;
            }
            if (n == -Errno.ENOBUFS) { // more than fitted: something has changed for sure
                note();
                continue;
            }
            if (n <= 0) {
                return;
            }
            if (concerns(buffer, n)) {
                note();
            }
        }
    }

    private void note() {
        long now = loop.now();
        if (!pending) {
            pending = true;
            since = now;
        }
        long latest = since + PATIENCE_NANOS;
        loop.schedule(timer, now + SETTLING_NANOS - latest > 0 ? latest : now + SETTLING_NANOS);
    }

    /** Whether one of the messages is about the way to the world. */
    static boolean concerns(MemorySegment s, int end) {
        int at = 0;
        while (end - at >= HEADER + 8) {
            int length = s.get(ValueLayout.JAVA_INT_UNALIGNED, at);
            if (length < HEADER || length > end - at) {
                return false;
            }
            int type = s.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 4L) & 0xffff;
            int body = at + HEADER;
            boolean whole = length >= HEADER + 8;
            boolean relevant = switch (type) {
                case RTM_NEWADDR, RTM_DELADDR -> whole && u8(s, body + 3) == RT_SCOPE_UNIVERSE;
                case RTM_NEWROUTE, RTM_DELROUTE ->
                    whole && u8(s, body + 5) != RTPROT_KERNEL && u8(s, body + 7) == RTN_UNICAST;
                default -> false;
            };
            if (relevant) {
                return true;
            }
            at += (length + 3) & ~3;
        }
        return false;
    }

    private static int u8(MemorySegment s, int at) {
        return s.get(ValueLayout.JAVA_BYTE, at) & 0xff;
    }

    @Override
    public void close() {
        loop.cancel(timer);
        watch.close();
        Io.close(fd);
    }
}
