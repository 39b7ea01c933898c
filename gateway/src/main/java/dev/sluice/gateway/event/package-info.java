/**
 * What happens in a gateway, told to whoever listens.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.gateway.event.Events} is asked by the rest of the gateway to tell of something, on whatever thread it happens. It
 * goes two ways. A {@link dev.sluice.gateway.event.Subscription} is somebody of the control plane who listens now: an event is made only
 * if one wants its kind, put into each one's bounded queue without a lock, and the listener's thread woken. One whose queue is full is
 * cut off, with a count and a reason, so that a slow listener costs nobody else anything. And the JVM's flight recorder: while it records,
 * the same is committed as events of JFR ({@code FlowOpenEvent} and its like), which anybody can look at later.
 *
 * <p><b>What it costs.</b> Nothing here is called per packet. Per flow and per lookup, with nobody listening, it is the read of
 * two fields; once the flight recorder was used, an event object of JFR, too. Until then none of its classes is loaded. Drops and stalls happen per packet or turn and are only counted where they
 * happen; {@link dev.sluice.gateway.event.Summaries} looks at the counters once a second while somebody listens, on a thread of its own, and
 * the flight recorder asks for them by itself, from the first flow or
 * lookup on that it records.
 *
 * <p>Nothing is started before the first subscription, and what was started ends with the last.
 */
@NullMarked
package dev.sluice.gateway.event;

import org.jspecify.annotations.NullMarked;
