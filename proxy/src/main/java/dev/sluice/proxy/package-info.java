/**
 * Which way a request goes, live.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.proxy.LiveProxyPolicy} is the one place where it is decided. What it follows is a {@link dev.sluice.proxy.ProxyChoice}
 * that anybody may replace at any time: nothing, the host's settings, a proxy, a script. For each request it asks in this order: names and
 * addresses of the guest network itself (direct), exceptions given with the choice (direct), an allow-list (refused), the exceptions of the
 * settings (direct), their proxy or script. The rule that decided stands in the route.
 *
 * <p>{@link dev.sluice.proxy.HostProxies} asks the sources of the host ({@code source}) in their order; the first that names a proxy wins.
 * What they said is kept until one of their files changes. Two things look for that: every request that needs the answer (one look at the
 * attributes of a few files), so that the next request after a change goes the new way; and a watch on their folders, for whoever only
 * wants to know whether there is a proxy at all and cannot block (the loop, for each new connection). The watch is there only if one of the
 * files or its folder is, so a host without a desktop pays nothing.
 *
 * <p>Passwords that neither a script nor most desktops can give come with the choice ({@link dev.sluice.proxy.rule.Logins}), each for one proxy.
 * Names that scripts ask for, and those of the servers they come from, are looked up by whoever made the policy, so that they lead where guests
 * are led.
 *
 * <p>Scripts run in package {@code pac}; rules and lists are in package {@code rule}; tickets are said in package {@code negotiate}.
 *
 * <p>Nothing of this module is loaded before a choice was made or the host shows signs of a proxy; who starts a network looks for those first.
 */
@NullMarked
package dev.sluice.proxy;

import org.jspecify.annotations.NullMarked;
