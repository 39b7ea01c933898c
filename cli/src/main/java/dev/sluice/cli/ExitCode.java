package dev.sluice.cli;

/** How commands end; {@code run} passes its command's own code through. */
final class ExitCode {
    static final int OK = 0;
    /** A question was answered, with no. */
    static final int NO = 1;
    /** Wrong options or arguments; nothing was done. */
    static final int USAGE = 2;
    /** This machine lacks or forbids something that is needed; the message says what to do (EX_UNAVAILABLE of sysexits.h). */
    static final int UNAVAILABLE = 69;
    /** A fault of sluice itself (EX_SOFTWARE). */
    static final int INTERNAL = 70;

    private ExitCode() {}
}
