package dev.sluice.cli.options;

/** Takes the value of an option or parameter. */
@FunctionalInterface
public interface Value {
    /**
     * Checks and keeps it.
     *
     * @throws IllegalArgumentException saying what is wrong with it, the value included
     */
    void take(String text);

    /** A whole number. */
    static int integer(String text) {
        return Math.toIntExact(number(text, Integer.MIN_VALUE, Integer.MAX_VALUE));
    }

    /** A whole number of 64 bits. */
    static long number(String text) {
        return number(text, Long.MIN_VALUE, Long.MAX_VALUE);
    }

    private static long number(String text, long least, long most) {
        try {
            long number = Long.parseLong(text);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException _) {
            // said below
        }
        throw new IllegalArgumentException("'" + text + "' is not a whole number, or too large");
    }
}
