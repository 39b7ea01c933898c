package dev.sluice.gateway.dns;

import dev.sluice.wire.IpAddress;

/** Told of each question that was answered, on the thread that answers it. Must not block. */
@FunctionalInterface
public interface LookupListener {
    /**
     * A question was answered.
     *
     * @param name in lower case
     * @param type QTYPE
     * @param reply the whole message; not to be changed
     * @param nanos since it was asked
     */
    void onLookup(IpAddress guest, String name, int type, byte[] reply, long nanos);
}
