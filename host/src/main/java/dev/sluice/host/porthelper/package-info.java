/**
 * Ports that this user may not bind: a small privileged program binds them and hands the sockets over.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>The protocol is that of Docker Desktop's {@code com.docker.vmnetd}, so either end may be the other's: both sides say hello as in
 * VPNKit's vmnet protocol (5 bytes, a version, 40 bytes), the client asks (u8 6, u32 address, u16 port, u8 0 TCP or 1 UDP, all
 * little-endian, perhaps padded), the server answers with a code (one byte counts: 0, 48 in use, 49 no such address, 1 other) and, with 0,
 * the socket, bound and, if TCP, listening, as SCM_RIGHTS. Then the connection ends.
 *
 * <p>{@link dev.sluice.host.porthelper.PortHelperServer} is the privileged side. It asks the kernel who is at the other end: only the
 * owner and root are served. It binds ports below 1024 only, of IPv4; it reads nothing but the request, and gives each client five
 * seconds. {@link dev.sluice.host.porthelper.PortHelper} is the other side.
 *
 * <p>Everything blocks, with deadlines; to be called on platform threads.
 */
@NullMarked
package dev.sluice.host.porthelper;

import org.jspecify.annotations.NullMarked;
