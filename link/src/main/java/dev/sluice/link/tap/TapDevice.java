package dev.sluice.link.tap;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Tun;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** From an opened {@code /dev/net/tun} to a TAP interface with offloads, and what to say where the device cannot be had. */
public final class TapDevice {
    private TapDevice() {}

    /**
     * Checks that this user can open the device.
     *
     * @throws IOException with one line saying what to do
     */
    public static void check() throws IOException {
        int fd = Io.open(Tun.DEVICE, Io.O_RDWR | Io.O_NONBLOCK);
        if (fd < 0) {
            throw refusal(-fd);
        }
        Io.close(fd);
    }

    /** Opens the device in the calling thread's network namespace. */
    static int open() throws IOException {
        int fd = Io.open(Tun.DEVICE, Io.O_RDWR | Io.O_NONBLOCK);
        if (fd < 0) {
            throw refusal(-fd);
        }
        return fd;
    }

    private static IOException refusal(int errno) {
        return new IOException(
                switch (errno) {
                    case Errno.ENOENT, Errno.ENODEV, Errno.ENXIO ->
                        "there is no " + Tun.DEVICE
                                + ": load its driver with 'sudo modprobe tun'; in a container, start that"
                                + " with --device " + Tun.DEVICE;
                    case Errno.EACCES, Errno.EPERM ->
                        "may not open " + Tun.DEVICE + ": as root, 'chmod 666 " + Tun.DEVICE
                                + "' (the usual mode; it gives no rights by itself)";
                    default -> "cannot open " + Tun.DEVICE + ": " + Errno.text(errno);
                });
    }

    /**
     * Takes over an interface that somebody else has made and handed over as a descriptor.
     *
     * @throws IOException if it is none
     */
    public static OpenTap adopt(int fd) throws IOException {
        try {
            int flags = Tun.flags(fd);
            if ((flags & Tun.IFF_TAP) == 0) {
                throw new IOException("descriptor " + fd + " is a TUN interface, and a TAP one is needed");
            }
            Io.setNonBlocking(fd);
            MacAddress mac = new MacAddress(Tun.mac(fd));
            if ((flags & Tun.IFF_VNET_HDR) == 0) {
                return new OpenTap(fd, Tun.name(fd), mac, OpenTap.NO_HEADER);
            }
            Tun.setVnetHeaderSize(fd, Tun.VNET_HEADER);
            return new OpenTap(fd, Tun.name(fd), mac, Tun.enableOffloads(fd));
        } catch (PosixException e) {
            throw new IOException("descriptor " + fd + " is no open TAP interface", e);
        }
    }

    /**
     * Makes the interface from an opened descriptor, in the namespace where that was opened, and agrees on offloads. Closes {@code fd}
     * on failure.
     *
     * @param mac hardware address to give it, or null for the kernel's choice
     */
    public static OpenTap attach(int fd, String name, @Nullable MacAddress mac) throws IOException {
        boolean done = false;
        try {
            Io.setNonBlocking(fd);
            String given = Tun.attach(fd, name, Tun.IFF_TAP | Tun.IFF_NO_PI | Tun.IFF_VNET_HDR);
            Tun.setVnetHeaderSize(fd, Tun.VNET_HEADER);
            int offloads = Tun.enableOffloads(fd);
            if (mac != null) {
                Tun.setMac(fd, mac.bits());
            }
            OpenTap tap = new OpenTap(fd, given, new MacAddress(Tun.mac(fd)), offloads);
            done = true;
            return tap;
        } catch (PosixException e) {
            throw switch (e.errno()) {
                case Errno.EBUSY ->
                    new IOException(
                            "cannot open the interface " + name
                                    + ": another program has it open; end that one, or choose another name",
                            e);
                case Errno.EINVAL, Errno.EEXIST ->
                    new IOException(
                            "cannot make the interface " + name
                                    + ": the name is taken in that namespace; choose another",
                            e);
                case Errno.EPERM ->
                    new IOException(
                            "may not open the interface " + name
                                    + ", or make it: run as the user who made the namespace, or as root, who can also make it for"
                                    + " you: ip tuntap add " + name + " mode tap user NAME",
                            e);
                default -> e;
            };
        } finally {
            if (!done) {
                Io.close(fd);
            }
        }
    }
}
