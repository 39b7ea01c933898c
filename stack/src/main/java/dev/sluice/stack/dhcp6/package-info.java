/**
 * A DHCPv6 client as a machine (RFC 8415).
 *
 * <h2>Theory of operation</h2>
 *
 * <p>Routers say whether there is something to ask for (RFC 4861 §4.2): addresses, or other things only. {@link
 * dev.sluice.stack.dhcp6.Dhcpv6Client} then asks for one IA_NA, or sends an Information-request. States, of what §18.2 calls message
 * exchanges: <em>soliciting</em> (Solicit with Rapid Commit; until the first time-out the Advertise of the highest preference is waited for,
 * one of 255 or a later one is taken at once, a Reply ends it), <em>requesting</em>, <em>bound</em>, <em>renewing</em> (from T1, the same
 * server), <em>rebinding</em> (from T2, any server), <em>declining</em> (somebody else has an address), and <em>informing</em> and
 * <em>informed</em> (asked again after the refresh time). {@code Retransmission} has the timers of §15.
 *
 * <p>An address lives as long as its valid lifetime says, whatever the state. When the last one is over, or a server refuses, soliciting
 * begins again, after ten seconds where somebody has refused, so that refusals can't become a storm; nor can tiny lifetimes, as nothing is
 * renewed before ten seconds.
 *
 * <p>No I/O, no clock: {@code now} is a parameter, and what to send, to {@link dev.sluice.stack.dhcp6.Dhcpv6Client#SERVERS}, is the answer
 * of the method called. Releasing sends one message and waits for no answer, as its owner is closing. Not here: prefixes, Reconfigure (which
 * servers may send only to who accepts it), Confirm (the owner's link does not go up and down), unicast.
 *
 * <p>Memory: at most {@link dev.sluice.stack.dhcp6.Dhcpv6Client#MOST} addresses, the settings of one reply (bounded by {@link
 * dev.sluice.wire.Dhcpv6Reply}) and one Advertise.
 */
@NullMarked
package dev.sluice.stack.dhcp6;

import org.jspecify.annotations.NullMarked;
