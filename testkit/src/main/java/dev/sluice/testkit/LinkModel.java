package dev.sluice.testkit;

/**
 * What one direction of a link does to packets.
 *
 * @param lossPermille lost, per thousand
 * @param duplicatePermille delivered twice
 * @param corruptPermille delivered with a flipped bit
 * @param reorderPermille held back by up to {@code reorderNanos}
 * @param reorderNanos see above
 * @param delayNanos time on the way
 * @param bytesPerSecond rate; 0 for no limit
 * @param queueBytes what waits for the rate at most; more is lost
 * @param blackoutFrom from when on nothing passes
 * @param blackoutTo until when nothing passes
 */
public record LinkModel(
        int lossPermille,
        int duplicatePermille,
        int corruptPermille,
        int reorderPermille,
        long reorderNanos,
        long delayNanos,
        long bytesPerSecond,
        int queueBytes,
        long blackoutFrom,
        long blackoutTo) {

    /** Delivers everything, in order, at once. */
    public static LinkModel perfect() {
        return new LinkModel(0, 0, 0, 0, 0, 10_000, 0, 0, 0, 0);
    }
}
