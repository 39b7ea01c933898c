/**
 * A host's addresses on one link, of both families: neighbours, routes, packets out.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.net.ip.IpInterface} is the way out for every protocol: {@code route} names the next hop (a neighbour on the
 * link, a router, a group), {@code source} the address to send from, {@code send} puts Ethernet and IP in front and cuts what is longer than
 * the MTU. Behind it stand {@link dev.sluice.net.ip.Ipv4Interface}, with one address and ARP, and {@link dev.sluice.net.ip.Ipv6Interface},
 * with several and neighbour discovery; it says and answers nothing until it is started.
 *
 * <p>A {@link dev.sluice.net.ip.Neighbour} is kept by its users, so a packet costs no look-up; its states are those of {@link
 * dev.sluice.stack.ndp.Reachability}, and it is <em>gone</em> if three questions stay unanswered or room is needed. Packets to one whose
 * hardware address is not known wait, a bounded number of bytes each; a super-segment does not wait, TCP sends it again, but it is asked for. TCP tells nothing of
 * its progress: a question to a neighbour in use every half minute costs less than looking out for it.
 *
 * <p>Entries are made by asking, or by being asked for (RFC 826, RFC 4861 §7.2.3); no other message makes one, so a chatty network can't fill
 * the cache. Under ARP, where nothing tells who may speak for an address, one that contradicts what is known is believed only if the known
 * one does not answer; under neighbour discovery the sender's flags decide, as RFC 4861 §7.2.5 has it.
 *
 * <p>An address is taken after RFC 5227 or RFC 4862 §5.4: <em>probing</em> (not ours yet, any objection ends it), then ours and
 * <em>announced</em> (RFC 9131 over IPv6). Later conflicts are counted, logged and answered by one announcement in ten seconds; the address
 * is kept. IPv6 addresses ({@code Ipv6Addresses}): the link-local one of the hardware address; the one given; or one for each advertised prefix, with the same
 * identifier, for as long as {@link dev.sluice.stack.ndp.RouterDiscovery} keeps the prefix, and those that {@link
 * dev.sluice.stack.dhcp6.Dhcpv6Client} is given where a router says that there is a server ({@code Dhcpv6Port} carries it). For each, the host listens to a group and says
 * so ({@code ListenerReports}, RFC 3810), before it asks.
 *
 * <p>Everything is confined to the loop; memory of a frame in {@code send} is only read during the call.
 */
@NullMarked
package dev.sluice.net.ip;

import org.jspecify.annotations.NullMarked;
