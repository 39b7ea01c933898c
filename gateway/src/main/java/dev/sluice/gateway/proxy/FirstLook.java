package dev.sluice.gateway.proxy;

/** Stops as soon as the first bytes of a connection tell what it speaks: TLS by the first, HTTP by the first line. */
final class FirstLook implements Scan {
    /** Of a request line; longer ones are no HTTP here. */
    static final int LONGEST_LINE = 32 << 10;
    /** No method is longer. */
    private static final int LONGEST_METHOD = 24;

    private static final int DELETE = 0x7f;

    private int seen;
    private boolean begun;
    private boolean inMethod = true;

    @Override
    public boolean ends(byte b) {
        seen++;
        if (!begun && (b == '\r' || b == '\n')) {
            return seen > 8;
        }
        boolean first = !begun;
        begun = true;
        if (b == '\n' || seen >= LONGEST_LINE) {
            return true;
        }
        if (inMethod) {
            if (b == ' ') {
                inMethod = false;
                return first;
            }
            boolean letter = b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b == '-' || b == '_';
            return !letter || seen > LONGEST_METHOD;
        }
        return b >= 0 && b < ' ' && b != '\r' || b == DELETE; // no text
    }
}
