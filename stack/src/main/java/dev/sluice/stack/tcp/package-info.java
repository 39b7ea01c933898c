/**
 * TCP (RFC 9293) as a machine without I/O, clock or randomness.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A {@link dev.sluice.stack.tcp.Tcb} is one connection. It is owned by one thread, its shard's; its owner calls it with segments,
 * timers and user requests, each with the time, and hears of what happened by the bits of {@link
 * dev.sluice.stack.tcp.Tcb.Events}. Work is split as follows: what comes in only changes state ({@code onSegment}, {@code onTimer},
 * user calls); what goes out is made by asking "what may be sent now?" ({@code transmit}) at the end of a batch. So acknowledgments of
 * a batch are one, an answer rides on data, and there is one place where segments come from. The owner's loop is:
 *
 * <pre>
 * for each segment of the batch:  handle(tcb.onSegment(…));  if (tcb.unacknowledged() &ge; 128 KiB) tcb.transmit(…)
 * timer due:                      handle(tcb.onTimer(now))
 * source readable:                tcb.reserveSend(n); read into tcb.sendRing()'s free space; ring.commit(got)
 * sink writable again:            handle(tcb.drain(now))
 * then:                           tcb.transmit(now, budget); arm a timer for tcb.deadline()
 * </pre>
 *
 * <h3>Parts</h3>
 *
 * <table>
 * <caption>Classes</caption>
 * <tr><td>{@code Tcb}</td><td>user calls, timers, order of output; the state</td></tr>
 * <tr><td>{@code Arrival}</td><td>what a segment means in each state (RFC 9293 §3.10.7, RFC 5961, RFC 1337)</td></tr>
 * <tr><td>{@code Sender}</td><td>send sequence space, window, silly window avoidance, Nagle, persist, timeout (RFC 6298)</td></tr>
 * <tr><td>{@code LossRecovery}</td><td>what is lost: {@code Recovery} by counting (RFC 5681, 6582, 6675), {@code Rack} by time (RFC 8985), which
 *     keeps when what left in {@code SentRuns}</td></tr>
 * <tr><td>{@code SharedPath}</td><td>only for networks: {@code TailProbe} (RFC 8985 §7), {@code ProportionalRate} (RFC 6937), congestion reports</td></tr>
 * <tr><td>{@code Receiver}, {@code AckPolicy}</td><td>receive sequence space, order, window; when to acknowledge</td></tr>
 * <tr><td>{@code BufferPool}, {@code BufferShare}</td><td>memory of all rings; what one holder's connections may have of it</td></tr>
 * <tr><td>{@code Laggards}</td><td>connections that hold memory and do not get on; they give it up when it is short</td></tr>
 * <tr><td>{@code Timestamps}</td><td>RFC 7323, PAWS</td></tr>
 * <tr><td>{@code CongestionControl}</td><td>{@code OneHop} for guests, {@code Cubic} (RFC 9438) or {@code NewReno} for networks</td></tr>
 * <tr><td>{@code Segment}, {@code SegmentWriter}</td><td>headers and options in and out</td></tr>
 * <tr><td>{@link dev.sluice.stack.tcp.TcpShard}</td><td>what connections of a thread share; answers for no connection</td></tr>
 * <tr><td>{@link dev.sluice.stack.tcp.TimeWaitTable}</td><td>what remains of closed connections</td></tr>
 * </table>
 *
 * <h3>States</h3>
 *
 * <p>Those of RFC 9293 §3.3.2 without LISTEN, which is an entry of the owner's table: a passive {@code Tcb} begins with a SYN, in SYN-RECEIVED
 * but <em>held</em>: nothing is answered and no timer runs until the owner, whose own connection to the real server has succeeded or
 * failed, says {@code accept} or {@code abort}. So a guest sees a refused port as refused. Half-close is complete in both directions: {@code
 * shutdownOutput} sends FIN after the queued data and receiving goes on; {@code REMOTE_CLOSED} says that the peer will send no more and
 * that all it sent was delivered; {@code CLOSED} comes when both FINs are through. With {@code TIME_WAIT} the owner moves the connection into
 * the table and drops the {@code Tcb}; kept, it would answer as well. {@code close} (as opposed to {@code shutdownOutput}) promises that
 * nobody reads any more: then arriving data is answered by RST and FIN-WAIT-2 has a time limit.
 *
 * <h3>Offsets</h3>
 *
 * <p>Sequence numbers exist only in headers. Inside, positions are 64-bit offsets from the SYN of their direction (SYN at 0, first
 * byte at 1, FIN after the last), converted at the border by the distance from SND.UNA or RCV.NXT, so that no comparison can be
 * wrong at a wrap. SND.NXT never moves back: retransmission has a position of its own.
 *
 * <h3>Memory</h3>
 *
 * <p>The {@link dev.sluice.stack.tcp.SendRing} is send queue and retransmission buffer in one, written by the user in place and sent from in
 * place. The receive ring is used only when the user takes less than is offered or something is missing before what came; the
 * common segment goes from the frame to the user without a copy. Both take power-of-two blocks from the shard's {@link
 * dev.sluice.stack.tcp.BufferPool}, grow on demand up to the profile's bound, and give everything back when empty: an idle connection
 * owns some 500 bytes of heap and nothing else. A connection's blocks count with its holder's {@link
 * dev.sluice.stack.tcp.BufferShare}, a part of the budget or all of it. When that is used up, {@code reserveSend} gives less or nothing (the owner
 * tries again when it sees {@code SEND_SPACE}, or after a while), and arriving data that would have to be kept is dropped without
 * acknowledgment, which the peer repairs. Before it comes to that for a small block, connections that hold nothing but pieces beyond holes give
 * them up, the one of the holder that has not got on for longest first ({@code Laggards}), or, if the holder has less than its share, of
 * whoever holds most: those were never acknowledged, and SACK promises nothing (RFC 2018 §8), so a crowd of connections with a segment each
 * keeps nobody out. What is acknowledged and waits for its user is never given up, and
 * survives the peer's reset for a user who says so ({@link dev.sluice.stack.tcp.TcpOutput#wantsRest}), as a relay does.
 * Pieces beyond holes, SACK reports and challenge ACKs are bounded per connection. A segment
 * allocates nothing.
 *
 * <h3>Timers</h3>
 *
 * <p>One deadline per connection, the earliest of: retransmission (RFC 6298) or persist, never both; on networks the tail probe and the
 * end of a wait for reordered segments (RFC 8985); delayed ACK; keep-alive; FIN-WAIT-2 or TIME-WAIT. While anything is in flight, the first is armed; while data waits only for the peer's window, it probes without end, as long
 * as probes are answered. A peer that gives no sign for {@code userTimeout} is given up with a RST;
 * of an orphan, the user of which is gone, it must take something in that time.
 *
 * <h3>Windows</h3>
 *
 * <p>The right edge offered never moves back, but for the bits that the scale cuts off once the slack kept for rounding up is used (RFC 7323
 * §2.4). What is offered is a segment or half the buffer at least, or the edge stands still. Everything inside the largest window ever
 * offered is accepted.
 *
 * <h3>Two profiles</h3>
 *
 * <p>{@link dev.sluice.stack.tcp.TcpProfile#guest} is for one lossless hop: no congestion limit until a timeout, no Nagle, no delayed ACK
 * (but on request one that waits for an answer, see {@link dev.sluice.stack.tcp.TcpProfile#answerWait}),
 * super-segments of up to 64 KiB which the link cuts, losses found by counting. {@link dev.sluice.stack.tcp.TcpProfile#lan} is for networks:
 * CUBIC, RACK-TLP, proportional rate reduction, Nagle, delayed ACK, ECN if asked for, strict timestamps. Same code; what only networks need
 * lies in objects that a guest's connection does not have. {@link dev.sluice.stack.tcp.TcpTuning} has what only imitates other
 * stacks; both profiles leave it alone.
 *
 * <h3>Congestion reports</h3>
 *
 * <p>ECN (RFC 3168) needs the owner twice: it tells {@code onSegment} whether the IP packet carried CE, and asks {@link
 * dev.sluice.stack.tcp.Tcb#mayBeMarked} in {@code segment} whether to send ECT(0). A segment with CWR or URG is never a super-segment, as
 * the flag would be repeated.
 *
 * <h3>Urgent data</h3>
 *
 * <p>is data in line, as RFC 6093 says; the pointer is a notice in either direction ({@code URGENT}, {@link
 * dev.sluice.stack.tcp.Tcb#urgentLeft}, {@link dev.sluice.stack.tcp.Tcb#markUrgent}).
 *
 * <h3>Where it deviates</h3>
 *
 * <ul>
 *   <li>Data and FIN in a SYN that a listener gets are ignored; the peer sends them again. No Fast Open. Where both sides open at once they
 *       are kept until the handshake is complete (RFC 9293 §3.10.7.3), and acknowledged then.
 *   <li>A guest that agreed on timestamps and omits them is still heard (RFC 7323 §3.2 says SHOULD drop; the LAN profile does).
 *   <li>Nothing is undone when a retransmission turns out to have been needless (RFC 3522, 4015); RACK waits longer from then on.
 *   <li>A zero-window probe carries no data but an old sequence number, which costs nothing and is answered by all.
 *   <li>In TIME-WAIT bare ACKs with a wrong number are answered within a limit, so that two stacks cannot answer each other for ever.
 * </ul>
 */
@NullMarked
package dev.sluice.stack.tcp;

import org.jspecify.annotations.NullMarked;
