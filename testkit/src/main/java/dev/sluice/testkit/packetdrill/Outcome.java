package dev.sluice.testkit.packetdrill;

/**
 * What a system call gave.
 *
 * @param errno its name, or "" for success
 * @param difference what is wrong with what it wrote into its arguments, or ""
 */
record Outcome(long value, String errno, String difference) {
    static Outcome of(long value) {
        return new Outcome(value, "", "");
    }

    static Outcome error(String errno) {
        return new Outcome(-1, errno, "");
    }

    static Outcome wrote(long value, String difference) {
        return new Outcome(value, "", difference);
    }

    @Override
    public String toString() {
        return errno.isEmpty() ? Long.toString(value) : value + " " + errno;
    }
}
