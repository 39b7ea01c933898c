/**
 * A TCP/IP host on a link, with a socket-like API: what the gateway is to a guest, this is to a program that wants to <em>be</em> a guest.
 *
 * <h2>Theory of operation</h2>
 *
 * <p><b>Two sides.</b> All protocol work is done on the loop of the link: {@code PacketInput} validates what comes in and hands it to
 * {@code TcpEngine}, {@code UdpEngine} or {@code IcmpEngine}; {@code IpInterface} is the way out, of either family: above it addresses are
 * two halves, IPv4 mapped into IPv6. Users, on virtual threads or
 * others, never touch protocol state. A {@link dev.sluice.net.TcpConnection} is their side of a connection, a {@code TcpSession} with its
 * {@code Tcb} the loop's; between them lie two {@code ByteQueue}s, a few volatile wishes and findings, and one wake-up each way that is
 * sent only when the other side sleeps or has not yet seen the last one. The loop takes no lock and never waits for a user.
 *
 * <p><b>Pace.</b> A writer fills the outgoing queue; the loop moves it into the {@code Tcb}'s send ring as far as that goes; then the queue
 * stays full and the writer waits. What comes in goes from the frame into the incoming queue; when that is full the {@code Tcb} keeps it
 * within its window and tells the peer to wait; when the reader has emptied half of the queue, the loop goes on. So each direction of a
 * connection holds at most {@link dev.sluice.net.NetLimits#queueBytes} plus {@link dev.sluice.net.NetLimits#connectionBuffer}, and an idle
 * one next to nothing.
 *
 * <p><b>States of a connection</b> are those of RFC 9293 §3.3.2, in the {@code Tcb}. For users: being connected, open, input ended
 * ({@code read} gives −1), output shut, closed here, failed ({@link dev.sluice.net.NetException} says how). {@code close} only wishes:
 * what was written is still delivered, then FIN; unread or late input makes it a reset (§3.6.1). {@code abort} is RST at once. A session
 * lives on until the {@code Tcb} reports its end, bounded by that one's timers, then a compact record remembers TIME-WAIT. Of a connection
 * that the peer has reset, the {@code Tcb}'s buffer stays until the user has read what was acknowledged, closes, or the stack ends.
 *
 * <p><b>Listening.</b> A {@link dev.sluice.net.TcpListener} holds at most its backlog of handshakes and connections not yet accepted, so an
 * established connection always has a place. SYNs beyond it are answered by cookies, of which nothing is remembered, as long as there is a
 * place for the connection; else they are ignored and come again. If it is asked to, it keeps those back that have not said anything yet. A {@link dev.sluice.net.TcpServer} owns a listener, its connections and a
 * virtual thread for each, and ends them all.
 *
 * <p><b>Errors from routers</b> (RFC 5927) count only if they quote something in flight. A narrower path makes segments smaller, down to 576
 * bytes a packet, or 1280 over IPv6, and those of later connections to the same destination, for ten minutes; a refusal ends a handshake, never an established connection; all else is kept as {@link
 * dev.sluice.net.TcpConnection#softError} and given as the reason if TCP gives up.
 *
 * <p><b>Sending.</b> TCP hands super-segments and unfinished checksums to the link, whatever the link is; a link without offloads finishes
 * them in software. A congested link holds back sessions and UDP sockets until it has room again; then they take turns. In one turn of the loop a
 * session hands over at most 64 super-segments, so that the others, and the timers, come next.
 *
 * <p><b>Addresses</b> ({@code HostAddresses}). Fixed, or from {@link dev.sluice.net.dhcp.DhcpClient}, or made of what IPv6 routers advertise, or given by a DHCPv6 server; always asked for before
 * use (RFC 5227, RFC 4862). When one is lost, its connections end and another is sought.
 *
 * <p><b>Memory.</b> Rings of the {@code Tcb}s come from one pool per stack, off the heap, under {@link
 * dev.sluice.net.NetLimits#bufferBytes}; queues are arrays of the heap. Frames are only read during the call that brings them.
 *
 * <p>RFCs: 791, 792, 826, 768, 1122, 1191, 2131, 3168, 4987, 5227, 5927, 5961, 6056, 6528, 7126, 7323, 9293; 3810, 4443, 4861, 4862, 6724, 8106, 8200,
 * 8201, 8415. Not here: a resolver, loopback to the host's own address, multicast groups of users.
 */
@NullMarked
package dev.sluice.net;

import org.jspecify.annotations.NullMarked;
