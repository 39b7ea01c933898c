/**
 * VPNKit's port multiplexer: many streams through one, to and from an agent that runs where a guest's services are.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A {@link dev.sluice.gateway.mux.Multiplexer} lives on one carrier, any {@link dev.sluice.host.StreamSocket} (a Unix socket that a
 * hypervisor leads to the guest's vsock, most often), and either side may open {@link dev.sluice.gateway.mux.Channel}s through it. A
 * channel is a {@code StreamSocket} like those of the host, so all that joins sockets joins channels as well: published ports reach
 * services by {@link dev.sluice.gateway.mux.AgentLink}, and {@link dev.sluice.gateway.mux.Dialer} is the other side, which connects to
 * what a channel asks for. {@link dev.sluice.gateway.mux.MuxInput} finds the frames in what comes; {@link dev.sluice.gateway.mux.MuxFrame} has
 * their bytes, little-endian:
 *
 * <pre>
 *  u16 header length | u8 command | u32 channel | …
 *   1 Open      u8 2 (multiplexed), then u8 1 TCP / 2 UDP, u16 length, address, u16 port; or u8 3, u16 length, path
 *   2 Close     3 Shutdown     4 Data  u32 length, bytes     5 Window  u64 how far the other may send, from the start
 * </pre>
 *
 * <p><b>Two generations.</b> VPNKit's own agent begins with frames. The Go programs (vpnkit-forwarder) first send a line of text and a
 * length-prefixed message to each other, both at once. {@link dev.sluice.gateway.mux.Generation} says which, and who counts channels
 * from where so that the sides never choose the same.
 *
 * <p><b>A channel's life.</b> The opener sends Open and Window. The acceptor answers with Window when its own connection stands, or
 * with Close if it failed; so a refused connection inside is refused outside too, and one that is not answered at all is given up as
 * Linux gives up an unanswered connect. Each side sends Data up to the other's window, and
 * Shutdown for the end of its stream. Close ends both directions, and comes when both streams have ended; before that it is what a reset
 * is to a socket: what came can still be read, then reads fail, unless an end was read, and writes fail, so that a client that is joined to
 * the channel is reset, too. It is answered by Close as soon as everything was read; then the number is free. What comes for a
 * channel in between, or for an unknown one, is dropped and counted, where VPNKit's and Go's end everything.
 *
 * <p><b>Windows</b> start at 0. A receiver allows {@value dev.sluice.gateway.mux.Channel#WINDOW} bytes beyond what was read (less for
 * channels opened when there are many), and says so again when less than half of that is left. So a channel that nobody reads
 * stops its sender, and no other. Data beyond a window ends the multiplexer: its sender can't be reasoned with.
 *
 * <p><b>Datagrams</b> ({@link dev.sluice.gateway.mux.DatagramCodec}) go through a channel one after the other, each with the address of
 * the outside peer. One that does not fit now is dropped, as UDP does; it never waits.
 *
 * <p><b>Memory and threads.</b> All on the loop's thread. A multiplexer has one input and one output buffer of fixed size; control
 * frames wait as bits of their channel, so that a peer that does not read costs nothing more. A channel has a buffer only while
 * something is in it. At most {@value dev.sluice.gateway.mux.Multiplexer#MAX_CHANNELS} channels.
 *
 * <p><b>Another agent</b> that connects takes the place of the one before, whose channels go on until they end by themselves, and its
 * carrier with the last of them; at most {@value dev.sluice.gateway.mux.AgentLink#MOST_REPLACED} such carriers remain, then the oldest breaks.
 *
 * <p><b>The end.</b> When the carrier breaks, every channel breaks, as a reset does, never as an end in order.
 */
@NullMarked
package dev.sluice.gateway.mux;

import org.jspecify.annotations.NullMarked;
