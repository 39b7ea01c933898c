package dev.sluice.cli;

import dev.sluice.cli.face.Face;
import dev.sluice.cli.options.Syntax;
import java.util.List;

/** {@code sluice as}: another program's command line. */
final class AsCommand implements Command {
    private List<String> words = List.of();

    @Override
    public Syntax syntax() {
        return new Syntax(
                        "sluice as",
                        "Does what another program would do with the same arguments: sluice is a drop-in for "
                                + String.join(", ", Sluice.FACES) + ".")
                .rest("PROGRAM", "Which program, and all of its arguments.", all -> words = all)
                .footer(
                        "",
                        "Examples:",
                        "  sluice as slirp4netns --configure --mtu=65520 4242 tap0",
                        "  sluice as slirp4netns --help",
                        "  sluice install-faces ~/bin        so that a program finds them under their names",
                        "",
                        "Exit code: that program's; 2 if sluice is no drop-in for it.");
    }

    @Override
    public Integer call() {
        String program = words.getFirst();
        Face face = Sluice.face(program);
        if (face == null) {
            throw Failure.usage(
                    "sluice is no drop-in for '" + program + "'; it is one for " + String.join(", ", Sluice.FACES));
        }
        return Main.execute(face, program, words.subList(1, words.size()));
    }
}
