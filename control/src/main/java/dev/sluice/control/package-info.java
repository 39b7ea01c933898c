/**
 * The control plane's doors: HTTP/1 and JSON on a Unix-domain socket of the user who runs Sluice, and elsewhere if asked.
 *
 * <h2>Theory of operation</h2>
 *
 * <p><b>What.</b> {@link dev.sluice.control.ControlServer} opens doors to one {@link dev.sluice.control.ControlApi}: routes of a {@link
 * dev.sluice.control.Router}, filled by one class for each group of resources, over a {@link dev.sluice.control.ControlBackend}. A
 * request's fields are taken one by one and checked ({@link dev.sluice.control.Fields}, {@link dev.sluice.control.Query}); what nobody takes is
 * refused, so a mistake is never passed over. {@code openapi.json} beside the classes describes it all; a test compares the two.
 *
 * <p><b>Where.</b> {@link dev.sluice.control.ControlSockets} names the socket: {@code PID.sock} in a directory of mode 0700 that must
 * be the user's own. {@link dev.sluice.control.HttpServer} binds it with mode 0600, asks the kernel who is at the other end of each
 * connection (only this user and root are served), and removes it when closed. A socket left by a process that was killed is removed
 * by whoever next looks for instances. A TCP port is opened only if asked for, on the loopback, behind a {@link
 * dev.sluice.control.TokenGuard} that looks for the {@link dev.sluice.control.ApiToken} before a body is read.
 *
 * <p><b>Threads.</b> One platform thread accepts, since an idle process should not pay for the machinery of virtual threads; each
 * connection then has a virtual thread that blocks. No thread of the data path is ever entered: a
 * {@link dev.sluice.control.ControlBackend} fetches what it needs from the loop in its own way. Unix sockets have no timeouts in Java,
 * so every connection has a deadline (for a request to arrive, for a response or a piece of one to leave), and a watcher that lives only while
 * there are connections closes those past theirs: slow and dead clients cost a descriptor for some seconds, and delay nobody. Of a stream
 * that has nothing to say a second virtual thread reads, to notice when its client leaves.
 *
 * <p><b>Elsewhere.</b> Who accepts clients in another way (gvproxy's face, whose connections may become links) serves them with the same
 * {@link dev.sluice.control.HttpClients}, over an {@link dev.sluice.control.HttpStream} of its own and with its own words for mistakes. A {@link
 * dev.sluice.control.HttpResponse.Handover} makes something else of a connection; nothing beyond the request has been read then.
 *
 * <p><b>Events.</b> A listener has a bounded queue ({@code gateway.event}); its thread empties it into the socket. If it is full, whoever
 * publishes cuts the listener off and goes on.
 *
 * <p><b>What is accepted.</b> What RFC 9112 requires and nothing it merely tolerates: paths and URLs as targets, one Host, a length or
 * chunks, no folding, no bare CR or LF. The parser is the proxy's ({@code gateway.http}). HTTP/1.0 is served, a request a connection, and without
 * chunks. Head and body are bounded ({@link dev.sluice.control.HttpConnection}); what is too
 * large is refused before it is read. Errors are problem documents (RFC 9457).
 *
 * <p><b>Why no library.</b> Measured on JDK 25, cold: the smallest maintained server with Unix sockets (Helidon SE 4.5: 37 jars, 3.1 MB) takes
 * 500 ms to start and adds 55 MB of resident memory; this package starts in the time its socket takes to open. The JDK's own server knows no Unix
 * sockets. A whole run of Sluice may take 200 ms and 80 MB, and all this API needs of HTTP is above. JSON is written from records
 * whose component names are the API's names, and read into maps that are then checked, so {@code Json} is smaller than the set-up of any
 * library.
 */
@NullMarked
package dev.sluice.control;

import org.jspecify.annotations.NullMarked;
