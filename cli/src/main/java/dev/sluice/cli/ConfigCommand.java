package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.settings.Schema;
import dev.sluice.cli.settings.Settings;
import dev.sluice.cli.view.Answer;
import dev.sluice.cli.view.Units;
import dev.sluice.control.ControlException;
import dev.sluice.control.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code sluice config}: settings files, and what holds for a network that runs. */
final class ConfigCommand implements Command {
    private static final String PATH = "/v1/settings";
    private static final String HOW = "it is: sluice config check FILE, show [FILE], reload or schema";

    private final Asking asking = new Asking();
    private final List<String> words = new ArrayList<>();

    @Override
    public Syntax syntax() {
        Syntax syntax = new Syntax("sluice config", "Checks settings files, and shows and reloads what holds.")
                .words(
                        "check FILE | show [FILE] | reload | schema",
                        "What to do: look for mistakes in FILE; show what FILE says or, without one, what holds for a"
                                + " running sluice and who said it; have that one read its file again; print the JSON schema"
                                + " of settings files.",
                        words::add);
        return asking.addTo(syntax)
                .footer(
                        "",
                        "Examples:",
                        "  sluice config check config.yaml",
                        "  sluice config show                    of the one that runs",
                        "  sluice config show config.yaml        of a file",
                        "  sluice config reload                  also SIGHUP; a changed file is noticed by itself",
                        "  sluice config schema > sluice.schema.json",
                        "",
                        "Exit code: 0; 2 if the file has mistakes, or wrong usage; 69 if it cannot be done.");
    }

    @Override
    public Integer call() throws ControlException {
        String verb = words.isEmpty() ? "" : words.getFirst();
        List<String> rest = words.subList(Math.min(1, words.size()), words.size());
        boolean known = switch (verb) {
            case "check" -> rest.size() == 1;
            case "show" -> rest.size() <= 1;
            case "reload", "schema" -> rest.isEmpty();
            case "" -> false;
            default -> throw Failure.usage("'" + verb + "' is none of check, show, reload, schema");
        };
        if (!known) {
            throw Failure.usage(HOW);
        }
        return switch (verb) {
            case "check" -> check(rest.getFirst());
            case "show" ->
                rest.isEmpty() ? asking.show(client -> client.get(PATH), ConfigCommand::text) : show(rest.getFirst());
            case "reload" -> {
                asking.print(asking.client().ask("POST", PATH + "/reload", ""), ConfigCommand::text);
                yield ExitCode.OK;
            }
            default -> {
                System.out.print(Json.of(Schema.document()));
                yield ExitCode.OK;
            }
        };
    }

    private static int check(String file) {
        Settings settings = SettingsFile.read(Path.of(file)).settings();
        System.out.println(file + ": " + settings.origins().size() + " settings, no mistakes");
        return ExitCode.OK;
    }

    private int show(String file) {
        Settings settings = SettingsFile.read(Path.of(file)).settings();
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("file", file);
        document.put("settings", settings.plain());
        document.put("origins", settings.origins());
        asking.print(Json.of(document), ConfigCommand::text);
        return ExitCode.OK;
    }

    /** A settings file again, with a remark of where each value is from. */
    private static String text(Answer answer) {
        StringBuilder out = new StringBuilder();
        Answer problem = answer.object("problem");
        for (Answer mistake : problem.list("mistakes")) {
            out.append("# not taken: ")
                    .append(Units.printable(mistake.text("text")))
                    .append('\n');
        }
        Answer origins = answer.object("origins");
        answer.object("settings").members().forEach((section, keys) -> {
            out.append(section).append(":\n");
            if (keys instanceof Map<?, ?> map) {
                map.forEach((name, value) -> out.append("  ")
                        .append(name)
                        .append(": ")
                        .append(Json.line(value))
                        .append("  # ")
                        .append(Units.printable(origins.text(section + "." + name)))
                        .append('\n'));
            }
        });
        return out.isEmpty() ? "# nothing is set\n" : out.toString();
    }
}
