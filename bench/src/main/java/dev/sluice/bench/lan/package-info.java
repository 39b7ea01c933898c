/**
 * The library's host stack as the other end of iperf3: what a connection between module {@code net} and a Linux kernel carries over a TAP.
 *
 * <h2>Theory of operation</h2>
 *
 * <pre>
 *  iperf3 -c ── Linux's TCP ══ TAP ══ TapLink, NetStack (the loop) ── TcpConnection ── Test (virtual threads)
 * </pre>
 *
 * <p>{@link dev.sluice.bench.lan.LanHost} opens a {@code NetStack} on a TAP of a given namespace and serves two things as any program
 * would, by the public API: {@link dev.sluice.bench.lan.IperfServer} speaks iperf3's protocol, so that the same client and the same harness
 * that measure the other contenders measure this one; an echo server answers who asks whether it is there.
 *
 * <p><b>iperf3's protocol.</b> The client connects, names the test by 37 bytes, and follows what the server says by single bytes: parameters
 * (JSON behind a length of 32 bits), streams (connections that begin with the same 37 bytes), start, running, end, results from both sides,
 * done. With {@code -R} the server sends; with {@code --bidir} the first half of the streams come in, the others go out. One test at a time.
 */
@NullMarked
package dev.sluice.bench.lan;

import org.jspecify.annotations.NullMarked;
