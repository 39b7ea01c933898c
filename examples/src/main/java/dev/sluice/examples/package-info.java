/**
 * Small programs that are hosts of their own on a TAP interface: what docs/stack.md explains.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>Each program opens a {@link dev.sluice.net.NetStack} as {@link dev.sluice.examples.Station} reads it from the command line, does its
 * work with blocking calls on virtual threads, and ends with its process. The work itself is a method that takes a stack, so tests run
 * it between two hosts in memory, without a TAP and without rights.
 */
@NullMarked
package dev.sluice.examples;

import org.jspecify.annotations.NullMarked;
