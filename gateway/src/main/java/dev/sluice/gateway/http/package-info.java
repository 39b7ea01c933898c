/**
 * HTTP/1.1 messages as a proxy sees them (RFC 9110, RFC 9112); servers of this house read requests with the same parser.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>Three pure parts; none does I/O, keeps time or starts a thread.
 *
 * <p><b>Where a head ends.</b> {@link dev.sluice.gateway.http.HeadScan} is shown bytes as they come and says after which one the head is
 * whole. It stops early at what cannot be part of any head (a bare CR or LF, NUL), so that nobody waits for the rest of nonsense.
 *
 * <p><b>What it says.</b> {@link dev.sluice.gateway.http.RequestHead} and {@link dev.sluice.gateway.http.ResponseHead} are parsed strictly
 * and keep every field line as it came, byte for byte: what is forwarded is what was read, less the lines that a proxy must remove and more
 * those it must add, in the order and letter case of the sender. What two readers could understand differently is no message (RFC 9112 §11.2):
 * folded lines, white space before a colon, several or odd lengths, a length beside a transfer coding, a coding that is not the last.
 * {@link dev.sluice.gateway.http.BadMessage} says why, with the status for the client. Of responses a proxy has to put some of that right (§5), and
 * servers of old devices end their lines with LF alone: such lines are written anew, so that nobody behind it can read them differently.
 *
 * <p><b>Where the body ends.</b> {@link dev.sluice.gateway.http.Framing} is what RFC 9112 §6.3 makes of a head. A {@link
 * dev.sluice.gateway.http.BodyScan} follows the body through the data path: it is shown bytes in native memory and says how many of them
 * are the body's. It changes and copies nothing and allocates nothing, so a body moves from socket to socket as any other stream does, chunks,
 * extensions and trailers included.
 */
@NullMarked
package dev.sluice.gateway.http;

import org.jspecify.annotations.NullMarked;
