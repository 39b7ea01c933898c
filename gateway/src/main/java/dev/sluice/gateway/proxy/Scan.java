package dev.sluice.gateway.proxy;

/** Says where something ends in bytes that come one after the other. */
@FunctionalInterface
interface Scan {
    /** Whatever has come is enough. */
    Scan ANYTHING = _ -> true;

    /** Takes the next byte; true if it is the last. */
    boolean ends(byte b);

    /** So many bytes. */
    static Scan of(int bytes) {
        return new Scan() {
            private int left = bytes;

            @Override
            public boolean ends(byte b) {
                return --left <= 0;
            }
        };
    }
}
