/**
 * One thread, its descriptors, timers and mailbox.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A {@link dev.sluice.loop.Loop} is a single thread that everything of one gateway runs on, so that nothing on the data path needs
 * a lock. It goes round in <em>turns</em>: wait for descriptors, run what is ready, run the mailbox, run the work queue, fire timers
 * (last, so that a timer which guards an answer does not find it still unread), then the end-of-turn hooks (where links flush batches and flows acknowledge). {@link dev.sluice.loop.Loop#now} is read once per
 * turn. Only {@link dev.sluice.loop.Loop#execute} may be called from another thread.
 *
 * <p>{@link dev.sluice.loop.Work} is the fairness device: whoever has more to do than its share of a turn (a flow whose socket still
 * holds data) puts itself on the work queue instead of looping, and the next wait does not block.
 *
 * <p>An exception that escapes a callback is counted, reported to the loop's handler and ends that callback only, never the loop.
 *
 * <p>{@link dev.sluice.loop.EventLoop} is the real one (epoll, edge-triggered); the simulator of {@code testkit} is the other.
 */
@NullMarked
package dev.sluice.loop;

import org.jspecify.annotations.NullMarked;
