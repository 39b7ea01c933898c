package dev.sluice.control;

import java.io.IOException;
import java.io.InputStream;

/** {@code /v1/openapi.json}: the description of this API (OpenAPI 3.1), which a test compares with it. */
final class OpenApi {
    private static final String RESOURCE = "openapi.json";

    private OpenApi() {}

    static void addTo(Router router) {
        router.on("GET", "/v1/openapi.json", request -> {
            request.query().end();
            return HttpResponse.of(200, "application/json", document());
        });
    }

    static byte[] document() throws IOException {
        try (InputStream in = OpenApi.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IOException("this build lacks " + RESOURCE);
            }
            return in.readAllBytes();
        }
    }
}
