package dev.sluice.gateway.forward;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.wire.IpAddress;
import org.jspecify.annotations.Nullable;

/** Finds guests; on the loop's thread. */
public interface Guests {
    /** The one guest there is, or null. */
    @Nullable
    Guest only();

    @Nullable
    Guest find(IpAddress address);

    @Nullable
    Guest named(String name);
}
