package dev.sluice.gateway.proxy;

/** Why a request cannot be served, for the guest's user. */
final class ProxyFailure extends Exception {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String detail;

    /**
     * @param status for HTTP
     * @param message what failed, in one line
     * @param detail what was tried, and by which rule; perhaps nothing
     */
    ProxyFailure(int status, String message, String detail) {
        super(message, null, false, false);
        this.status = status;
        this.detail = detail;
    }

    int status() {
        return status;
    }

    String what() {
        return String.valueOf(getMessage());
    }

    String detail() {
        return detail;
    }
}
