/**
 * A DHCP client (RFC 2131 §4.4).
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.net.dhcp.DhcpClient} is the state machine of RFC 2131 figure 5 without its INIT-REBOOT branch: <em>selecting</em>
 * (DISCOVER out, the first acceptable OFFER wins), <em>requesting</em>, <em>checking</em> (the owner asks the link whether the address is
 * free, RFC 5227; if not, DECLINE and ten seconds of rest), <em>bound</em>, <em>renewing</em> (unicast to the server from T1),
 * <em>rebinding</em> (broadcast from T2), and back to selecting when the lease ends or a server says NAK,
 * to a request after the same rest. Retransmissions are 4, 8, 16,
 * 32, 64 s apart, give or take a second; in the renewing states half the time that is left, but at least a minute.
 *
 * <p>Everything runs on the loop. Messages go out through the owner, who also finds those that come in; nothing that comes in can make
 * it throw or allocate more than one message.
 */
@NullMarked
package dev.sluice.net.dhcp;

import org.jspecify.annotations.NullMarked;
