package dev.sluice.cli.view;

import java.util.Locale;

/** Amounts for people. */
public final class Units {
    private static final String[] BYTES = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};

    private Units() {}

    /** As {@code 1.5 MB}. */
    public static String bytes(long bytes) {
        double value = bytes;
        int unit = 0;
        while (value >= 999.95 && unit < BYTES.length - 1) {
            value /= 1000;
            unit++;
        }
        return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", value, BYTES[unit]);
    }

    /** As {@code 1.5 MB/s}; a dash for nothing. */
    public static String rate(long bytesPerSecond) {
        return bytesPerSecond == 0 ? "-" : bytes(bytesPerSecond) + "/s";
    }

    /** As {@code 90 s}, {@code 5 min}, {@code 3 h}, {@code 2 days}. */
    public static String duration(long seconds) {
        return seconds < 120
                ? seconds + " s"
                : seconds < 7200
                        ? seconds / 60 + " min"
                        : seconds < 172_800 ? seconds / 3600 + " h" : seconds / 86_400 + " days";
    }

    /** An address with a port, as {@code 192.0.2.1:80} or {@code [2001:db8::1]:80}; without a port only the address. */
    public static String end(String address, long port) {
        return port == 0 ? address : (address.contains(":") ? "[" + address + "]" : address) + ":" + port;
    }

    /** Others choose names, and must not steer this terminal. */
    public static String printable(String text) {
        return text.replaceAll("[\\p{Cc}\\p{Cf}]", "?");
    }
}
