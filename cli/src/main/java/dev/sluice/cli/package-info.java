/**
 * The commands, {@code sluice run}, {@code attach}, {@code serve}, {@code status}: options checked, pieces wired by hand, and every
 * error a person can meet turned into one line that says what was tried, why it failed and what to do.
 */
@NullMarked
package dev.sluice.cli;

import org.jspecify.annotations.NullMarked;
