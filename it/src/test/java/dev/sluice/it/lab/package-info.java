/**
 * A private piece of Internet for tests with real programs.
 *
 * <p>A {@link dev.sluice.it.lab.Lab} makes three network namespaces: the <em>host</em>, where sluice runs; a <em>router</em>; and the
 * <em>Internet</em>, with servers for HTTP, DNS, echo and iperf3. Nothing in them reaches the machine's own network. Every process that
 * is started carries a {@link dev.sluice.it.lab.Mark} in its environment, by which what is left over can be found and ended; the
 * namespaces go with the lab, after a failure too, and what a killed test run left is removed by the next.
 *
 * <p>A lab is a JUnit extension: it opens before a class's tests, skips them with a reason where a program they need is missing, builds
 * sluice if that has not been done, holds each test to leaving nothing running, and closes after the last.
 */
@NullMarked
package dev.sluice.it.lab;

import org.jspecify.annotations.NullMarked;
