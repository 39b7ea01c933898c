package dev.sluice.gateway.dns;

/**
 * A record of our own making (RFC 1035 §4.1.3), of class IN.
 *
 * @param owner the name it belongs to, on the wire and uncompressed; empty for the question's
 * @param ttl seconds a guest may keep it
 * @param data RDATA, uncompressed
 */
record ResourceRecord(byte[] owner, int type, int ttl, byte[] data) {
    private static final byte[] OF_THE_QUESTION = {};

    ResourceRecord(int type, int ttl, byte[] data) {
        this(OF_THE_QUESTION, type, ttl, data);
    }
}
