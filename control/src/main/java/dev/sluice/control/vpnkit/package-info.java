/**
 * The doors that tools made for VPNKit know: its port control files, its state files and their archive, and the HTTP API of its Go
 * programs.
 *
 * <h2>Theory of operation</h2>
 *
 * <p><b>Ports</b> ({@link dev.sluice.control.vpnkit.PortTree}). A client makes a directory, opens the file {@code ctl} in it, writes one
 * line that says what to forward ({@link dev.sluice.control.vpnkit.PortSpec}), and reads back {@code OK …} or {@code ERROR …} in the words
 * that Docker shows its users. The forward lives as long as that file is open; when it is closed, or the client is gone, the port
 * closes and the directory goes. Unlike VPNKit, removing the entry does that too; a forward is stopped by the fid that made it, or by one
 * that is opened and clunked with nothing between (its Go library's way), not by one that only looked; and the words for a port that is
 * taken or forbidden are the friendly ones again.
 *
 * <p><b>State</b> ({@link dev.sluice.control.vpnkit.StateFiles}). Files that are made when they are opened; read through 9P, or all
 * at once as a tar stream.
 *
 * <p>All is called on the clients' own virtual threads. Entries are bounded; so is what a client may write.
 */
@NullMarked
package dev.sluice.control.vpnkit;

import org.jspecify.annotations.NullMarked;
