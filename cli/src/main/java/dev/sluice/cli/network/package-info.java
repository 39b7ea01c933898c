/**
 * One guest network of this process, and what a process that serves one needs besides: signals, inherited descriptors, the end of a
 * namespace. Commands and faces stand on this; it knows neither, and says what it has to say as exceptions and log lines.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.cli.network.GuestNetwork} wires gateway, links, capture, {@link dev.sluice.cli.network.PublishedPorts} and {@link
 * dev.sluice.cli.network.ControlDoors} by hand; a command
 * makes one, hands it links ({@code attach} for a TAP interface, {@code listen} for a place where guests connect) and closes it at the
 * end. {@link dev.sluice.cli.network.NetworkNamespace} is a namespace that exists, by either of its names.
 *
 * <p>Whatever waits (for the other end of a descriptor, for the end of a namespace) has a daemon thread that sleeps in the kernel; an
 * idle process shall not wake up. One looks three times a minute whether the heap has grown to garbage mostly, and has it collected then
 * ({@code HeapWatch}).
 */
@NullMarked
package dev.sluice.cli.network;

import org.jspecify.annotations.NullMarked;
