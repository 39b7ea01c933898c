/**
 * VPNKit's protocol 22, by which hyperkit, linuxkit, rootlesskit and WSL connect a guest.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A guest connects to a stream socket. Both sides say hello (49 bytes each), the guest names itself by a UUID and may ask for an IPv4
 * address (41 bytes), the server answers with MTU and hardware address, or with a refusal (258 bytes). From then on frames go both
 * ways behind 16-bit little-endian lengths ({@link dev.sluice.link.Framing#LE16}).
 *
 * <p>{@link dev.sluice.link.vmnet.VmnetTable} knows who is who: a UUID keeps its hardware and IPv4 address while the process lives, or
 * until it has no link and another guest needs the address, and two links with one UUID at a time are two doors to the same guest. It is
 * the one place where addresses of vmnet guests are chosen; {@link dev.sluice.link.vmnet.AddressClaims} keeps it in step with DHCP.
 * {@link dev.sluice.link.vmnet.VmnetHandshake} is the conversation. Neither does I/O; {@link dev.sluice.link.LinkServer} drives them on
 * the loop's thread, where both are confined.
 *
 * <p>Unlike VPNKit: address ranges are compared unsigned, the gateway's and the host's address are never given to a guest, a refused
 * request uses up no hardware address, and identities made up for guests without a UUID end with their link.
 */
@NullMarked
package dev.sluice.link.vmnet;

import org.jspecify.annotations.NullMarked;
