/**
 * Reading a command line, and explaining it.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A command describes what it accepts in a {@link dev.sluice.cli.options.Syntax}: each option with the code that takes its value, one
 * positional parameter or the rest of the line, and the text of its help. From that one description come {@link
 * dev.sluice.cli.options.Syntax#parse parsing}, the {@link dev.sluice.cli.options.HelpText help} and the shell's {@link
 * dev.sluice.cli.options.Completion completion}, so they cannot disagree.
 *
 * <p>Words are read as getopt_long(3) reads them (POSIX.1-2024 XBD 12.2): {@code --name VALUE} and {@code --name=VALUE}, {@code -p VALUE},
 * {@code -pVALUE} and {@code -p=VALUE}, flags in one word as {@code -vV}; {@code --} ends the options. Options and parameter may mix,
 * except where a parameter takes the rest of the line. Names are not abbreviated: an abbreviation breaks when a release adds an option.
 * An option that may not be repeated and is repeated is an error, because one of the two would be ignored. A value may start with a dash;
 * only {@code --} and the command's own option names count as a forgotten value.
 *
 * <p>Why not a library: annotations read by reflection, with what that generates at run time, took more than half of the time that
 * {@code sluice run -- true} took (docs/performance.md), and no cache of the JVM keeps any of it.
 */
@NullMarked
package dev.sluice.cli.options;

import org.jspecify.annotations.NullMarked;
