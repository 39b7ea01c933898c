/**
 * Showing what a running sluice says: answers of its API as values, tables and units, and a screen that is drawn again and again.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.cli.view.Answer} is a document of the API that can be asked for members and never fails for one that a newer or
 * older process does not say. {@link dev.sluice.cli.view.Table} makes columns of it; {@link dev.sluice.cli.view.Units} writes amounts. What
 * guests choose (their names, the names they look up) is printed without anything that would steer a terminal.
 *
 * <p>{@link dev.sluice.cli.view.Terminal} is the user's terminal in the mode a screen needs: no echo, keys at once, the other screen. Its
 * settings are read and put back by stty(1), a program every system has, so that nothing here calls the C library; also when
 * the process is told to end. Sizes are asked for again when the window changes (SIGWINCH).
 */
@NullMarked
package dev.sluice.cli.view;

import org.jspecify.annotations.NullMarked;
