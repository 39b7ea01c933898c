package dev.sluice.control.diagnose;

/**
 * Something that only those who need it may know. Nothing that prints or writes values shows it: one has to {@link #reveal} it by name.
 *
 * @param reveal the secret itself
 */
public record Secret(String reveal) {
    /** What is shown instead. */
    public static final String SHOWN = "(secret)";

    @Override
    public String toString() {
        return SHOWN;
    }

    /** A text in which whatever a URL says about its user ({@code ://user:password@}) is not shown. */
    public static String withoutCredentials(String text) {
        return text.replaceAll("://[^/@\\s]*@", "://" + SHOWN + "@");
    }
}
