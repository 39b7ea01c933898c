package dev.sluice.control.ninep;

import java.io.IOException;

/** What a client gets as Rerror. */
public final class NinepException extends IOException {
    private static final long serialVersionUID = 1;
    private static final int EPERM = 1;
    private static final int ENOENT = 2;
    private static final int EIO = 5;
    private static final int EBADF = 9;
    private static final int ENOSYS = 38;

    /** For 9P2000.u. */
    private final int errno;

    private NinepException(int errno, String message) {
        super(message);
        this.errno = errno;
    }

    public static NinepException permissionDenied() {
        return new NinepException(EPERM, "permission denied");
    }

    static NinepException notFound() {
        return new NinepException(ENOENT, "file not found");
    }

    static NinepException noSuchFid() {
        return new NinepException(EBADF, "fid not found");
    }

    static NinepException notImplemented() {
        return new NinepException(ENOSYS, "Function not implemented");
    }

    public static NinepException failed(String why) {
        return new NinepException(EIO, why);
    }

    int errno() {
        return errno;
    }
}
