package dev.sluice.link.tap;

import java.io.IOException;
import java.nio.file.Path;

/** Opens and configures a TAP interface in a network namespace that exists already. */
public final class NamespaceTap {
    private NamespaceTap() {}

    /**
     * In the network namespace of process {@code pid}.
     *
     * @throws IOException with one line saying what failed and what to do; nothing is left behind
     */
    public static OpenTap openByPid(long pid, TapSpec spec) throws IOException {
        throw new IOException("not there yet");
    }

    /**
     * In the network namespace that {@code path} names, as {@code /run/netns/blue} or {@code /proc/PID/ns/net}.
     *
     * @throws IOException with one line saying what failed and what to do; nothing is left behind
     */
    public static OpenTap openByPath(Path path, TapSpec spec) throws IOException {
        throw new IOException("not there yet");
    }
}
