package dev.sluice.fuzz;

import dev.sluice.control.HttpHead;
import dev.sluice.control.Json;
import dev.sluice.gateway.http.BadMessage;
import dev.sluice.gateway.http.Framing;
import dev.sluice.wire.JsonReader;
import java.nio.charset.StandardCharsets;

/** What clients of the control plane send: heads of requests, and JSON. */
public final class Http {
    private Http() {}

    /** The first byte says which. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        if (input.u8() % 2 == 0) {
            head(input.rest());
        } else {
            json(new String(input.rest(), StandardCharsets.UTF_8));
        }
    }

    private static void head(byte[] bytes) {
        try {
            HttpHead head = HttpHead.parse(bytes);
            Memory.require(
                    !(head.framing() instanceof Framing.Length(long n) && n < 0), "no body is of negative length");
            Memory.require(!(head.framing() instanceof Framing.UntilClose), "a request has an end");
            Memory.require(head.path().startsWith("/"), "a target is a path");
        } catch (BadMessage e) {
            Memory.require(e.status() >= 400 && e.status() < 600, "a refusal has a status");
            Memory.require(!e.reason().isEmpty(), "a refusal says why");
        }
    }

    private static void json(String text) {
        Object value;
        try {
            value = JsonReader.read(text);
        } catch (IllegalArgumentException e) {
            return; // Refused.
        }
        String written;
        try {
            written = Json.of(value);
        } catch (IllegalArgumentException e) {
            return; // A fraction, of which the API has none to write.
        }
        Memory.require(written.equals(Json.of(JsonReader.read(written))), "what is written reads the same");
    }
}
