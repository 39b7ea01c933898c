/**
 * Neighbour discovery on the guest network (RFC 4861, RFC 4862, RFC 8106).
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.gateway.ndp.NdpResponder} is for IPv6 what {@code ArpResponder} is for IPv4, and the router besides. It answers
 * solicitations for the gateway's three addresses (global, host, link-local) and defends them: a guest that asks whether one is free
 * (duplicate address detection, RFC 4862 §5.4) is told that it is not, and one that claims it is counted, named once in the log and
 * contradicted at most every ten seconds. About all other addresses it says nothing, so that guests' own detection is never disturbed:
 * they hear each other through the switch.
 *
 * <p>{@link dev.sluice.gateway.ndp.RouterAdvertiser} tells guests of the prefix, the MTU, the name server and the search list: at once to
 * whoever solicits it, three times to a link that starts, then every few minutes. The gateway offers itself as the default router only
 * where the plan says so, which is where the host has a way to the IPv6 Internet: elsewhere a default route would only make programs wait.
 *
 * <p>Guests' addresses need no asking: as with IPv4, a guest is found where its last packet came from, and what it may claim is the
 * guest table's business; it has one asked only where two claim the same. Messages count only with a hop limit of 255, which nobody beyond the link can produce.
 *
 * <p>Confined to the loop's thread; memory is bounded by constants, a message allocates nothing.
 */
@NullMarked
package dev.sluice.gateway.ndp;

import org.jspecify.annotations.NullMarked;
