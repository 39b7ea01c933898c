/**
 * What can be set for a network, wherever it is said: in a file, on the command line, over the API.
 *
 * <h2>Theory of operation</h2>
 *
 * <p><b>One table.</b> {@link dev.sluice.cli.settings.Keys} has every key there is: its name ({@code dns.servers}), the
 * {@link dev.sluice.cli.settings.Form} in which its value is written, the option that says the same, whether it may change while the
 * network runs, and what it means. The reader, the JSON schema, what is shown and the suggestions for misspelt keys all come from that
 * table, so they cannot disagree.
 *
 * <p><b>From text to settings.</b> {@link dev.sluice.cli.settings.YamlDocument} turns a file into a tree of
 * {@link dev.sluice.cli.settings.Item}s that know where they stand; a document of the API becomes the same tree without places.
 * {@link dev.sluice.cli.settings.SettingsReader} takes the tree key by key and goes on after each mistake, so that one run tells all of
 * them. The YAML library only parses: no objects are made by tags, and depth, size and what aliases expand to are bounded here. None of its
 * classes is loaded unless there is a file.
 *
 * <p><b>Layers.</b> {@link dev.sluice.cli.settings.Settings} is an immutable set of keys with values and where each was said. The file is
 * the lowest layer, the command line lies over it, the API over both; a key of a higher layer takes the place of the whole value below, lists
 * included, since a list of which a part comes from elsewhere could not be made shorter. Later layers never change earlier ones, so a key
 * taken back in the API shows what lay below it.
 *
 * <p><b>Change.</b> {@link dev.sluice.cli.settings.LiveSettings} holds the layers of a running network. A changed file or request makes a
 * new whole, which is checked before anything happens. It is then applied as the difference to the old one
 * ({@link dev.sluice.cli.settings.Change}): what was opened or added by hand (ports, records) is left alone, no flow is touched, and each step
 * leaves behind how to take it back. If one fails, or if any key differs that cannot change while the network runs, nothing is changed at
 * all, and the reason is told: in the log, as an event, in the status. Changes are made one at a time.
 *
 * <p><b>The proxy.</b> Which proxy requests take is followed by {@link dev.sluice.cli.settings.ProxyFollower}, which is made, and the
 * module {@code proxy} loaded, with the first setting that names one, or at once where this machine may have settings of its own
 * ({@link dev.sluice.cli.settings.HostProxy}), as those hold where nothing else is said. Rules that it gives are called by the option or key that says so; a
 * password that stands in {@code proxy.use} is a {@link dev.sluice.control.diagnose.Secret} from the first character on.
 *
 * <p><b>Watching.</b> {@link dev.sluice.host.FileWatch} sleeps in the kernel until something happens in a directory that the file's
 * path leads through, links included, so renames, flipped links, and directories that go and come back are seen. What counts is the
 * content; a file that is gone changes nothing.
 *
 * <p>Why a package and not a module: it knows the types of gateway and control, and nobody but the commands uses it.
 */
@NullMarked
package dev.sluice.cli.settings;

import org.jspecify.annotations.NullMarked;
