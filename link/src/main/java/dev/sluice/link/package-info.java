/**
 * Where frames come from: TAP, vmnet, QEMU, BESS, unixgram; and the switch between them.
 *
 * <h2>Theory of operation</h2>
 *
 * <pre>
 *  guest ── TapLink ─────┐
 *  guest ── StreamLink ──┤  Switch ── LocalPort (the gateway)
 *  guest ── PacketLink ──┘
 *              ▲
 *          LinkServer ◀── LinkUrl
 * </pre>
 *
 * <p>A {@link dev.sluice.link.Link} carries Ethernet frames to and from one guest. What passes is a {@link dev.sluice.link.Frame}: a
 * reused descriptor of borrowed memory that also says what its sender left for the device to do, an unfinished checksum or a cut
 * into segments. A link whose medium takes such work ({@link dev.sluice.link.TapLink}, a kernel with virtio-net headers) passes it on; the
 * others do it in software ({@link dev.sluice.link.Segmenter}) while they copy the frame into their output buffer. So whoever sends
 * never asks what kind of link it is.
 *
 * <h3>Memory</h3>
 *
 * <p>Each link owns its receive and output buffers, native and of fixed size, mapped lazily and unmapped a moment after it has closed.
 * Received frames point into the receive buffer: they are the handler's during {@code onFrame}, or until {@code onBatchEnd} where
 * {@link dev.sluice.link.Link#keeps} says so. A sent frame is copied or written before {@code send} returns, and never changed.
 * Moving a frame allocates nothing on the heap.
 *
 * <h3>Turns and fairness</h3>
 *
 * <p>All on the loop's thread. A readable link delivers a bounded share of what it holds, in frames, as a frame of any size may open a
 * host socket, then {@code onBatchEnd}; with more left, it queues itself as work for the next turn. That also holds when a handler throws, as edge-triggered readiness is told only once.
 * Stream and packet links gather what is sent and write it at the end of the turn (they queue a work item with the first frame), or at
 * 128 KiB.
 *
 * <h3>Full</h3>
 *
 * <p>No link ever blocks or grows. A full one drops and counts; {@code congested} turns true while there is still room for one
 * super-segment, so that a careful sender loses nothing, and {@code onRoom} ends it when half is free.
 *
 * <h3>Streams ({@link dev.sluice.link.Framing})</h3>
 *
 * <p>QEMU's framing has 32-bit big-endian lengths, VPNKit's has 16-bit little-endian ones, after the handshake of {@link
 * dev.sluice.link.vmnet}. A length below 14 or above 65,535, or an end within a frame, ends that link with a reason for people; all
 * others go on. Frames longer than the MTU are accepted: peers with TSO send them, and with checksums unmade, without a word; {@code
 * UnfinishedChecksums} recognises those.
 *
 * <h3>Listening</h3>
 *
 * <p>{@link dev.sluice.link.LinkServer} binds what a {@link dev.sluice.link.LinkUrl} names and turns connections into links. A socket
 * file in the way is replaced only if nobody listens on it; anything else is left alone. Numbers of guests, handshakes and messages
 * are bounded. Out of descriptors it says so once and waits.
 *
 * <h3>Switching</h3>
 *
 * <p>{@link dev.sluice.link.Switch} learns source addresses in a bounded table with a quota per port. For a guest with one address that
 * costs one comparison a frame; for the way to the gateway one more. Addresses given out by vmnet belong to their links, and the
 * gateway's to the gateway.
 */
@NullMarked
package dev.sluice.link;

import org.jspecify.annotations.NullMarked;
