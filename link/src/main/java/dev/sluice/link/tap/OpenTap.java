package dev.sluice.link.tap;

import dev.sluice.wire.MacAddress;

/**
 * A TAP interface that is there and whose frames can be read.
 *
 * @param fd non-blocking, with a 12-byte virtio-net header before every frame unless {@code offloads} says otherwise; the receiver of
 *     this record closes it
 * @param name the interface's name inside its namespace
 * @param mac the interface's own address, that is the guest's
 * @param offloads what was agreed: a mask of {@code dev.sluice.posix.Tun.TUN_F_*}; or {@link #NO_HEADER}
 */
public record OpenTap(int fd, String name, MacAddress mac, int offloads) {
    /** Frames come and go bare, whole and with their checksums: whoever opened it asked for no more. */
    public static final int NO_HEADER = -1;
}
