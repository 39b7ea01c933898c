/**
 * The IP layers' own machines: putting datagrams together, cutting them apart, and telling senders what went wrong.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A {@link dev.sluice.stack.ip.Reassembler} turns fragments into datagrams (RFC 791 §3.2, RFC 815 in spirit). A datagram is <em>
 * incomplete</em> from its first fragment until its last; it ends <em>complete</em> (handed out), <em>expired</em> (15 s after its
 * first fragment, whatever came since), <em>evicted</em> (the oldest goes when a limit is reached), or <em>poisoned</em>: a fragment
 * overlapped another, contradicted the end, or made a tiny first fragment. A poisoned datagram keeps its key without memory until it
 * expires, so that neither the fragments before nor those after are ever delivered (RFC 5722 §4, which we apply to IPv4, too). Both families
 * share one table and budget; an IPv6 fragment that is all there is stands alone (RFC 6946).
 * Fragments are noted in a bitmap of 8-byte units and stored in pages by offset, so a fragment costs the same whether it is the second
 * or the eight-thousandth, and in whichever order they come. One source may hold at most half of everything.
 *
 * <p>A {@link dev.sluice.stack.ip.Fragmenter}, or {@link dev.sluice.stack.ip.Ipv6Fragmenter}, is the way back: it cuts a packet to an MTU and copies each piece, with headroom for a
 * link header, into memory of its own, valid during the callback.
 *
 * <p>{@link dev.sluice.stack.ip.IcmpErrorWriter} knows whether an ICMP error may be sent about a packet (RFC 1122 §3.2.2, RFC 1812
 * §4.3.2.7) and builds it (RFC 1812 §4.3.2.3), {@link dev.sluice.stack.ip.Icmpv6ErrorWriter} the same of ICMPv6 (RFC 4443 §2.4); {@link dev.sluice.stack.ip.IcmpError} reads one, and the packet that it quotes; {@link
 * dev.sluice.stack.ip.RateLimiter} keeps their number down, one per receiver, so that nobody learns of others' traffic from it.
 *
 * <p>Memory is allocated from the owner's arena when first needed and stays until the arena closes; nothing here is thread-safe, all
 * calls come from the owner's loop. Time is a parameter: nanoseconds of any monotonic clock. Input has passed {@link
 * dev.sluice.wire.Ipv4Header#check} or {@link dev.sluice.wire.Ipv6Header#check}; nothing here throws on hostile input, it answers with a reason.
 */
@NullMarked
package dev.sluice.stack.ip;

import org.jspecify.annotations.NullMarked;
