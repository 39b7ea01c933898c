/**
 * The child of {@code sluice run}: a command in namespaces of its own, connected by a TAP interface.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>The processes, from the outside in: this one (sluice); {@code unshare}, which makes the namespaces and waits; a shell with the script
 * {@code run.sh}, process 1 of the new process namespace; the command, its child in the foreground, with the terminal; and a watcher, the
 * shell's child in the background. All are in our process group, so a terminal's signals reach the command by themselves. We ignore
 * SIGINT and SIGQUIT meanwhile, process 1 and unshare are not moved by them.
 *
 * <p>The order of things, over two pipes ({@link dev.sluice.link.tap.SetupShell}):
 *
 * <ol>
 *   <li>The shell reads its process id while /proc is still the host's, mounts a new /proc, opens {@code /dev/net/tun}, reports
 *       {@code pid N}, and waits.
 *   <li>{@link dev.sluice.cli.namespace.ChildNamespace#start} fetches the device with pidfd_getfd(2) and makes the interface. We may, as
 *       the owner of the user namespace that owns the network namespace the device was opened in (user_namespaces(7)).
 *   <li>The gateway attaches; {@link dev.sluice.cli.namespace.ChildNamespace#configureAndRun} sends {@code go}. The shell configures
 *       interface, route, names and ping, starts the watcher, reports {@code run N} and runs the command.
 *   <li>When the command ends, the shell reports {@code end CODE} and exits with it, and the kernel kills whatever is left in the process
 *       namespace. With the last process all namespaces, mounts and the interface vanish.
 * </ol>
 *
 * <p>Nothing survives us: the watcher reads a pipe that only we hold open, and at its end kills everything. Nothing survives a killed
 * unshare (the shell has it as parent-death signal) or shell (process 1). Where no new /proc may be mounted, as in most containers, there
 * is no process namespace: the shell and the watcher then find what is to be killed by its network namespace.
 *
 * <p>Limits: descriptors beyond 2 that sluice itself was started with are not passed on, and the shell drops environment variables whose
 * names it cannot express, as exported shell functions.
 */
@NullMarked
package dev.sluice.cli.namespace;

import org.jspecify.annotations.NullMarked;
