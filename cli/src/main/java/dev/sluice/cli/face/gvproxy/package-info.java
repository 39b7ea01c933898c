/**
 * The face of gvproxy (gvisor-tap-vsock): its flags, its file, its HTTP API, its notifications.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.cli.face.gvproxy.Configuration} is what flags ({@link dev.sluice.cli.face.gvproxy.GoFlags}, as Go reads them) and
 * file ({@link dev.sluice.cli.face.gvproxy.YamlFile}, loaded only for {@code -config}) come to; it is checked whole before anything is
 * done. {@link dev.sluice.cli.face.gvproxy.Gvproxy} builds the network: gateway .1, guests from .2 on, and the last address for the host.
 * Guests come to {@link dev.sluice.cli.face.gvproxy.GuestPlaces}; with the last one at a socket for QEMU or BESS the process ends, since
 * whoever starts a gvproxy for a machine relies on that.
 * {@link dev.sluice.cli.face.gvproxy.Zones} answers for names, {@link dev.sluice.cli.face.gvproxy.Exposures} holds the forwards.
 * A socket in a guest's file system ({@link dev.sluice.cli.face.gvproxy.SshRemote}) comes by the system's {@code ssh} ({@link
 * dev.sluice.cli.face.gvproxy.SshTunnel}), through a port of the loopback that leads to the guest's server.
 *
 * <p><b>API.</b> {@link dev.sluice.cli.face.gvproxy.Api} maps requests to answers and knows nothing of sockets. {@link
 * dev.sluice.cli.face.gvproxy.Services} has package {@code control} speak HTTP over a stream, which is either a descriptor's that a {@link
 * dev.sluice.cli.face.gvproxy.Door} accepted at a {@link dev.sluice.cli.face.gvproxy.SocketUrl}, or a guest's connection to the gateway's port 80. A guest sees and changes only
 * forwards that lead to itself. A request to {@code /connect} makes the connection a guest's link, one to {@code /tunnel} a stream to a
 * guest's port; so nothing is read beyond a request.
 *
 * <p><b>Threads.</b> A door has one that accepts, and one for each of its clients, few and watched; guests' requests have virtual threads.
 */
@NullMarked
package dev.sluice.cli.face.gvproxy;

import org.jspecify.annotations.NullMarked;
