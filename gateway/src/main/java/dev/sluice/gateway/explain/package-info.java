/**
 * Why a guest reaches something, or does not: each decision on the way, by the code that makes it for real traffic.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.gateway.explain.Explainer} goes the way of a guest's request: the name server is asked as for a guest
 * ({@link dev.sluice.gateway.dns.DnsService#explain}), the policy decides about each address, the proxy policy about the request, the kernel
 * is asked for the way out, a connection is made to the server or the proxy, and over it TLS is spoken as far as the certificate. Each
 * {@link dev.sluice.gateway.explain.Explained.Step} says who decided, what, how long it took, and, where it failed, what to do.
 *
 * <p>It goes on after a failure where a guest could: to the next address, the next proxy of the list. Nothing waits for longer than its
 * deadline, and whatever was opened is closed. Nothing is sent but what opening takes: CONNECT to a proxy, with its password, which is
 * not told; a TLS greeting. No request.
 *
 * <p>All is blocking, for virtual threads; nothing is loaded before the first question. Certificates are judged by those the host's own
 * programs trust ({@link dev.sluice.gateway.explain.HostTrust}), not by Java's list.
 */
@NullMarked
package dev.sluice.gateway.explain;

import org.jspecify.annotations.NullMarked;
