/**
 * One IPv4 address on one link: ARP, the route, packets out.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.net.ip.Ipv4Interface} is the way out for every protocol: {@code route} names the next hop (a neighbour on the
 * link, the gateway, everybody), {@code send} puts Ethernet and IPv4 in front and cuts what is longer than the MTU. A {@link
 * dev.sluice.net.ip.Neighbour} is kept by its users, so a packet costs no look-up; it is <em>incomplete</em>, then <em>reachable</em>,
 * after a minute of use without a sign <em>probing</em>, and <em>gone</em> if three questions stay unanswered or room is needed.
 * Packets to an incomplete neighbour wait, a bounded number of bytes each; a super-segment does not wait, TCP sends it again.
 *
 * <p>Entries are made by asking, or by being asked for (RFC 826); no other message makes one, so a chatty network can't fill the cache.
 *
 * <p>An address is taken after RFC 5227: <em>probing</em> (not ours yet, any objection ends it), then ours and <em>announced</em>. Later
 * conflicts are counted, logged and answered by one announcement in ten seconds; the address is kept.
 *
 * <p>Everything is confined to the loop; memory of a frame in {@code send} is only read during the call.
 */
@NullMarked
package dev.sluice.net.ip;

import org.jspecify.annotations.NullMarked;
