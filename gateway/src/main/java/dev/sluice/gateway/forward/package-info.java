/**
 * Published ports: places on the host (a TCP or UDP port, a Unix socket) that lead to a port of a guest.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A {@link dev.sluice.gateway.forward.ForwardSpec} says what is wanted and is all that two forwards have to agree in to be the same;
 * {@link dev.sluice.gateway.forward.ForwardSyntax} reads and writes its text. {@link dev.sluice.gateway.forward.Forwards} holds those
 * that are open, by where they listen. Adding what is there already changes nothing; adding something else in its place is refused;
 * several that are added together are open all or not at all. What is published stays so whatever its guest does: the guest is looked
 * for anew with each connection or datagram, by address, by the name in its DHCP lease, or as the only one there is, so a reboot or
 * another address does no harm.
 *
 * <p>Removing closes the listener at once: the port is free when the call returns. What goes through it by then either drains (goes on
 * to its own end) or is cut (reset), as the remover chooses; a UDP forward has no end of its own and is always cut.
 *
 * <p>Whose address the guest sees, and which way the data takes, is decided in {@link dev.sluice.gateway.tcp.TcpInbound}.
 *
 * <p>Everything but the syntax runs on the gateway's loop.
 */
@NullMarked
package dev.sluice.gateway.forward;

import org.jspecify.annotations.NullMarked;
