/**
 * Where the host keeps its proxy settings.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>Each {@link dev.sluice.proxy.source.ProxySource} reads one place when asked, blocking, and names the files that change whenever its answer
 * may; whoever asks ({@link dev.sluice.proxy.HostProxies}) watches those and asks again then. So a source has no thread, no state and no
 * timer. What it cannot read it says nothing about, with the reason in the log: settings of the host are never a reason to fail.
 *
 * <p>Programs ({@code gsettings}, {@code nmcli}) are started only where files show that they may have something to say, and are given two
 * seconds and 64 KiB.
 */
@NullMarked
package dev.sluice.proxy.source;

import org.jspecify.annotations.NullMarked;
