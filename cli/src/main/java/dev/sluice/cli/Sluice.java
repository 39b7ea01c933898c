package dev.sluice.cli;

import dev.sluice.cli.face.Face;
import dev.sluice.cli.face.gvproxy.Gvproxy;
import dev.sluice.cli.face.slirp4netns.Slirp4netns;
import dev.sluice.cli.face.vpnkit.Vpnkit;
import dev.sluice.cli.options.Spelling;
import dev.sluice.cli.options.Syntax;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code sluice} itself: its commands by name, and its own help. */
final class Sluice {
    static final String NAME = "sluice";
    /** In the order of the help text. */
    private static final List<String> COMMANDS = List.of(
            "run",
            "attach",
            "serve",
            "status",
            "top",
            "flows",
            "guests",
            "ports",
            "dns",
            "config",
            "proxy",
            "explain",
            "events",
            "capture",
            "diagnose",
            "port-helper",
            "as",
            "install-faces",
            "completion",
            "training");
    /** The programs that it stands in for. */
    static final List<String> FACES = List.of("slirp4netns", "gvproxy", "vpnkit");

    private Sluice() {}

    /** A new object for the command called {@code name}; null if there is none. Only the one asked for is ever loaded. */
    static @Nullable Command command(String name) {
        return switch (name) {
            case "run" -> new RunCommand();
            case "attach" -> new AttachCommand();
            case "serve" -> new ServeCommand();
            case "ports" -> new PortsCommand();
            case "status" -> new StatusCommand();
            case "top" -> new TopCommand();
            case "flows" -> new FlowsCommand();
            case "guests" -> new GuestsCommand();
            case "dns" -> new DnsCommand();
            case "explain" -> new ExplainCommand();
            case "proxy" -> new ProxyCommand();
            case "config" -> new ConfigCommand();
            case "events" -> new EventsCommand();
            case "capture" -> new CaptureCommand();
            case "diagnose" -> new DiagnoseCommand();
            case "port-helper" -> new PortHelperCommand();
            case "as" -> new AsCommand();
            case "install-faces" -> new InstallFacesCommand();
            case "completion" -> new CompletionCommand();
            case "training" -> new TrainingCommand();
            default -> null;
        };
    }

    /** What stands in for the program called {@code name}; null if nothing does. Only the one asked for is ever loaded. */
    static @Nullable Face face(String name) {
        return switch (name) {
            case "slirp4netns" -> new Slirp4netns();
            case "gvproxy" -> new Gvproxy(Console::beVerbose);
            case "vpnkit" -> new Vpnkit(Console::beVerbose);
            default -> null;
        };
    }

    /** Of every command, for help and completion. */
    static List<Syntax> syntaxes() {
        List<Syntax> all = new ArrayList<>();
        for (String name : COMMANDS) {
            Command command = command(name);
            if (command != null) {
                all.add(command.syntax());
            }
        }
        return all;
    }

    private static List<String> shownCommands() {
        return syntaxes().stream()
                .filter(syntax -> !syntax.isHidden())
                .map(syntax -> syntax.name().substring(NAME.length() + 1))
                .toList();
    }

    /** What stands before or instead of a command. */
    static Syntax syntax() {
        return new Syntax(
                        NAME,
                        "A network for a command, a namespace or a VM: whatever it opens leaves this machine as an ordinary"
                                + " socket of yours.")
                .optionalParameter("COMMAND", "What to do.", name -> {
                    String near = Spelling.nearest(name, shownCommands());
                    throw new IllegalArgumentException(
                            "there is no '" + name + "'" + (near == null ? "" : "; did you mean '" + near + "'?"));
                })
                .footer(
                        "",
                        "Examples:",
                        "  sluice run -- curl https://example.com     a command in a network of its own, no root",
                        "  sluice run -p 8080:80 -- ./server          and reach its port 80 as this machine's 8080",
                        "  sluice attach 4242                         give the namespace of process 4242 a network",
                        "  sluice serve --listen qemu:/tmp/vm.sock    give a VM one",
                        "  sluice ports add 8080:80                   publish a port of a guest that runs already",
                        "  sluice status                              what is running, and how much went through",
                        "  sluice top                                 the busiest flows, live",
                        "",
                        "Exit codes: 0 done; 2 wrong usage; 69 this machine lacks or forbids something; 70 a fault of sluice.",
                        "run ends with its command's own code, or 128 + the signal that ended it.");
    }
}
