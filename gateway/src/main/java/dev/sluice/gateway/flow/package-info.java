/**
 * What every kind of flow shares: who the guests are, the addresses of the network, limits and shares of them, counters, the policy, the way
 * out to a guest, and tables. The protocol packages beside this one depend on it; it depends on none of them.
 *
 * <p>{@link dev.sluice.gateway.flow.Shares} says whose a flow is where guests share a limit: a link's first, then a machine's behind it, whatever
 * addresses it uses. What each may hold is arithmetic ({@code dev.sluice.stack.share}); what becomes of who wants more is each protocol's.
 */
@NullMarked
package dev.sluice.gateway.flow;

import org.jspecify.annotations.NullMarked;
