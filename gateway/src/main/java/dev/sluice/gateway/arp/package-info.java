/**
 * ARP on the guest network (RFC 826, RFC 5227).
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.gateway.arp.ArpResponder} answers requests for the gateway's and the host's address, announces both when a link
 * starts, and defends them: a guest that claims one is counted, named once in the log, and contradicted by an announcement at most
 * every ten seconds (RFC 5227 §2.4 c). For other guests it says nothing: they hear each other through the switch and answer themselves.
 *
 * <p>What it learns it tells a {@link dev.sluice.gateway.arp.NeighbourListener}, which decides: senders of requests, and senders of
 * replies that {@link dev.sluice.gateway.arp.ArpResponder#resolve} or {@code ask} asked for within the last three seconds. Other replies teach
 * nothing. A message whose sender is not the one its frame came from is dropped.
 *
 * <p>Confined to the loop's thread; one buffer, no allocation per message, memory bounded by constants.
 */
@NullMarked
package dev.sluice.gateway.arp;

import org.jspecify.annotations.NullMarked;
