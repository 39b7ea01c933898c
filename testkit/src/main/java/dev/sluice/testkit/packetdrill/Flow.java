package dev.sluice.testkit.packetdrill;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The connection that packets of a script belong to, and how the script's numbers become those on the wire. */
final class Flow {
    final int localPort;
    final int remotePort;
    /** A listener's: the next SYN of the script begins a connection. */
    boolean listening;
    /** Live minus script, of our sequence numbers; known from our SYN on. */
    private int localOffset;
    /** Live minus script, of the peer's sequence numbers. */
    private int remoteOffset;

    private final Map<Integer, Integer> timestamps = new HashMap<>();
    /** Live minus script, of our timestamps; null before the first. */
    private @Nullable Integer clockOffset;

    Flow(int localPort, int remotePort, boolean listening) {
        this.localPort = localPort;
        this.remotePort = remotePort;
        this.listening = listening;
    }

    void onLocalSyn(int live, long script) {
        localOffset = live - (int) script;
    }

    /** The peer's SYN, which the script numbers {@code script}, has {@code live} on the wire. */
    void onRemoteSyn(int live, long script) {
        remoteOffset = live - (int) script;
    }

    int liveLocal(long script) {
        return (int) script + localOffset;
    }

    int liveRemote(long script) {
        return (int) script + remoteOffset;
    }

    long scriptLocal(int live) {
        return live - localOffset & 0xffff_ffffL;
    }

    long scriptRemote(int live) {
        return live - remoteOffset & 0xffff_ffffL;
    }

    /** Our timestamp {@code live}, which the script writes as {@code script}. */
    void onLocalTimestamp(int live, long script) {
        timestamps.put((int) script, live);
        if (clockOffset == null) {
            clockOffset = live - (int) script;
        }
    }

    /** What a peer echoes that, in the script, echoes {@code script}. */
    int liveEcho(long script) {
        Integer offset = clockOffset;
        Integer known = timestamps.get((int) script);
        return known != null ? known : offset == null ? (int) script : (int) script + offset;
    }

    long scriptTimestamp(int live) {
        Integer offset = clockOffset;
        return (offset == null ? live : live - offset) & 0xffff_ffffL;
    }
}
