package dev.sluice.gateway.http;

/** Bytes that are no HTTP message, or one that means different things to different readers. */
public final class BadMessage extends Exception {
    private static final long serialVersionUID = 1;

    private final int status;

    /**
     * @param status for a client that sent it; of a server's message, 502 says so
     * @param message what is wrong with it
     */
    public BadMessage(int status, String message) {
        super(message, null, false, false);
        this.status = status;
    }

    static BadMessage bad(String message) {
        return new BadMessage(400, message);
    }

    public int status() {
        return status;
    }

    /** What is wrong. */
    public String reason() {
        return String.valueOf(getMessage());
    }
}
