/**
 * Time, links and hosts that exist only in a test, all from one seed.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.testkit.VirtualLoop} is a {@link dev.sluice.loop.Loop} whose clock moves only when the test says so: what runs on
 * an event loop in earnest runs here in the test's own thread, turn by turn, and an hour passes in no time.
 *
 * <p>{@link dev.sluice.testkit.Simulation} is a queue of events in virtual time with one seeded source of randomness. {@link
 * dev.sluice.testkit.LinkModel} says what a link does to packets (loses, repeats, delays, reorders, corrupts, queues), {@link
 * dev.sluice.testkit.SimulatedLink} does it. {@link dev.sluice.testkit.TcpScenario} puts two {@link dev.sluice.stack.tcp.Tcb} with random
 * profiles and random users at the ends of such a link and checks after every step what must always be true of TCP; it ends when both
 * connections have ended, or fails with the seed that repeats the failure exactly.
 *
 * <p>Everything is single-threaded. Packets are byte arrays; only what a {@code Tcb} reads lies in native memory.
 */
@NullMarked
package dev.sluice.testkit;

import org.jspecify.annotations.NullMarked;
