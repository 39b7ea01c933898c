package dev.sluice.link.capture;

import dev.sluice.fuzz.Input;
import dev.sluice.fuzz.Memory;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.MacAddress;
import java.nio.charset.StandardCharsets;

/** Filter expressions of people, asked about frames of guests. */
public final class FiltersTarget {
    private FiltersTarget() {}

    /** The length of an expression, the expression, a frame. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        String expression = new String(input.take(input.u8()), StandardCharsets.ISO_8859_1);
        byte[] frame = input.rest();
        Facts facts = new Facts();
        if (frame.length >= EthernetHeader.LENGTH) {
            facts.read(Memory.of(frame), Memory.AT, frame.length);
            Memory.require(facts.sourcePort <= 0xffff && facts.destinationPort <= 0xffff, "ports have 16 bits");
        }
        Filter filter;
        try {
            filter = Filter.compile(expression, name -> name.equals("vm") ? new MacAddress(2) : null);
        } catch (IllegalArgumentException e) {
            return; // Refused.
        }
        Filter negated = Filter.compile(
                "not (" + (expression.isBlank() ? "ip or not ip" : expression) + ")", _ -> new MacAddress(2));
        Memory.require(filter.matches(facts) != negated.matches(facts), "a frame is wanted or it is not");
    }
}
