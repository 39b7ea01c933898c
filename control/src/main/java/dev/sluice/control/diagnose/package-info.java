/**
 * Evidence for when something has gone wrong, in one archive.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>An archive is a tar stream that is made while it is sent: a part that cannot be had is replaced by a line that says why, and the rest
 * still comes. {@link dev.sluice.control.diagnose.TarWriter} writes it; {@link dev.sluice.control.diagnose.Evidence} collects what is the
 * process's own: threads, a flight recording, the machine. State and captures come from the API, whose answers they are.
 *
 * <p><b>Secrets</b> do not get in because of their type, not because somebody looked for them: a
 * {@link dev.sluice.control.diagnose.Secret} never prints itself, and of what nobody has typed (the environment, the arguments of the
 * command that is run) only names and numbers are told, unless the name is known to be harmless. The flight recording has only kinds of
 * events that hold neither the environment nor command lines. Captures do hold what guests sent and got, so whoever asks may leave
 * them out, and is told.
 *
 * <p>Nothing here runs before it is asked for.
 */
@NullMarked
package dev.sluice.control.diagnose;

import org.jspecify.annotations.NullMarked;
