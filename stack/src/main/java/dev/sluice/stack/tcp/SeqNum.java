package dev.sluice.stack.tcp;

/** Arithmetic on 32-bit sequence numbers, modulo 2³² (RFC 9293 §3.4). The only place that may compare them. */
public final class SeqNum {
    private SeqNum() {}

    /** {@code a - b} as a signed distance. */
    public static int diff(int a, int b) {
        return a - b;
    }

    public static boolean lt(int a, int b) {
        return a - b < 0;
    }

    public static boolean le(int a, int b) {
        return a - b <= 0;
    }

    public static int max(int a, int b) {
        return lt(a, b) ? b : a;
    }

    public static int min(int a, int b) {
        return lt(a, b) ? a : b;
    }
}
