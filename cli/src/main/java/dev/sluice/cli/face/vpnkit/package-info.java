/**
 * The face of VPNKit: its flags, its files, its sockets.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.cli.face.vpnkit.Flags} reads a command line as VPNKit's parser does (any unambiguous prefix of a flag will do, and
 * Docker's launchers rely on it) into {@link dev.sluice.cli.face.vpnkit.Settings}. {@link dev.sluice.cli.face.vpnkit.Vpnkit} makes the
 * network of them and opens its sockets: guests' (vmnet), port control and state (9P), archive and live capture. Guests' first: a
 * launcher waits for it for ten seconds at most.
 *
 * <p><b>Files</b> ({@link dev.sluice.cli.face.vpnkit.WatchedFiles}) are watched by their directories, so one that is replaced by
 * renaming, or comes later, is seen, which VPNKit misses. A file that can't be understood leaves what was before, and a line says why.
 *
 * <p><b>Threads.</b> One virtual thread waits for changes of files, in the kernel, if there are files; each client of a control socket
 * has a virtual thread. Without files and clients there is the gateway's loop, and nothing wakes up.
 *
 * <p>docs/vpnkit.md says where this is not VPNKit, flag by flag.
 */
@NullMarked
package dev.sluice.cli.face.vpnkit;

import org.jspecify.annotations.NullMarked;
