package dev.sluice.gateway.proxy;

import static dev.sluice.host.StreamSocket.WOULD_BLOCK;

import dev.sluice.gateway.http.BodyScan;
import dev.sluice.gateway.http.Framing;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request on its way from the flow's memory to the upstream's socket, which gets its bytes and none of the next request's. One
 * for all requests of a guest's connection. Confined to the loop; writing allocates nothing.
 */
final class RequestBody {
    private final BodyScan scan = new BodyScan();
    /** How {@link #scan} would go on, if the upstream takes all. */
    private final BodyScan probe = new BodyScan();

    private CompletableFuture<BodyOutcome> done = new CompletableFuture<>();
    private @Nullable BodyOutcome outcome;

    /** @param done told how it went */
    void begin(Framing framing, CompletableFuture<BodyOutcome> done) {
        this.done = done;
        outcome = null;
        scan.begin(framing);
        if (scan.isDone()) {
            end(BodyOutcome.WHOLE);
        }
    }

    /** How it went; null while it is under way. */
    @Nullable
    BodyOutcome outcome() {
        return outcome;
    }

    /** As {@link dev.sluice.host.StreamSocket#write}. */
    int write(UpstreamEnd to, MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        if (outcome != null || !to.isFlushed()) {
            return WOULD_BLOCK;
        }
        probe.copy(scan);
        int first = probe.take(memory, at, length);
        int second = first == length && wrapLength > 0 ? probe.take(memory, wrapAt, wrapLength) : 0;
        if (first == 0) {
            breakOff(to, BodyOutcome.BROKEN);
            return WOULD_BLOCK;
        }
        int n = to.socket().write(memory, at, first, wrapAt, second);
        if (n == WOULD_BLOCK) {
            return WOULD_BLOCK;
        }
        if (n < 0) {
            end(BodyOutcome.REFUSED);
            return length + wrapLength;
        }
        if (n == first + second) {
            scan.copy(probe);
        } else {
            scan.take(memory, at, Math.min(n, first));
            if (n > first) {
                scan.take(memory, wrapAt, n - first);
            }
        }
        if (scan.isDone()) {
            end(BodyOutcome.WHOLE);
        } else if (scan.isBroken()) {
            breakOff(to, BodyOutcome.BROKEN);
        }
        return n;
    }

    /** Whether so many bytes are certainly the body's, and can go now: then they may be passed on unseen. */
    boolean mayPass(UpstreamEnd to, int bytes) {
        return outcome == null && to.isFlushed() && bytes <= scan.ahead();
    }

    /** As {@link dev.sluice.host.StreamSocket#write(MemorySegment, long[], int[], int)}, where {@link #mayPass} has allowed it. */
    int pass(UpstreamEnd to, MemorySegment memory, long[] at, int[] lengths, int count) {
        int n = to.socket().write(memory, at, lengths, count);
        if (n > 0) {
            scan.pass(n);
            if (scan.isDone()) {
                end(BodyOutcome.WHOLE);
            }
        } else if (n != WOULD_BLOCK) {
            return write(to, memory, at[0], lengths[0], 0, 0); // the same again, which says what it means
        }
        return n;
    }

    /** It does not come to its end: half a request must not be taken for a whole one. */
    void breakOff(UpstreamEnd to, BodyOutcome how) {
        end(how); // first: who hears of the reset asks why
        to.resetNow();
    }

    /** Nobody moves it any more. */
    void end(BodyOutcome how) {
        outcome = how;
        done.complete(how);
    }
}
