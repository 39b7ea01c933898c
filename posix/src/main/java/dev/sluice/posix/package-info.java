/**
 * System calls of Linux through the foreign-function API; the only module that may use it.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>Two speeds. Calls of the data path ({@link dev.sluice.posix.Io}, {@link dev.sluice.posix.Epoll}, the send and receive calls of
 * {@link dev.sluice.posix.Sockets}) return the call's result, or the negated {@code errno}; they allocate nothing and
 * never throw for a failed call. Calls of set-up throw {@link dev.sluice.posix.PosixException}, which carries {@code errno}, the call
 * and its arguments. Every handle is a {@code static final} constant and captures {@code errno} into a per-thread segment, which
 * costs nanoseconds beside a system call. No call is marked critical: most can block, and a critical call stops the collector.
 *
 * <p>{@link dev.sluice.posix.Seccomp} takes calls away again, for good and from all threads. The program that the kernel runs for each call
 * from then on is put together by {@code CallFilter} with {@code BpfAssembler}; both are pure, and tested with an interpreter.
 *
 * <p>Memory passed in is the caller's and must be native. Descriptors are plain {@code int}s, made close-on-exec and owned by whoever
 * called. A blocking call occupies its platform thread: never make one from a virtual thread.
 */
@NullMarked
package dev.sluice.posix;

import org.jspecify.annotations.NullMarked;
