/**
 * UDP of guests as UDP sockets of the host.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.gateway.udp.UdpFlows} gets every datagram a guest sends and takes it one of four ways: to a service of the
 * gateway ({@link dev.sluice.gateway.udp.LocalDatagramService}, such as DNS), back to a client of an inbound forward ({@link
 * dev.sluice.gateway.udp.UdpForward}), out through a mapping, or to its end with a counter and, where that helps, an ICMP error.
 *
 * <p>A <em>mapping</em> is one guest address and port, and one unconnected host socket for it. The socket is the same whoever the
 * guest talks to, and whoever finds it may answer: endpoint-independent mapping and filtering (RFC 4787 §4.1 and §5), which games,
 * calls and hole punching need. The guest sees the peer's true address and port. Where the policy sent the guest elsewhere than it
 * asked (the host's address means the host's loopback), answers and errors are shown under the address the guest had used.
 * Where it sent it to the other family, as a port of the gateway may lead, there is a second socket for that; only those that were sent to
 * are heard through it. States: <em>closed</em> (no socket yet: nothing was allowed, or the host had no descriptor), <em>open</em>, gone. A refused or
 * unreachable destination never ends a mapping. It ends after {@link dev.sluice.gateway.flow.Limits#udpIdleSeconds} without a datagram
 * either way (RFC 4787 §4.3 asks for outbound refresh), or as its guest's idlest when that has its share of the table ({@link
 * dev.sluice.gateway.flow.Mappings}).
 *
 * <p>The policy is asked once per destination of a mapping; {@link dev.sluice.gateway.flow.Decisions} remembers the last few.
 *
 * <p>Errors come from the host socket's error queue with the payload the network quoted; the guest's headers are put before it again
 * and the guest gets the same ICMP message the host got, from the same router: port unreachable and {@code traceroute} work.
 *
 * <p>A <em>session</em> is one client of a forward. The guest sees the client's own address, or a port of the gateway if answers to
 * that address would not come back here, as those to the other family. Sessions are found by what the guest sees, before mappings are looked at: first the
 * <em>service</em>, which is the guest's address and port that forwards lead to, then by its number and the client's address and port.
 *
 * <p><b>Several at a time.</b> What a guest sends in one turn the host socket keeps until the turn ends, and datagrams in a row to one peer
 * leave as one message that the kernel cuts (UDP_SEGMENT). What one peer sent to a socket comes as one event: put together by the
 * kernel (UDP_GRO) or, if they are equally long, by the socket; and goes to the guest as one frame that a TAP or the link's
 * {@link dev.sluice.link.Segmenter} cuts. Borders, order and the length of each stay, so neither end can tell, and nothing waits: a lone
 * datagram goes at the end of its own turn. A socket hands on at most one batch per turn, then comes after the others.
 *
 * <p>A burst waits in the host sockets' buffers; what they can't hold is dropped and counted, as a full queue of a router would. Answers
 * have a time to live of 64, like everything the gateway sends: they are its own, as of a proxy; the hops of the way there are
 * found by the errors that {@code traceroute} provokes.
 *
 * <p>Thread: all on the gateway's loop. Memory: guests' packets are read during the call and copied by the socket if it must keep
 * them; answers are sent from the socket's receive buffer, with the headers written into the room before them, and nothing is copied
 * or allocated per datagram. Fragments are put together before this package and made after it, so payloads up to 65,507 bytes pass.
 */
@NullMarked
package dev.sluice.gateway.udp;

import org.jspecify.annotations.NullMarked;
