/** Simulated links, hosts and time for deterministic tests. */
@NullMarked
package dev.sluice.testkit;

import org.jspecify.annotations.NullMarked;
