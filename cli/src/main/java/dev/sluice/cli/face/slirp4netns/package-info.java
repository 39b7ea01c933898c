/**
 * The face of slirp4netns: its command line, its ready and exit descriptors, its API socket.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.cli.face.slirp4netns.Slirp4netns} reads the words ({@link dev.sluice.cli.face.slirp4netns.Getopt}, as
 * getopt_long(3) would, abbreviations included) into an {@link dev.sluice.cli.face.slirp4netns.Request}, which is checked whole before
 * anything is done, and serves it with a {@code GuestNetwork}.
 *
 * <p><b>Addresses.</b> All follow from {@code --cidr}: network + 2 is the router and means the host's loopback, + 3 is the name server, + 15
 * to + 30 are DHCP's, + 100 is the address that {@code --configure} sets and forwards lead to. In the words of {@code AddressPlan}, + 3 is
 * the gateway, as it answers for itself, and + 2 the host; both have one hardware address, so a default route through either works.
 *
 * <p><b>API socket</b> ({@link dev.sluice.cli.face.slirp4netns.ApiSocket}). A client sends one JSON object of less than 4096 bytes, gets one
 * back, and that is all. A request is answered as soon as it is whole, whether its sender closed its side or not. Accepting has a daemon
 * thread, each client a virtual one; clients are few at a time, and one that stalls is cut.
 *
 * <p><b>End.</b> Like the original it stays until a signal comes or the exit descriptor's other end is closed: the namespace may outlive the
 * process that was named. Nothing else ends it, and the interface is gone with it.
 */
@NullMarked
package dev.sluice.cli.face.slirp4netns;

import org.jspecify.annotations.NullMarked;
