/**
 * Captures: which frames passed, for people and their tools, without the frames waiting for anybody.
 *
 * <h2>Theory of operation</h2>
 *
 * <pre>
 *  link ── FrameTap ──▶ Capture ──▶ FrameRing (one per rule, one per live reader)
 *                     (the loop)       ▲
 *                                      └── RingReader ◀── CaptureSession ──▶ CaptureWriter ──▶ file, socket
 *                                                        (its own thread)      pcap, pcapng
 * </pre>
 *
 * <p><b>The data path.</b> A link without a tap pays one comparison per frame. With one, {@link dev.sluice.link.capture.Capture} reads what
 * filters ask for once ({@code Facts}: addresses, protocol, ports), asks each ring's {@link dev.sluice.link.capture.Filter}, and copies the
 * frame's first bytes into the rings that want it: native memory of fixed size, whose oldest records are overwritten. Nothing is
 * allocated, nobody is waited for, and no system call is made but to wake a reader that sleeps, which asks for that a thousand times a
 * second at most.
 *
 * <p><b>Readers</b> have threads of their own, copy a record and then look whether it was still there ({@code FrameRing} says how that is
 * safe). Records are numbered, so what a slow reader missed is known exactly: it is told in pcapng, and at the end. A shared ring may have
 * any number of readers.
 *
 * <p><b>What is recorded.</b> A frame from a guest when it comes, before anything is decided; what becomes of it is known before readers
 * see it, as records are shown only when the frame has been dealt with: so its drop reason goes with it. A frame to a guest when its link
 * has taken it, or had no room for it. Frames are as they pass: a guest on a TAP sends and gets <em>super-frames</em> of up to 64 KiB
 * that its kernel cuts and joins, with checksums unmade, as tcpdump on such an interface shows them too; pcapng says into which pieces
 * one is cut. A frame from one guest to another passes two links, and is there twice. What takes the shortcut into a namespace is no
 * frame.
 *
 * <p><b>Rules</b> ({@link dev.sluice.link.capture.Rule}) keep the last frames of some kinds from the moment on somebody asked for them,
 * for the time when something has gone wrong. {@code bad} holds every frame that was dropped.
 *
 * <p><b>Names.</b> Each session reads DNS answers beside its frames, from the DNS rule's ring or a small one of its own, and writes what it
 * learns before the frames that need it. Nothing on the data path knows of that.
 *
 * <p><b>Time</b> is the wall clock's at the start, counted on by the monotonic clock in nanoseconds; after a suspend, or when the clock is
 * set, it follows within a second.
 */
@NullMarked
package dev.sluice.link.capture;

import org.jspecify.annotations.NullMarked;
