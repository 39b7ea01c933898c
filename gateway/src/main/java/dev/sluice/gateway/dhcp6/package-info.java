/**
 * DHCPv6 on the guest network (RFC 8415).
 *
 * <h2>Theory of operation</h2>
 *
 * <p>Guests make up their addresses from router advertisements; DHCPv6 is for those that want the name server and the search list this way
 * (Information-request), or an address (IA_NA). {@link dev.sluice.gateway.dhcp6.Dhcpv6Server} is the machine: a message in, an answer out,
 * with a bounded table of who has which address. Addresses are counted up from the plan's first; a client (DUID and IAID, on
 * its hardware address) keeps its own as long as the table does not need it for another; when all are taken, or one hardware address has
 * eight, the answer is NoAddrsAvail. What was declined is left alone for ten minutes, an eighth of all at most. {@link
 * dev.sluice.gateway.dhcp6.Dhcpv6Service} puts it on the network and tells a listener of what was given and what came back, so that the guest
 * table binds the address to the guest's MAC until then.
 *
 * <p>Everything runs on the gateway's loop; it is off the data path and may allocate.
 */
@NullMarked
package dev.sluice.gateway.dhcp6;

import org.jspecify.annotations.NullMarked;
