/**
 * ARP for the gateway's own addresses (RFC 826), their announcement, and their defence (RFC 5227).
 *
 * <h2>Theory of operation</h2>
 *
 * <p>Requests for the gateway's and the host's address are answered with the plan's MAC, to the asker only. Guests answer each other
 * through the switch; nothing is answered for them. Nothing is learned from ARP either: a guest is known by the packets it sends and
 * by its lease, so a lie in ARP cannot redirect anybody's traffic. When a link starts, both addresses are announced. A guest that claims
 * one of them is counted and warned about once, and the address is defended by an announcement at most once in ten seconds (RFC 5227
 * §2.4 c). On the loop's thread.
 */
@NullMarked
package dev.sluice.gateway.arp;

import org.jspecify.annotations.NullMarked;
