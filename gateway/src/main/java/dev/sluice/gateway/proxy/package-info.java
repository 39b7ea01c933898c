/**
 * The HTTP proxy of the guest network: explicit on the gateway, transparent on ports of choice, over the upstream proxies of the host.
 *
 * <h2>Theory of operation</h2>
 *
 * <p><b>Where requests go.</b> A {@link dev.sluice.gateway.proxy.ProxyPolicy} says: straight to their server, by way of an upstream, or
 * nowhere. It is asked for every connection (whether to look into it at all) and for every request, so another policy holds from the next
 * request on, and what is under way is left alone. {@link dev.sluice.gateway.proxy.HttpProxy} is the door: it has the ports, is {@code
 * TcpFlows}' interceptor for transparent ports, and bounds the sessions.
 *
 * <p><b>Two speeds.</b> A session's virtual thread reads and writes heads, looks up names and opens connections, in blocking calls. Bodies and
 * tunnels never pass it: {@code GuestEnd} has the place of the host's socket in the guest's flow, and in the modes <em>body</em> and
 * <em>tunnel</em> it hands the flow's reads and writes to the upstream's socket, so bytes go between that and the flow's own memory as if
 * there were no proxy. A body differs from a tunnel only in that {@code RequestBody} and {@code ResponseBody} follow it with a
 * {@link dev.sluice.gateway.http.BodyScan}, to know where it ends.
 * When a tunnel stands, the session's thread has ended, and what remains is two small objects more than any flow has.
 *
 * <p><b>Who holds what.</b> Nobody holds more than a head. A {@code Collector} takes bytes up to the end of a head and not one more: what
 * follows stays in the guest's {@code Tcb} or in the upstream's socket, whose windows stop the sender. So requests in one segment wait for each
 * other, are answered in their order, and cost no memory here.
 *
 * <p><b>A guest's connection</b>, on the loop, in each direction:
 *
 * <pre>
 * up (from the guest)   WAIT -> COLLECT (head) -> WAIT -> BODY -> WAIT -> COLLECT …   any -> TUNNEL | DISCARD (it was told all)
 * down (to the guest)   WAIT -> BODY -> WAIT …                                        any -> TUNNEL | END
 * </pre>
 *
 * <p><b>Transparent ports.</b> Taken are connections to the world only that {@code FlowPolicy} has allowed, while the policy is active. The
 * guest's handshake is answered at once, as nobody knows yet where to connect. The first bytes tell: TLS goes by the name in its ClientHello
 * ({@code CONNECT name:port}, with the connection's own port), HTTP by Host, anything else by address; a guest that says nothing for three
 * seconds waits for its server, which then is connected if the route is direct. What the policy sends directly goes where the guest has
 * connected, whatever name it says, and not a byte is changed. A guest that does not speak HTTP with us learns of a failure as it would without a
 * proxy, by a reset; the flow's end says why ({@code proxy-refused-403}, {@code proxy-unreachable}, {@code proxy-rule}), and so does the log.
 *
 * <p><b>The explicit port</b> is no hole in the wall: a name or address that a guest asks for is put to {@code FlowPolicy} as if the guest had
 * sent a SYN there, and the host's loopback, the gateway and the guest network are out of reach. Upstreams are the host's choice and are not.
 *
 * <p><b>What is changed in heads</b> (RFC 9110 §7.6): fields of one connection go, Host becomes the URL's, nothing else; order and letter case
 * stay. Via is not added, as it would make the proxy visible to servers; loops end at the session limit, and an upstream that is this gateway is
 * refused. HTTP/1.0 stays HTTP/1.0, so that nobody answers in chunks.
 *
 * <p><b>Secrets.</b> An upstream's password goes to that upstream, as Basic or in SOCKS5's own way, and nowhere else. What a guest itself says
 * in Proxy-Authorization goes to an upstream for which we have no answer of our own, as it may have been told one, and never to a server (RFC
 * 9110 §11.7.2). Other schemes come from a {@link dev.sluice.gateway.proxy.ProxyAuthenticator}.
 *
 * <p><b>Failures.</b> Only an upstream that cannot be reached makes the next route's turn; what one answers is the answer. A request that
 * may be repeated (RFC 9110 §9.2.2) and has no body is sent again if a kept connection turns out to have been closed. Bounds are in {@code
 * Limits}: sessions, heads, the time for a head, the time between requests. Tunnels are flows and are never cut for idling.
 */
@NullMarked
package dev.sluice.gateway.proxy;

import org.jspecify.annotations.NullMarked;
