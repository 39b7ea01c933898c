package dev.sluice.control;

/** Why a request cannot be done, thrown by whoever finds out and told as a problem document (RFC 9457). */
public final class HttpProblem extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String field;

    /**
     * With its detail as the message.
     *
     * @param status RFC 9110 §15
     * @param field what is wrong in the request, as {@code records[0].ttl}; empty if it is no field
     */
    public HttpProblem(int status, String detail, String field) {
        super(detail, null, false, false);
        this.status = status;
        this.field = field;
    }

    /** A mistake of the client. */
    static HttpProblem bad(String detail) {
        return bad(detail, "");
    }

    /** A mistake of the client in one field. */
    static HttpProblem bad(String detail, String field) {
        return new HttpProblem(400, detail, field);
    }

    int status() {
        return status;
    }

    HttpResponse response() {
        return HttpResponse.problem(status, String.valueOf(getMessage()), field);
    }
}
