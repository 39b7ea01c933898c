/**
 * TAP interfaces inside network namespaces: opening, configuring, handing home the descriptor.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A TAP interface belongs to the network namespace in which {@code /dev/net/tun} was <em>opened</em>, not to the one of whoever calls
 * TUNSETIFF. So only the open has to happen inside, and there are two ways in.
 *
 * <ul>
 *   <li>With CAP_SYS_ADMIN over the namespace's owner and over our own (in practice root): a fresh platform thread calls setns(2), opens,
 *       attaches and configures over rtnetlink, and ends. A thread passes its namespace on to every thread it makes, carriers of virtual
 *       threads included, so that thread makes none.
 *   <li>As an ordinary user who owns the namespace's user namespace: a process with more than one thread may not enter a user namespace,
 *       so {@code nsenter} does, with a shell that opens the device as descriptor 3 and waits. pidfd_getfd(2) copies the descriptor home,
 *       TUNSETIFF happens here, and the shell then runs {@code ip}.
 * </ul>
 *
 * <p>Everything here is set-up: blocking, on platform threads, with exceptions whose one-line text is meant for people. The descriptor
 * in an {@link dev.sluice.link.tap.OpenTap} is its receiver's to close; with it the interface vanishes.
 */
@NullMarked
package dev.sluice.link.tap;

import org.jspecify.annotations.NullMarked;
