package dev.sluice.control;

import org.jspecify.annotations.Nullable;

/** Answers requests. On virtual threads, several at a time; may block. */
public interface HttpHandler {
    /** The answer to a whole request. */
    HttpResponse handle(HttpRequest request);

    /** What is said of a request that does not get as far as {@link #handle}, or fails there. */
    default HttpResponse mistake(int status, String detail) {
        return HttpResponse.problem(status, detail);
    }

    /** Longest body of a request, in bytes. What is read of it may take 25 times as much memory. */
    default int maxBody() {
        return HttpConnection.MAX_BODY;
    }

    /** Looks at a request before its body is read; an answer refuses it. */
    default @Nullable HttpResponse refusal(HttpHead head) {
        return null;
    }
}
