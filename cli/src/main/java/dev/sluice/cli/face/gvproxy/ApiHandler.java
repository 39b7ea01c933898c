package dev.sluice.cli.face.gvproxy;

import dev.sluice.control.HttpHandler;
import dev.sluice.control.HttpRequest;
import dev.sluice.control.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/**
 * The API over HTTP, to one caller. Mistakes are lines of text.
 *
 * @param others makes something else of the connection, for answers that are no text
 */
record ApiHandler(Api api, Api.Caller caller, Function<Api.Answer, Runnable> others) implements HttpHandler {
    /** A forward takes a hundred; what all guests send at a time must fit into the heap many times. */
    private static final int MAX_GUEST_BODY = 16 << 10;

    @Override
    public HttpResponse handle(HttpRequest request) {
        Api.Answer answer = api.handle(
                caller,
                request.head().method(),
                request.head().path(),
                request.head().query(),
                new String(request.body(), StandardCharsets.UTF_8));
        return answer instanceof Api.Text text ? response(text) : HttpResponse.handover(others.apply(answer));
    }

    @Override
    public int maxBody() {
        return caller instanceof Api.Guest ? MAX_GUEST_BODY : HttpHandler.super.maxBody();
    }

    @Override
    public HttpResponse mistake(int status, String detail) {
        return response(Api.error(status, detail));
    }

    private static HttpResponse response(Api.Text text) {
        return HttpResponse.of(text.status(), text.type(), text.body().getBytes(StandardCharsets.UTF_8));
    }
}
