/**
 * A guest network whose flows become host sockets.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.gateway.Gateway} is the door: thread-safe, blocking, few methods. Behind it everything of one network lives on one
 * loop: a switch between the guests' links, with the gateway as its local port; the table of guests; and a package for each protocol
 * (arp and ndp, dhcp and dhcp6, dns, icmp, tcp, udp) that all build on {@code flow}.
 *
 * <p>A frame's way: the link reads it into its own memory and hands it to the switch; for the gateway's address, {@code Ipv4Input} or
 * {@code Ipv6Input} validates the packet once (header, checksum or extension headers, who may send from that address, fragments, TTL) and
 * hands it through {@code TransportInput} to its protocol, which may rely on all that. What an address means is decided in one place, {@link
 * dev.sluice.gateway.flow.Destination}; flows have both families' addresses as two {@code long}s and do not ask which it is. Errors are
 * named in ICMPv4's words everywhere and become ICMPv6 on the way to an IPv6 guest (RFC 7915). Back: a protocol builds its header in front of the data, {@code PacketSender} (TCP does it itself) adds IP and Ethernet, and the
 * guest's link sends it. Nobody keeps a frame's memory after the call.
 *
 * <p>Between guests. The switch asks the gateway about frames from one guest to others: {@code NeighbourGuard} keeps back those that play the
 * router or claim an address of the gateway's or of another guest's. Who has an address is {@code GuestTable}'s knowledge: whoever used it
 * first, or has it by DHCP. Where a second guest claims it, or a hardware address turns up on a second link, {@code Challenges} has the first
 * one asked where it was; three questions without an answer, and it gives way. So guests may die, move and change their hardware address, and
 * none can be robbed by one that is merely louder.
 *
 * <p>Name lookups are the exception to the one loop: they run on virtual threads and come back through the loop's mailbox.
 */
@NullMarked
package dev.sluice.gateway;

import org.jspecify.annotations.NullMarked;
