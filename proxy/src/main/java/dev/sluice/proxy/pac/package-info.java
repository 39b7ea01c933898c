/**
 * Proxy auto-configuration: a script of the user's company says which way a request goes.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A {@link dev.sluice.proxy.pac.PacFile} is one place (a file, or a URL) with what was last loaded from it. A file is looked at with each
 * question; a URL is fetched again at most once a minute, beside the questions, which the script that is there goes on to answer. A script
 * that cannot be loaded or compiled never takes the place of one that could. Answers are kept for five seconds by scheme, host and port, which
 * is all that a script is told (no path: it is none of its business, and browsers do the same).
 *
 * <p><b>The script</b> ({@code PacScript}) is compiled once and run from its top for every question over standard objects that
 * nobody has used before: so questions may be asked at the same time, and no question leaves anything behind for the next. Mozilla Rhino interprets it; no class file is ever made, and no Java class is visible to it.
 *
 * <p><b>Limits</b>, since the script comes from a network: 1 MiB of source; two seconds, 64 MiB of allocations and 32 names looked up per
 * question, watched at every ten thousand steps; a lookup may take half of the time that is left, and a name not found by then has no address; four questions at a time, each on a platform thread that is there for this question only, because
 * a script cannot be interrupted anywhere else. One that spends its time inside a single step, as a regular expression may, is given up: whoever
 * asked goes on without it, and the script is refused, at once and saying why, until that step ends or the script is another. Its thread can't be
 * ended; four such may run beside the four places, and then no script is run any more. String functions that could pass the limit in one step are not there ({@code repeat},
 * {@code padStart}, {@code padEnd}). What goes wrong, goes direct, as in browsers, with the reason and the line in the rule; after a script
 * that took too long, the next ten seconds' questions do not run it.
 *
 * <p><b>The line</b> in a rule is the last one that ran in {@code FindProxyForURL} itself: its {@code return}. It comes from Rhino's debugger
 * interface, which costs some speed and is why every script runs with it.
 *
 * <p>What scripts are given ({@code PacFunctions}) is Netscape's set, with the names that Microsoft added for IPv6.
 */
@NullMarked
package dev.sluice.proxy.pac;

import org.jspecify.annotations.NullMarked;
