/**
 * A private piece of Internet for tests with real programs.
 *
 * <p>A {@link dev.sluice.it.lab.Lab} makes three network namespaces: the <em>host</em>, where sluice runs; a <em>router</em>; and the
 * <em>Internet</em>, with servers for HTTP, DNS, echo and iperf3. Nothing in them reaches the machine's own network. Every process that
 * is started carries a mark in its environment, by which what is left over can be found and ended; the namespaces go with the lab,
 * after a failure too, and what a killed test run left is removed by the next.
 */
@NullMarked
package dev.sluice.it.lab;

import org.jspecify.annotations.NullMarked;
