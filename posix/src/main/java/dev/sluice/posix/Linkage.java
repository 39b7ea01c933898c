package dev.sluice.posix;

/** What every system call here goes through. The runtime links it with the first, in some 30 ms. */
public final class Linkage {
    private Linkage() {}

    /** Links it ahead, on a thread of its own, while the caller has other things to do; whoever comes too early waits. */
    public static void prepare() {
        Thread.ofPlatform().daemon().name("linkage").start(() -> Io.close(-1));
    }
}
