package dev.sluice.control;

import dev.sluice.wire.JsonReader;
import java.io.IOException;
import java.util.Map;

/**
 * {@code /v1/settings}: GET shows what holds and who said it; PATCH with a merge patch (RFC 7396) says something over file and command line;
 * {@code /v1/settings/reload}: POST reads the file again. What is wrong changes nothing.
 */
final class SettingsApi {
    private final ControlBackend backend;

    SettingsApi(ControlBackend backend) {
        this.backend = backend;
    }

    void addTo(Router router) {
        router.on("GET", "/v1/settings", request -> {
                    request.query().end();
                    return HttpResponse.json(backend.settingsDoor().state());
                })
                .on("PATCH", "/v1/settings", this::patch)
                .on("POST", "/v1/settings/reload", this::reload);
    }

    private HttpResponse patch(HttpRequest request) throws IOException {
        request.query().end();
        Map<?, ?> members = object(request);
        return done(backend.settingsDoor(), door -> door.patch(members));
    }

    /** The object that is the body. */
    static Map<?, ?> object(HttpRequest request) {
        Object changes;
        try {
            changes = JsonReader.read(request.text());
        } catch (IllegalArgumentException e) {
            throw HttpProblem.bad(String.valueOf(e.getMessage()));
        }
        if (!(changes instanceof Map<?, ?> members)) {
            throw HttpProblem.bad("the body must be an object, as {\"dns\": {\"cache\": false}}");
        }
        return members;
    }

    private HttpResponse reload(HttpRequest request) throws IOException {
        request.query().end();
        return done(backend.settingsDoor(), SettingsDoor::reload);
    }

    @FunctionalInterface
    private interface Attempt {
        SettingsDoor.State make(SettingsDoor door) throws SettingsDoor.Refused;
    }

    private static HttpResponse done(SettingsDoor door, Attempt attempt) {
        try {
            return HttpResponse.json(attempt.make(door));
        } catch (SettingsDoor.Refused e) {
            return HttpResponse.problem(
                    409, String.valueOf(e.getMessage()), e.mistakes().getFirst().key());
        }
    }
}
