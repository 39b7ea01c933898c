package dev.sluice.stack.ip;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Native pages for fragments: taken from an arena in blocks as they are needed, then kept and reused. */
final class PageStore {
    /** Bytes per page: a fragment of an Ethernet fits in one or two. */
    static final int PAGE = 2048;

    private static final int BLOCK = 32;

    private final Arena arena;
    private final int capacity;
    private final MemorySegment[] blocks;
    /** The free page after this one. */
    private final int[] nextFree;

    private int free = -1;
    private int made;
    private int used;

    PageStore(Arena arena, long bytes) {
        this.arena = arena;
        this.capacity = (int) Math.min(bytes / PAGE, 1 << 20);
        this.blocks = new MemorySegment[(capacity + BLOCK - 1) / BLOCK];
        this.nextFree = new int[capacity];
    }

    int capacity() {
        return capacity;
    }

    int used() {
        return used;
    }

    long allocated() {
        return (made + BLOCK - 1) / BLOCK * (long) BLOCK * PAGE;
    }

    private int take() {
        used++;
        if (free >= 0) {
            int page = free;
            free = nextFree[page];
            return page;
        }
        if (made % BLOCK == 0) {
            blocks[made / BLOCK] = arena.allocate((long) BLOCK * PAGE, 8);
        }
        return made++;
    }

    void free(FragmentedDatagram datagram) {
        for (int i = 0; datagram.pageCount > 0; i++) {
            int page = datagram.pages[i];
            if (page >= 0) {
                nextFree[page] = free;
                free = page;
                used--;
                datagram.pages[i] = -1;
                datagram.pageCount--;
            }
        }
    }

    /** Copies payload in; the caller has made room for the pages it lacks. */
    void write(FragmentedDatagram datagram, int offset, MemorySegment s, long at, int length) {
        for (int done = 0; done < length; ) {
            int within = (offset + done) % PAGE;
            int size = Math.min(PAGE - within, length - done);
            int slot = (offset + done) / PAGE;
            if (datagram.pages[slot] < 0) {
                datagram.pages[slot] = take();
                datagram.pageCount++;
            }
            int page = datagram.pages[slot];
            MemorySegment.copy(s, at + done, blocks[page / BLOCK], page % BLOCK * (long) PAGE + within, size);
            done += size;
        }
    }

    /** Copies payload out; all of it must be here. */
    void read(FragmentedDatagram datagram, int offset, int length, MemorySegment s, long at) {
        for (int done = 0; done < length; ) {
            int within = (offset + done) % PAGE;
            int size = Math.min(PAGE - within, length - done);
            int page = datagram.pages[(offset + done) / PAGE];
            MemorySegment.copy(blocks[page / BLOCK], page % BLOCK * (long) PAGE + within, s, at + done, size);
            done += size;
        }
    }
}
