/**
 * ICMP of guests: echo requests answered by the gateway or sent on by the host.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.gateway.icmp.EchoFlows} gets every ICMP message a guest sends. Echo requests (RFC 792) to the gateway and to the
 * host's address are answered here, as both are us. Requests to other addresses leave as the host's own: a <em>flow</em> is one guest
 * address and echo identifier, and one ping socket of the host (icmp(7)), whose kernel gives it an identifier of its own. Replies come
 * back with the responder's true address, the guest's identifier, the sequence and data untouched (RFC 5508 §3). Only identifiers
 * change, so checksums are adjusted, never recomputed (RFC 1624).
 *
 * <p>The time to live goes down by one and out with the request; what routers say about it comes from the socket's error queue and is
 * told to the guest with its own request quoted, from the router's address: {@code ping} and {@code traceroute -I} work through us.
 *
 * <p>A flow has no socket until its first allowed request, and ends after {@link
 * dev.sluice.gateway.flow.Limits#pingIdleSeconds} without a request or reply, or as its guest's idlest when that has its share of the table ({@link
 * dev.sluice.gateway.flow.Mappings}). Where the host
 * lets this user send no pings, requests are answered "administratively prohibited", the remedy is logged once, and the host is asked
 * again every ten seconds at most.
 *
 * <p>Other ICMP from guests is dropped and counted; errors about our UDP and TCP change nothing here.
 *
 * <p>Thread: all on the gateway's loop. Memory: requests are read during the call; replies are sent from the socket's receive buffer
 * with the headers written into the room before them; our own answers are made in one buffer kept for that.
 */
@NullMarked
package dev.sluice.gateway.icmp;

import org.jspecify.annotations.NullMarked;
