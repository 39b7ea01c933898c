package dev.sluice.posix;

import java.io.IOException;

/** A system call of set-up that failed. */
public final class PosixException extends IOException {
    private static final long serialVersionUID = 1L;
    private final int errno;

    /** @param what the call and its arguments, as in {@code open(/dev/net/tun)} */
    public PosixException(String what, int errno) {
        super(what + ": " + Errno.text(errno));
        this.errno = errno;
    }

    public int errno() {
        return errno;
    }

    /**
     * Passes a result on, or throws.
     *
     * @param result a call's result, or its negated errno
     */
    public static int check(int result, String what) throws PosixException {
        if (result < 0) {
            throw new PosixException(what, -result);
        }
        return result;
    }
}
