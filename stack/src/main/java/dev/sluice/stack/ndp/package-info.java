/**
 * What a node knows of its link, as machines: whether neighbours are there, and what routers say (RFC 4861, RFC 4862, RFC 8106).
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.stack.ndp.Reachability} is one neighbour (RFC 4861 §7.3): <em>incomplete</em> (asked for, its hardware address
 * unknown), <em>reachable</em> (heard from lately), <em>stale</em> (known, not heard from lately, nobody cares), <em>delay</em> (stale and
 * used: somebody may yet hear from it), <em>probe</em> (asked whether it is still there), <em>failed</em> (no answer; forget it). ARP has no
 * such machine of its own, so it uses this one with other timing: no delay, one question to the neighbour itself, two to everybody. What
 * ARP hears it takes as a <em>claim</em>: one that contradicts what is known is believed only if the known one does not answer.
 *
 * <p>{@link dev.sluice.stack.ndp.RouterDiscovery} is what a host learns of its routers: it says when to solicit (§6.3.7), takes
 * advertisements, and keeps default routers, prefixes of the link, prefixes to make addresses of, name servers and the MTU until their time
 * is over. Every list is short; when one is full, what is new is not taken (RFC 6104's flood of advertisements costs nothing more).
 *
 * <p>No I/O, no clock, no randomness: {@code now} is a parameter, in nanoseconds of any monotonic clock; what to send is the answer of the
 * method called, and the owner sends it. Memory: a few dozen bytes for a neighbour; nothing is allocated but by new entries.
 */
@NullMarked
package dev.sluice.stack.ndp;

import org.jspecify.annotations.NullMarked;
