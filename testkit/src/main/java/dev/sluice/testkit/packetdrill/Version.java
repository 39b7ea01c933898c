package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Script.Dialect;
import java.util.ArrayList;
import java.util.List;

/**
 * Releases of systems whose defaults differ where scripts notice it. Scripts expect those of the release that they were written on, and do
 * not name it; the first one of a dialect is the newest.
 */
enum Version {
    /** Receive buffers grow to 15 MiB, as the public suites set them. */
    LINUX(Dialect.LINUX, 15 << 20, 40, 1000, true, true, false, false),
    /** Before 2023: a segment size that was set is not told before the handshake. */
    LINUX_5(Dialect.LINUX, 15 << 20, 40, 1000, true, false, false, false),
    /** To 6 MiB, the kernel's own default since 2012. */
    LINUX_3(Dialect.LINUX, 6 << 20, 40, 1000, true, false, false, false),
    /** To 4 MiB, before. */
    LINUX_2(Dialect.LINUX, 4 << 20, 40, 1000, true, false, false, false),
    FREEBSD(Dialect.FREEBSD, 2 << 20, 40, 1000, true, true, false, true),
    FREEBSD_13(Dialect.FREEBSD, 2 << 20, 100, 1000, true, true, true, false),
    FREEBSD_12(Dialect.FREEBSD, 2 << 20, 100, 3000, false, false, true, false),
    SLUICE(Dialect.SLUICE, 0, 40, 1000, false, true, false, false);

    final Dialect dialect;
    final int largestBuffer;
    final int delayedAckMillis;
    /** Before the first round trip was measured. */
    final int rtoInitialMillis;

    final boolean duplicateSack;
    final boolean tellsMaximumSegment;
    /** Windows lose the bits that their scale cuts off. */
    final boolean roundsWindowsDown;
    /** The peer's word that it has slowed down is acknowledged at once. */
    final boolean acknowledgesReaction;

    Version(
            Dialect dialect,
            int largestBuffer,
            int delayedAckMillis,
            int rtoInitialMillis,
            boolean duplicateSack,
            boolean tellsMaximumSegment,
            boolean roundsWindowsDown,
            boolean acknowledgesReaction) {
        this.dialect = dialect;
        this.largestBuffer = largestBuffer;
        this.delayedAckMillis = delayedAckMillis;
        this.rtoInitialMillis = rtoInitialMillis;
        this.duplicateSack = duplicateSack;
        this.tellsMaximumSegment = tellsMaximumSegment;
        this.roundsWindowsDown = roundsWindowsDown;
        this.acknowledgesReaction = acknowledgesReaction;
    }

    static Version newest(Dialect dialect) {
        return of(dialect).getFirst();
    }

    static List<Version> of(Dialect dialect) {
        List<Version> versions = new ArrayList<>();
        for (Version version : values()) {
            if (version.dialect == dialect) {
                versions.add(version);
            }
        }
        return versions;
    }
}
