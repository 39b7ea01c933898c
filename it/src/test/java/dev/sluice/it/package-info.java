/** Tests with real programs, namespaces and virtual machines, and of the house's architecture. */
@NullMarked
package dev.sluice.it;

import org.jspecify.annotations.NullMarked;
