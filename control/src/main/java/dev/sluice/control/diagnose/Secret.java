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

    /**
     * A text in which whatever a URL says about its user ({@code ://user:password@}) is not shown, nor what a place without a scheme says
     * ({@code user:password@host}). A password may have any character in it, so everything up to the last {@code @} of a word counts as
     * one, rather too much than too little.
     */
    public static String withoutCredentials(String text) {
        return text.replaceAll("://\\S*@", "://" + SHOWN + "@")
                .replaceAll("(^|[\\s=\"'])[^\\s:/@]+:(?!//)\\S*@", "$1" + SHOWN + "@");
    }

    /** The value of a proxy variable without its user; also of one that leaves out the scheme, as many do. */
    public static String ofProxy(String value) {
        return value.contains("://") ? withoutCredentials(value) : value.replaceAll("\\S*@", SHOWN + "@");
    }
}
