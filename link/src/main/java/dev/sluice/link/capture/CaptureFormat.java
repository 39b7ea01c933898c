package dev.sluice.link.capture;

import java.util.Locale;

/** How a capture is written. */
public enum CaptureFormat {
    /** Frames and times only; every tool reads it. */
    PCAP("application/vnd.tcpdump.pcap"),
    /** Also which guest, which direction, why dropped, how many are missing, and names. */
    PCAPNG("application/x-pcapng");

    private final String mediaType;

    CaptureFormat(String mediaType) {
        this.mediaType = mediaType;
    }

    public String mediaType() {
        return mediaType;
    }

    /** @throws IllegalArgumentException naming those there are */
    public static CaptureFormat of(String text) {
        return switch (text.toLowerCase(Locale.ROOT)) {
            case "pcap" -> PCAP;
            case "pcapng" -> PCAPNG;
            default -> throw new IllegalArgumentException("'" + text + "' is none of pcap, pcapng");
        };
    }

    /** What a file's name says: pcapng if it ends so, else pcap. */
    public static CaptureFormat ofFile(String name) {
        return name.toLowerCase(Locale.ROOT).endsWith(".pcapng") ? PCAPNG : PCAP;
    }
}
