/**
 * Frames written to a file, for tcpdump and Wireshark.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A {@link dev.sluice.link.capture.CapturedLink} stands in front of a link and hands every frame that passes, either way, to a
 * {@link dev.sluice.link.capture.CaptureFile}, which copies it into one buffer and writes that when it is full and at the end of every
 * turn. Several links may share a file. All of it runs on the loop's thread; the write to the file blocks it, which is a price of
 * capturing only. A disk that is full ends the capture with one warning, never the traffic.
 *
 * <p>Frames are written as they are: on a link with offloads that means super-segments up to 64 KiB whose checksums the kernel has not
 * made yet. Format: draft-ietf-opsawg-pcap with nanoseconds, link type Ethernet.
 */
@NullMarked
package dev.sluice.link.capture;

import org.jspecify.annotations.NullMarked;
