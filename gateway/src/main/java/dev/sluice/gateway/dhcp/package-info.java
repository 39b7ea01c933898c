/**
 * The DHCPv4 server of the guest network (RFC 2131, RFC 2132).
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.gateway.dhcp.DhcpServer} is a machine without I/O or clock: a decoded message and the time go in, a {@link
 * dev.sluice.gateway.dhcp.DhcpAnswer} comes out: a reply with the addresses to send it to, or silence with its reason. {@link
 * dev.sluice.gateway.dhcp.DhcpService} stands between it and the links: it decodes, encodes, builds frames, counts, and tells a {@link
 * dev.sluice.gateway.dhcp.LeaseListener} which guest now owns which address.
 *
 * <p>An address of the pool is in one of these states, kept by {@link dev.sluice.gateway.dhcp.LeaseTable}: never used; <em>offered</em>
 * (30 s); <em>bound</em> until the lease ends; <em>free</em>, which remembers its last owner; <em>declined</em>, in quarantine for ten
 * minutes because somebody else answers there. A client is known by its hardware address. It gets the address it has or had; else the
 * one it asks for, if nobody has it; else one never used; else the one whose owner has been gone longest, stale offers before former
 * leases. What a guest uses that was configured by hand is not given to another (RFC 2131 §3.1), unless nothing else is left: else a guest
 * that makes up addresses could take them all. A bound address is never taken away. A reservation ties an address to a hardware address for good.
 *
 * <p>Against starvation: the table has a fixed size; one link may hold a quarter of it (64 at most) in open offers, and then its own oldest
 * offer makes room for its next; declined addresses are at most an eighth. What no limit here can tell from as many machines is a guest that
 * makes up hardware addresses and takes a lease with each: it can use up the pool until those leases end, though nobody loses what it has.
 *
 * <p>A client must send from the hardware address it names in the message, so that no guest can shorten, release or decline another's lease.
 * There is one network behind a gateway and so nothing to relay: a message in the name of a relay agent ({@code giaddr}) gets no answer.
 *
 * <p>Everything runs on the loop's thread of the gateway. This is a slow path: records and maps, some allocation per message.
 */
@NullMarked
package dev.sluice.gateway.dhcp;

import org.jspecify.annotations.NullMarked;
