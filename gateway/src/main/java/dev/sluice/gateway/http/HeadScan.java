package dev.sluice.gateway.http;

/**
 * Finds the end of a head in bytes that come piece by piece: the empty line (RFC 9112 §2.1), or the first byte that makes it no head. Empty
 * lines before it belong to it (§2.2).
 */
public final class HeadScan {
    /** Nothing but empty lines so far; at most so many are skipped. */
    private static final int MAX_EMPTY_LINES = 4;

    private final boolean tolerant;
    private int emptyLines;
    /** The byte before was CR. */
    private boolean cr;
    /** Nothing of the current line has come. */
    private boolean lineStart = true;
    /** Some line had something in it. */
    private boolean begun;

    /** Of a request. */
    public HeadScan() {
        this(false);
    }

    private HeadScan(boolean tolerant) {
        this.tolerant = tolerant;
    }

    /** Of a response, whose lines may end with LF alone ({@link ResponseHead}). */
    public static HeadScan ofResponse() {
        return new HeadScan(true);
    }

    /** Takes the next byte; true if the head ends with it, well or not. */
    public boolean ends(byte b) {
        if (b == '\n') {
            if (!cr && !tolerant) {
                return true; // a bare LF: the parser says so
            }
            cr = false;
            if (lineStart) {
                return begun || ++emptyLines > MAX_EMPTY_LINES;
            }
            lineStart = true;
            return false;
        }
        if (cr || b == 0) {
            return true; // a bare CR
        }
        if (b == '\r') {
            cr = true;
        } else {
            lineStart = false;
            begun = true;
        }
        return false;
    }

    /** Whether anything but empty lines has come. */
    public boolean begun() {
        return begun;
    }
}
