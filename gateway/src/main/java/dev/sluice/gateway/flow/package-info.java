/**
 * What every kind of flow shares: who the guests are, the addresses of the network, limits, counters, the policy, the way out to
 * a guest, and tables. The protocol packages beside this one depend on it; it depends on none of them.
 */
@NullMarked
package dev.sluice.gateway.flow;

import org.jspecify.annotations.NullMarked;
