/**
 * TCP flows: each is a conversation of a guest, terminated here, joined to a stream socket of the host.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A {@link dev.sluice.gateway.tcp.TcpFlow} joins a {@code Tcb} (RFC 9293, towards the guest) with a {@code StreamSocket} (towards
 * the world). What one side does, the other sees:
 *
 * <table>
 * <caption>What happens on one side and what the other side sees</caption>
 * <tr><th>guest</th><th>host</th></tr>
 * <tr><td>SYN</td><td>connect; the SYN is held unanswered until it ends</td></tr>
 * <tr><td>SYN-ACK | RST | ICMP unreachable | silence</td><td>connected | refused | no route | timed out</td></tr>
 * <tr><td>data</td><td>written from the frame straight into the socket; what the socket refuses stays in the Tcb, whose window says
 * so, until the socket has room</td></tr>
 * <tr><td>FIN, RST</td><td>shutdown for writing, reset</td></tr>
 * <tr><td>keep-alive probe</td><td>keep-alive switched on, at the same pace: probes are answered here, and say nothing of the world</td></tr>
 * <tr><td>data, FIN, RST</td><td>data (read into the Tcb's send ring, from where it goes to the link), end, reset</td></tr>
 * </table>
 *
 * <p>A reset of the host's overtakes nothing: what the host said before, in the socket or in the ring, goes to the guest first, whichever
 * call meets the error, and no FIN in between makes half of it look whole. Nor does a reset of the guest's: what was acknowledged to it,
 * here or in the socket's queue, goes to the host as that takes it, and then the reset ({@code StreamSocket.reset} sees to the socket's
 * part). Such a flow is no flow any more for the guest, who may use its ports again; it waits a minute at most for a host that takes
 * nothing, and only so many wait at a time. Two hosts without a relay would not have lost those bytes either: acknowledged is what the other
 * host has.
 *
 * <p>The first rows, from the SYN to its answer, are {@code Establishment}'s: it asks limits and policy, and knows the gateway's own services.
 *
 * <p><b>Pace.</b> Nothing is acknowledged to the guest that neither the socket nor the Tcb's bounded buffer has; nothing is read from
 * the socket while enough unsent data waits in the ring. So a reader that stalls on either side stops the writer on the other, and
 * memory stays within {@code Limits}. An idle flow owns no buffers.
 *
 * <p><b>Shares.</b> Buffers and places for flows are shared by guests ({@code stack.share}; who is a guest, {@code flow.Shares} says). A guest
 * alone may have nearly all buffers. When others come it is held back, whoever holds most the most: its flows get small rings or none; while
 * it holds more than it would get now, its flows read no more of the host before what they hold is gone, and offer their guests no more
 * ({@code BufferShare.isOver}). Flows that got nothing ask again in 5 ms. So what moves is given back by itself. What stands still is
 * not, and guests that hold it may have come first: if somebody who has less than its guarantee is refused a block, the guest that holds most
 * loses flows with as much, by a reset to both sides, those first that have stood still for longest, and none that has for less than
 * {@code Holders.PATIENCE} (reason {@code evicted}). A guest that only has its share is not touched, however still it stands.
 *
 * <p><b>Batches.</b> Segments only change state; flows that were touched transmit when the link's batch has been read, so one ACK
 * answers many segments, or at once after 512 KiB; where more frames are at hand, an ACK of bulk waits for them ({@code Batch}), and
 * that of a request waits for the answer of a server that answers soon ({@code TcpProfile.answerWait}): half as many frames to the guest. A flow
 * that has read 256 KiB of its socket in a turn queues behind the others; one read fills what is free of its ring, which may be more.
 * No more than {@code Limits.flowBufferBytes} of a flow is under way to or from its guest: on one hop, more only waits in front of others.
 *
 * <p><b>Ends.</b> A live flow is never cut for idleness. A closed one leaves a compact record in the TIME-WAIT table. Half-open flows,
 * flows and records are bounded; what happens at each bound is said in {@code Limits}. When the gateway itself ends, a flow whose guest had
 * said all ends in order towards the host, as its socket may still have much to send; the others are reset. Who can wait asks before how
 * many have bytes on their way ({@code owing}).
 *
 * <p>Inbound, a {@link dev.sluice.gateway.tcp.TcpForward} listens on the host and opens a flow towards the guest; the rest is the same.
 * A client whose address the guest could not be shown (the host's loopback) takes the {@link dev.sluice.gateway.tcp.Shortcut} instead,
 * where sockets can be had inside the guest's namespace: two host sockets joined, no Tcb, no frames. Little is looked at
 * (MSG_PEEK), written to the other socket, and only then taken; much goes through a pipe of the kernel's, uncopied (splice(2)).
 *
 * <p><b>Guests that are gone.</b> A client of a published port asks by keep-alive whether its server is there, and the host's kernel says
 * yes: so it is ours to ask the guest. On a silent connection to a published port a probe goes out every {@code
 * Limits.tcpKeepAliveSeconds} (RFC 9293 §3.8.4, which would have the first after two hours: it has a network in mind whose bits cost, and that
 * breaks for minutes; here is one hop within a machine). A guest that was started anew answers the first probe with a reset. One that says
 * nothing may be paused, and go on after lunch: it keeps its connections as long as systems wait by themselves, two hours and some minutes,
 * and with a link that ends they end at once, when the host has taken what was acknowledged to the guest. Connections of guests to the world
 * are asked about when their server has ended its side, which is how servers say that they have waited long enough: their probes get no
 * further than the host's kernel. Those whose server is patient are asked about after two hours ({@link
 * dev.sluice.gateway.tcp.SilentGuests}): silence ends none of them, a guest that was started anew does.
 *
 * <p>Everything runs on the gateway's loop.
 */
@NullMarked
package dev.sluice.gateway.tcp;

import org.jspecify.annotations.NullMarked;
