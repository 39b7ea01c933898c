/**
 * A 9P2000 server: files that programs read, write and make, over any byte stream.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.control.ninep.Node} is what is served: a small tree whose files answer when they are opened. {@link
 * dev.sluice.control.ninep.NinepServer} speaks the protocol (the Plan 9 manual, section 5; 9P2000.u adds numbers to errors, users and
 * stats) with one client over one pair of streams, on the caller's thread, which should be a virtual one. A request is answered before
 * the next is read, so a Tflush always finds its request answered, and there is no table of tags.
 *
 * <p><b>What is bounded.</b> A message has at most the negotiated msize, and no more than {@value
 * dev.sluice.control.ninep.NinepServer#MAX_MESSAGE} bytes; a longer one, or one whose fields do not fill it exactly, ends the
 * connection, as the stream can't be trusted any more. A client has at most {@value dev.sluice.control.ninep.Session#MAX_FIDS} fids;
 * one more is an error to it; so is opening or listing what would make all it has open larger than {@code MAX_HELD}. Writing blocks while the client does not read; then it is not read from either.
 *
 * <p><b>The end.</b> When the connection ends, for whatever reason, every fid is clunked: what was held open by it closes, and
 * directories that it made and nobody used go.
 *
 * <p><b>As VPNKit does.</b> A second Tversion and Tauth are {@code Function not implemented}; every open of what is there succeeds;
 * {@code ..} is always the root (no tree here is deeper than two); owners are the words uid, gid and muid, and times always the same.
 */
@NullMarked
package dev.sluice.control.ninep;

import org.jspecify.annotations.NullMarked;
