/**
 * The HTTP proxy of the guest network: explicit on the gateway, transparent on ports of choice, over the upstream proxies of the host.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A {@link dev.sluice.gateway.proxy.ProxyPolicy} says where a request goes: straight to its server, by way of an upstream, or nowhere. It
 * is asked for every connection (whether to look into it at all) and for every request, so another policy holds from the next request on, and
 * what is under way is left alone.
 */
@NullMarked
package dev.sluice.gateway.proxy;

import org.jspecify.annotations.NullMarked;
