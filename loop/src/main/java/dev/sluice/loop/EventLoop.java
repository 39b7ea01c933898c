package dev.sluice.loop;

import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/** A {@link Loop} on a platform thread of its own, with epoll. */
public final class EventLoop implements Loop, AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.loop");
    private static final int EVENTS_PER_WAIT = 64;
    private static final long MAILBOX_KEY = -1;
    private static final long REPORT_INTERVAL = 1_000_000_000L;
    /** A turn that takes this long is felt: guests' packets wait. */
    private static final long STALL = 20_000_000;

    final Epoll poll;
    private final int wakeFd;
    private final MemorySegment wakeValue = Arena.ofAuto().allocate(8);
    private final Thread thread;
    private final CountDownLatch ended = new CountDownLatch(1);

    /** Bounded by those who post: lookups under way, control requests, accepted guests. */
    private final Queue<Runnable> mailbox = new ConcurrentLinkedQueue<>();
    /** Nothing that is put into the mailbox from now on is run. */
    private volatile boolean over;
    /** Guarded by {@code wakeValue}. */
    private boolean wakeClosed;

    /** True while a wake-up is on its way, so that posting many tasks costs one system call. */
    private final AtomicBoolean woken = new AtomicBoolean();

    private final TimerWheel timers;
    private final List<Runnable> hooks = new ArrayList<>();
    private @Nullable Watch[] watches = new @Nullable Watch[64];
    private int[] generations = new int[64];
    private int[] freeIndexes = new int[64];
    private int freeCount;
    private @Nullable Work workHead;
    private @Nullable Work workTail;
    private long now = System.nanoTime();
    private volatile boolean closing;
    private long failures;
    private long lastReport = now - REPORT_INTERVAL;
    private long turns;
    /** True until the turn that adds the first hook is over: nobody waits for packets yet. */
    private boolean settingUp = true;

    private long stalls;
    private long longestStall;

    private EventLoop(String name) throws PosixException {
        poll = new Epoll(EVENTS_PER_WAIT);
        wakeFd = Io.eventfd();
        PosixException.check(poll.add(wakeFd, Epoll.IN | Epoll.EDGE, MAILBOX_KEY), "epoll_ctl");
        timers = new TimerWheel(now);
        for (int i = watches.length - 1; i >= 0; i--) {
            freeIndexes[freeCount++] = i;
        }
        thread = Thread.ofPlatform().name(name).daemon().unstarted(this::run);
    }

    /** Starts a loop whose thread is called {@code name}. */
    public static EventLoop start(String name) throws PosixException {
        EventLoop loop = new EventLoop(name);
        loop.thread.start();
        return loop;
    }

    @Override
    public long now() {
        return now;
    }

    @Override
    public boolean isCurrent() {
        return Thread.currentThread() == thread;
    }

    @Override
    public void execute(Runnable task) {
        if (closing && !isCurrent()) {
            throw new RejectedExecutionException(thread.getName() + " has ended");
        }
        mailbox.add(task);
        if (over && mailbox.remove(task)) { // it ended meanwhile, and nobody would ever run it
            throw new RejectedExecutionException(thread.getName() + " has ended");
        }
        wake();
    }

    private void wake() {
        if (woken.compareAndSet(false, true)) {
            synchronized (wakeValue) {
                if (!wakeClosed) {
                    wakeValue.set(java.lang.foreign.ValueLayout.JAVA_LONG, 0, 1);
                    Io.write(wakeFd, wakeValue, 0, 8);
                }
            }
        }
    }

    @Override
    public void schedule(Timer timer, long deadline) {
        timers.schedule(timer, deadline);
    }

    @Override
    public void cancel(Timer timer) {
        timers.cancel(timer);
    }

    @Override
    public void enqueue(Work work) {
        if (work.markQueued()) {
            work.next = null;
            if (workTail == null) {
                workHead = work;
            } else {
                workTail.next = work;
            }
            workTail = work;
        }
    }

    @Override
    public void atEndOfTurn(Runnable hook) {
        hooks.add(hook);
    }

    /** Turns so far: a loop that spins shows here. */
    public long turns() {
        return turns;
    }

    /** Turns so far that took 20 ms or more. */
    public long stalls() {
        return stalls;
    }

    /** The longest of them in nanoseconds; 0 if there was none. */
    public long longestStallNanos() {
        return longestStall;
    }

    /** Exceptions that escaped callbacks so far. */
    public long failures() {
        return failures;
    }

    /**
     * Watches a descriptor; on the loop's thread.
     *
     * @param interest {@link Epoll} bits; {@link Epoll#EDGE} is added
     * @throws PosixException if the descriptor cannot be polled or the kernel is out of memory
     */
    public Watch watch(int fd, int interest, Watcher watcher) throws PosixException {
        if (freeCount == 0) {
            grow();
        }
        int index = freeIndexes[--freeCount];
        long key = (long) generations[index] << 32 | index;
        int bits = interest | Epoll.EDGE;
        Watch watch = new Watch(this, fd, bits, watcher, key);
        int result = poll.add(fd, bits, key);
        if (result < 0) {
            freeIndexes[freeCount++] = index;
            throw new PosixException("epoll_ctl(add " + fd + ")", -result);
        }
        watches[index] = watch;
        return watch;
    }

    private void grow() {
        int old = watches.length;
        watches = Arrays.copyOf(watches, old * 2);
        generations = Arrays.copyOf(generations, old * 2);
        freeIndexes = Arrays.copyOf(freeIndexes, old * 2);
        for (int i = old * 2 - 1; i >= old; i--) {
            freeIndexes[freeCount++] = i;
        }
    }

    void unwatch(Watch watch) {
        int index = (int) watch.key;
        poll.remove(watch.fd);
        watches[index] = null;
        generations[index] = (generations[index] + 1) & 0x7fff_ffff;
        freeIndexes[freeCount++] = index;
    }

    private void run() {
        try {
            while (!closing) {
                turn();
            }
            runMailbox();
            over = true;
            runMailbox(); // what came before that was to be seen
            endTurn();
        } finally {
            closing = true;
            over = true;
            poll.close();
            synchronized (wakeValue) {
                wakeClosed = true; // its number may be another's soon
                Io.close(wakeFd);
            }
            ended.countDown();
        }
    }

    private void turn() {
        long before = System.nanoTime();
        if (before - now >= STALL && !settingUp) {
            stalled(before - now);
        }
        settingUp = hooks.isEmpty();
        turns++;
        int ready = poll.await(timeoutMillis(before));
        now = System.nanoTime();
        if (ready < 0 && ready != -Errno.EINTR) {
            throw new IllegalStateException("epoll_wait: " + Errno.text(-ready));
        }
        for (int i = 0; i < ready; i++) {
            long key = poll.data(i);
            if (key == MAILBOX_KEY) {
                continue;
            }
            Watch watch = watches[(int) key];
            if (watch != null && watch.key == key) {
                try {
                    watch.watcher.onReady(poll.events(i));
                } catch (Throwable t) {
                    report(t);
                }
            }
        }
        runMailbox();
        runWork();
        // After everything that is already here: a timer that guards an answer should not find it still unread.
        try {
            timers.advance(now);
        } catch (Throwable t) {
            report(t);
        }
        endTurn();
    }

    private void stalled(long nanos) {
        stalls++;
        longestStall = Math.max(longestStall, nanos);
        if (!FlightRecorder.isInitialized()) {
            return; // nobody has ever recorded: to load the recorder's classes takes longer than many a stall
        }
        StallEvent event = new StallEvent();
        if (event.isEnabled()) {
            event.took = nanos;
            event.loop = thread.getName();
            event.commit();
        }
    }

    /** @param before the time now */
    private int timeoutMillis(long before) {
        if (workHead != null || !mailbox.isEmpty()) {
            return 0;
        }
        long wake = timers.nextWake();
        if (wake == Long.MAX_VALUE) {
            return -1;
        }
        long nanos = wake - before;
        return nanos <= 0 ? 0 : (int) Math.min(Integer.MAX_VALUE, (nanos + 999_999) / 1_000_000);
    }

    private void runMailbox() {
        woken.set(false);
        Runnable task;
        while ((task = mailbox.poll()) != null) {
            try {
                task.run();
            } catch (Throwable t) {
                report(t);
            }
        }
    }

    /** Runs what is queued now; what queues itself meanwhile runs next turn. */
    private void runWork() {
        Work last = workTail;
        while (workHead != null) {
            Work work = workHead;
            workHead = work.next;
            if (workHead == null) {
                workTail = null;
            }
            work.next = null;
            try {
                work.runQueued();
            } catch (Throwable t) {
                report(t);
            }
            if (work == last) {
                return;
            }
        }
    }

    private void endTurn() {
        for (int i = 0; i < hooks.size(); i++) {
            try {
                hooks.get(i).run();
            } catch (Throwable t) {
                report(t);
            }
        }
    }

    /** Whatever it is, also for lack of memory or threads: everybody's network is here, and may have both again. */
    private void report(Throwable t) {
        failures++;
        if (now - lastReport >= REPORT_INTERVAL) {
            lastReport = now;
            try {
                LOG.log(
                        System.Logger.Level.ERROR,
                        "a callback on " + thread.getName() + " failed; the loop goes on",
                        t);
            } catch (Throwable _) {
                // counted, at least
            }
        }
    }

    /** Ends the loop after the tasks already posted, and waits for its thread unless called on it. Idempotent. */
    @Override
    public void close() {
        closing = true;
        if (isCurrent()) {
            return;
        }
        wake();
        boolean interrupted = false;
        while (true) {
            try {
                ended.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
