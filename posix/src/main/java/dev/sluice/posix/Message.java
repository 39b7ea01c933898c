package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;
import static dev.sluice.posix.Native.LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Layout of {@code struct msghdr}, {@code mmsghdr} and {@code cmsghdr} on 64-bit Linux, with walking of control messages that trusts no
 * length. Only addresses are stored: the caller keeps the named memory alive.
 */
public final class Message {
    /** {@code sizeof(struct msghdr)} and the offsets of its fields. */
    public static final int HEADER = 56;

    public static final int NAME = 0;
    public static final int NAME_LENGTH = 8;
    public static final int IOV = 16;
    public static final int IOV_COUNT = 24;
    public static final int CONTROL = 32;
    public static final int CONTROL_LENGTH = 40;
    /** Flags the kernel returns: MSG_TRUNC, MSG_CTRUNC… */
    public static final int FLAGS = 48;

    /** {@code sizeof(struct mmsghdr)}: a msghdr, then the message's length. */
    public static final int MULTI_HEADER = 64;

    public static final int MULTI_LENGTH = 56;

    /** {@code sizeof(struct cmsghdr)}: length including this header, level, type. */
    public static final int CONTROL_HEADER = 16;

    private static final int CONTROL_LEVEL = 8;
    private static final int CONTROL_TYPE = 12;
    public static final int SCM_RIGHTS = 1;
    public static final int SCM_CREDENTIALS = 2;

    private Message() {}

    /**
     * Writes a msghdr at {@code at}. Pass {@link MemorySegment#NULL} and 0 for a name or control part that is not wanted.
     *
     * @param iovecs entries as {@link Io#putIovec} writes them
     */
    public static void putHeader(
            MemorySegment s,
            long at,
            MemorySegment name,
            long nameAt,
            int nameLength,
            MemorySegment iovecs,
            long iovecsAt,
            int iovecCount,
            MemorySegment control,
            long controlAt,
            long controlLength) {
        s.set(LONG, at + NAME, Io.address(name, nameAt, nameLength));
        s.set(LONG, at + NAME_LENGTH, nameLength);
        s.set(LONG, at + IOV, Io.address(iovecs, iovecsAt, (long) iovecCount * Io.IOVEC));
        s.set(LONG, at + IOV_COUNT, iovecCount);
        s.set(LONG, at + CONTROL, Io.address(control, controlAt, controlLength));
        s.set(LONG, at + CONTROL_LENGTH, controlLength);
        s.set(LONG, at + FLAGS, 0);
    }

    /** A msghdr without name and control part. */
    public static void putHeader(MemorySegment s, long at, MemorySegment iovecs, long iovecsAt, int iovecCount) {
        putHeader(s, at, MemorySegment.NULL, 0, 0, iovecs, iovecsAt, iovecCount, MemorySegment.NULL, 0, 0);
    }

    /** Sets the lengths that the kernel changes on receive back to what is there. */
    public static void rearm(MemorySegment s, long at, int nameLength, long controlLength) {
        s.set(INT, at + NAME_LENGTH, nameLength);
        s.set(LONG, at + CONTROL_LENGTH, controlLength);
        s.set(INT, at + FLAGS, 0);
    }

    /** Length of the name the kernel wrote. */
    public static int nameLength(MemorySegment s, long at) {
        return s.get(INT, at + NAME_LENGTH);
    }

    /** Length of the control part the kernel wrote. */
    public static long controlLength(MemorySegment s, long at) {
        return s.get(LONG, at + CONTROL_LENGTH);
    }

    public static int flags(MemorySegment s, long at) {
        return s.get(INT, at + FLAGS);
    }

    /** Length of message {@code index} of an mmsghdr vector. */
    public static int multiLength(MemorySegment vector, int index) {
        return vector.get(INT, (long) index * MULTI_HEADER + MULTI_LENGTH);
    }

    /** Bytes that a control message with {@code dataLength} bytes of data takes, padding included ({@code CMSG_SPACE}). */
    public static int controlSpace(int dataLength) {
        return CONTROL_HEADER + ((dataLength + 7) & ~7);
    }

    /**
     * The first control message, or -1.
     *
     * @param at 8-aligned start of the control part
     * @param length its length, as {@link #controlLength} gives it; cut to the segment
     */
    public static long firstControl(MemorySegment control, long at, long length) {
        return checked(control, at, at + Math.min(length, control.byteSize() - at));
    }

    /** The control message after the one at {@code current}, or -1. */
    public static long nextControl(MemorySegment control, long at, long length, long current) {
        long end = at + Math.min(length, control.byteSize() - at);
        return checked(control, current + ((control.get(LONG, current) + 7) & ~7L), end);
    }

    private static long checked(MemorySegment control, long message, long end) {
        if (message < 0 || end - message < CONTROL_HEADER) {
            return -1;
        }
        long length = control.get(LONG, message);
        return length >= CONTROL_HEADER && length <= end - message ? message : -1;
    }

    public static int controlLevel(MemorySegment control, long message) {
        return control.get(INT, message + CONTROL_LEVEL);
    }

    public static int controlType(MemorySegment control, long message) {
        return control.get(INT, message + CONTROL_TYPE);
    }

    /** Bytes of data, which start at {@code message + }{@value #CONTROL_HEADER}. */
    public static int controlDataLength(MemorySegment control, long message) {
        return (int) (control.get(LONG, message) - CONTROL_HEADER);
    }

    /** Writes a control header; data of {@code dataLength} bytes follows it. Returns {@link #controlSpace}. */
    public static int putControl(MemorySegment control, long at, int level, int type, int dataLength) {
        control.set(LONG, at, CONTROL_HEADER + dataLength);
        control.set(INT, at + CONTROL_LEVEL, level);
        control.set(INT, at + CONTROL_TYPE, type);
        return controlSpace(dataLength);
    }

    /** Writes an SCM_RIGHTS message that passes {@code descriptors}; the control length to send. */
    public static int putRights(MemorySegment control, long at, int... descriptors) {
        int space = putControl(control, at, Sockets.SOL_SOCKET, SCM_RIGHTS, 4 * descriptors.length);
        for (int i = 0; i < descriptors.length; i++) {
            control.set(INT, at + CONTROL_HEADER + 4L * i, descriptors[i]);
        }
        return space;
    }

    /** The descriptors a received control part passes; they are now the caller's to close. Slow path: allocates. */
    public static int[] rights(MemorySegment control, long at, long length) {
        int[] found = new int[0];
        for (long m = firstControl(control, at, length); m >= 0; m = nextControl(control, at, length, m)) {
            if (controlLevel(control, m) == Sockets.SOL_SOCKET && controlType(control, m) == SCM_RIGHTS) {
                int count = controlDataLength(control, m) / 4;
                int old = found.length;
                found = Arrays.copyOf(found, old + count);
                for (int i = 0; i < count; i++) {
                    found[old + i] = control.get(INT, m + CONTROL_HEADER + 4L * i);
                }
            }
        }
        return found;
    }
}
