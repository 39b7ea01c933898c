package dev.sluice.gateway.proxy;

import static dev.sluice.host.StreamSocket.END;
import static dev.sluice.host.StreamSocket.WOULD_BLOCK;

import dev.sluice.gateway.http.BodyScan;
import dev.sluice.gateway.http.Framing;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The body of a response on its way from the upstream's socket to the flow's memory, up to its end and no further. One for all responses of a
 * guest's connection. Confined to the loop; reading allocates nothing.
 */
final class ResponseBody {
    private final BodyScan scan = new BodyScan();
    /** Its length is known: nothing behind it is read. */
    private boolean counted;

    private CompletableFuture<BodyOutcome> done = new CompletableFuture<>();
    private @Nullable BodyOutcome outcome;

    /** @param done told how it went */
    void begin(Framing framing, CompletableFuture<BodyOutcome> done) {
        this.done = done;
        outcome = null;
        scan.begin(framing);
        counted = framing instanceof Framing.Length;
    }

    /** Whether there is none. */
    boolean isEmpty() {
        return scan.isDone();
    }

    /** How it went; null while it is under way. */
    @Nullable
    BodyOutcome outcome() {
        return outcome;
    }

    /** As {@link dev.sluice.host.StreamSocket#read}, but that its end is not the stream's. */
    int read(UpstreamEnd from, MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        if (outcome != null || scan.isDone()) {
            return WOULD_BLOCK;
        }
        int first = length;
        int second = wrapLength;
        if (counted) {
            first = (int) Math.min(first, scan.ahead());
            second = (int) Math.min(second, scan.ahead() - first);
        }
        int n = from.socket().read(memory, at, first, wrapAt, second);
        if (n > 0) {
            first = Math.min(n, first);
            int taken = scan.take(memory, at, first);
            if (taken == first && n > first) {
                taken += scan.take(memory, wrapAt, n - first);
            }
            if (taken < n) {
                from.spoil();
            }
            if (scan.isDone()) {
                end(BodyOutcome.WHOLE);
            } else if (scan.isBroken()) {
                breakOff(from, BodyOutcome.BROKEN);
            }
            return taken == 0 ? WOULD_BLOCK : taken;
        }
        if (n != WOULD_BLOCK) {
            breakOff(from, n == END && scan.endsWithStream() ? BodyOutcome.STREAM_ENDED : BodyOutcome.CUT_OFF);
        }
        return WOULD_BLOCK;
    }

    private void breakOff(UpstreamEnd from, BodyOutcome how) {
        from.spoil();
        end(how);
    }

    /** Nobody moves it any more. */
    void end(BodyOutcome how) {
        outcome = how;
        done.complete(how);
    }
}
