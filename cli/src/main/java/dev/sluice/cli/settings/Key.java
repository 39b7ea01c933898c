package dev.sluice.cli.settings;

/**
 * Something that can be set.
 *
 * @param name with its section, as {@code dns.servers}
 * @param form how its value is written
 * @param live whether it may change while the network runs
 * @param option that says the same on the command line; empty if there is none
 * @param usual what holds if nobody says anything, in words
 * @param text what it means, in a sentence
 */
public record Key<T extends Object>(String name, Form<T> form, boolean live, String option, String usual, String text) {
    /** There is one object of each. */
    @Override
    public boolean equals(Object other) {
        return this == other;
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }

    @Override
    public String toString() {
        return name;
    }
}
