/**
 * Stream links at full speed: a guest of our own in the gateway's process, so that no emulated processor stands in the way.
 *
 * <h2>Theory of operation</h2>
 *
 * <pre>
 *  GuestTcp ── GuestLink ══ Unix socket ══ LinkServer, StreamLink, Gateway ══ loopback ══ HostEnd
 *  (thread)    framing, vmnet greeting              (the loop)                            (thread)
 * </pre>
 *
 * <p>{@link dev.sluice.bench.streamlink.StreamLinks} starts a gateway as {@code sluice serve} does and, for each kind of link, MTU and
 * direction, one TCP connection through it ({@link dev.sluice.bench.streamlink.InProcess}); or it takes another program that is there
 * already, with the same two ends ({@link dev.sluice.bench.streamlink.Outside}). It reads the counters of the far end and the processor time of the three threads, once
 * warm and once at the end; the threads run on between the two.
 *
 * <p>The guest must not be what is measured. So it knows only the TCP that a link without loss needs: a handshake, the peer's window,
 * acknowledgments, a reset at the end, and ARP for those who ask. What it sends was built beforehand, up to a quarter of a MiB of frames at once with equal
 * payloads; each time only sequence number and checksum change. What it receives it walks through, frame by frame; a gap in the
 * sequence ends the run. Its share of the processor time is in the result.
 *
 * <p>Memory: each end owns one native buffer. Nothing here is meant to be reused; it keeps no promise but to be quick.
 */
@NullMarked
package dev.sluice.bench.streamlink;

import org.jspecify.annotations.NullMarked;
