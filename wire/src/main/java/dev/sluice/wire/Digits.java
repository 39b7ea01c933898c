package dev.sluice.wire;

/** Decimal numbers in texts from outside. Part of every start, so without regular expressions: the first of those takes milliseconds. */
final class Digits {
    private Digits() {}

    /**
     * The number that consists of these digits 0 to 9.
     *
     * @param most how many there may be, at most 9
     * @return it; -1 if there are none, more, or others
     */
    static int parse(String text, int most) {
        int number = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (i >= most || c < '0' || c > '9') {
                return -1;
            }
            number = number * 10 + (c - '0');
        }
        return text.isEmpty() ? -1 : number;
    }
}
