package dev.sluice.host;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Work;
import dev.sluice.posix.Memory;
import dev.sluice.posix.PosixException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * What the {@link Joint}s of one loop share: memory and pipes to move bytes through, and the turns in which those with much to move do so.
 * Confined to the loop.
 *
 * <p>A stream goes faster the more of it is moved at a time, because reader and writer beside it are woken less often; but while bytes move,
 * everything else on the loop waits. So all together move about as much in a turn of the loop as the memory holds, and not a little of
 * each: who is first in line takes what there is of it, who found nothing left is among the first of the next turn. Who has little to say
 * does not stand in line.
 */
public final class Scratch {
    /** Of the memory, and about what moves in a turn of the loop; physical pages are taken only as far as it is used. */
    public static final int BYTES = 4 << 20;

    /** Pipes at a time. One is enough while all readers keep up; of others each may hold one, and who finds none copies. */
    static final int PIPES = 16;

    /** A joint is not begun with for less. */
    private static final int LEAST = 256 << 10;

    private final Loop loop;
    private final Deque<Joint> line = new ArrayDeque<>();
    private @Nullable MemorySegment memory;
    /** An empty one. */
    private @Nullable KernelPipe spare;
    /** How many there are. */
    private int pipes;

    private long pipesRefused;

    private boolean closed;
    /** When much was moved last, on the loop's clock. */
    private long used;

    private final Work turn = new Work() {
        @Override
        protected void run() {
            serve();
        }
    };

    public Scratch(Loop loop) {
        this.loop = loop;
        this.used = loop.now() - 1;
    }

    /** {@value #BYTES} bytes, page-aligned. Holds nothing between calls, so others on the loop may use it, too. */
    public MemorySegment memory() {
        MemorySegment made = memory;
        if (made == null) {
            made = allocate();
            memory = made;
        }
        return made;
    }

    private static MemorySegment allocate() {
        try {
            return Memory.map(BYTES, Arena.ofAuto());
        } catch (PosixException e) {
            throw new OutOfMemoryError(e.getMessage());
        }
    }

    /** An empty pipe, the caller's until {@link #give}; null if there is none. */
    @Nullable
    KernelPipe pipe() {
        KernelPipe pipe = spare;
        if (pipe != null) {
            spare = null;
            return pipe;
        }
        pipe = pipes == PIPES ? null : KernelPipe.open();
        if (pipe != null) {
            pipes++;
        } else {
            pipesRefused++;
        }
        return pipe;
    }

    /** Takes a pipe back; what lies in it is lost. */
    void give(KernelPipe pipe) {
        if (pipe.held() == 0 && spare == null && !closed) {
            spare = pipe;
        } else {
            pipe.close();
            pipes--;
        }
    }

    /** Pipes that are open now. */
    int pipes() {
        return pipes;
    }

    /** Pipes that somebody holds now: what lies in them waits for a reader that does not keep up. */
    public int pipesHeld() {
        return spare == null ? pipes : pipes - 1;
    }

    /** How often there was none. */
    public long pipesRefused() {
        return pipesRefused;
    }

    /** Nothing new will move: lets its descriptors go. */
    public void close() {
        closed = true;
        KernelPipe pipe = spare;
        spare = null;
        if (pipe != null) {
            give(pipe);
        }
    }

    /** Whether nobody stands in line, and nobody has moved much in this turn. */
    boolean isFree() {
        return line.isEmpty() && used != loop.now();
    }

    /** Much was moved in this turn. */
    void use() {
        used = loop.now();
    }

    /** Puts a joint that is not in line at its end. */
    void line(Joint joint) {
        line.addLast(joint);
        loop.enqueue(turn);
    }

    private void serve() {
        int left = BYTES;
        try {
            for (int n = line.size(); n > 0 && left >= LEAST; n--) {
                left -= line.removeFirst().serve(left);
            }
        } finally {
            // also after one that threw: the others ignore events until their turn comes
            if (!line.isEmpty()) {
                loop.enqueue(turn);
            }
        }
    }
}
