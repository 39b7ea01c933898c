/**
 * What settings say about a request: which proxy, and which hosts are excepted.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A {@link dev.sluice.proxy.rule.ProxySetting} is what one source of settings says at one moment: immutable, decided upon without I/O. Hosts
 * are compared by a {@link dev.sluice.proxy.rule.HostList}, of which there are two, because what users have written follows two rules: curl's
 * ({@link dev.sluice.proxy.rule.NoProxy}, environment, desktops, command line) and VPNKit's ({@link dev.sluice.proxy.rule.VpnkitList}, its
 * settings file). docs/proxy-rules.md has the table.
 *
 * <p>Bounds: {@link dev.sluice.proxy.rule.HostList#MAX_TOKENS} in a list; a longer one is refused as a whole, since half a list of exceptions
 * would send what nobody asked for to a proxy.
 */
@NullMarked
package dev.sluice.proxy.rule;

import org.jspecify.annotations.NullMarked;
