package dev.sluice.control;

import org.jspecify.annotations.Nullable;

/** Lets through only who shows the token (RFC 6750 §2.1), before anything of a body is read. */
final class TokenGuard implements HttpHandler {
    private static final String SCHEME = "bearer ";

    private final ApiToken token;
    private final HttpHandler behind;

    TokenGuard(ApiToken token, HttpHandler behind) {
        this.token = token;
        this.behind = behind;
    }

    @Override
    public @Nullable HttpResponse refusal(HttpHead head) {
        String shown = head.request().fields().first("authorization").orElse("");
        boolean good = shown.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
                && token.matches(shown.substring(SCHEME.length()).strip());
        return good
                ? behind.refusal(head)
                : HttpResponse.problem(401, "show the token of --api-token-file: 'Authorization: Bearer TOKEN'")
                        .with("WWW-Authenticate", "Bearer realm=\"sluice\"");
    }

    @Override
    public int maxBody() {
        return behind.maxBody();
    }

    @Override
    public HttpResponse handle(HttpRequest request) {
        return behind.handle(request);
    }
}
