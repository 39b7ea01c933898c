package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code sluice install-faces}: links by which sluice is found under other programs' names. */
final class InstallFacesCommand implements Command {
    private final List<String> words = new ArrayList<>();
    private final String program;

    InstallFacesCommand() {
        this(System.getProperty(Main.PROGRAM, ""));
    }

    /** @param program how the launcher was called */
    InstallFacesCommand(String program) {
        this.program = program;
    }

    @Override
    public Syntax syntax() {
        return new Syntax(
                        "sluice install-faces",
                        "Makes links in DIR by which sluice is called as " + String.join(", ", Sluice.FACES)
                                + ", all of them or those named.")
                .words("DIR [PROGRAM…]", "A directory, which is made if it is missing, and which programs.", words::add)
                .footer(
                        "",
                        "Examples:",
                        "  sluice install-faces ~/bin",
                        "  rootlesskit --net=slirp4netns --slirp4netns-binary=$HOME/bin/slirp4netns bash",
                        "  sluice install-faces /usr/local/bin slirp4netns",
                        "",
                        "Exit code: 0; 2 wrong usage; 69 if a link can't be made, and then none is.");
    }

    @Override
    public Integer call() throws IOException {
        if (words.isEmpty()) {
            throw Failure.usage("where? As in: sluice install-faces ~/bin");
        }
        List<String> faces = words.size() == 1 ? Sluice.FACES : words.subList(1, words.size());
        for (String face : faces) {
            if (!Sluice.FACES.contains(face)) {
                throw Failure.usage(
                        "sluice is no drop-in for '" + face + "'; it is one for " + String.join(", ", Sluice.FACES));
            }
        }
        Path launcher = launcher();
        Path directory = Files.createDirectories(Path.of(words.getFirst()).toAbsolutePath());
        List<Path> missing = new ArrayList<>();
        for (String face : faces) {
            Path link = directory.resolve(face);
            if (!Files.exists(link, LinkOption.NOFOLLOW_LINKS)) {
                missing.add(link);
            } else if (!Files.isSymbolicLink(link) || !launcher.equals(target(link))) {
                throw new IOException(link + " is something else; remove it, or choose another directory");
            }
        }
        for (Path link : missing) {
            Files.createSymbolicLink(link, launcher);
        }
        for (String face : faces) {
            System.out.println(directory.resolve(face));
        }
        return ExitCode.OK;
    }

    private Path launcher() throws IOException {
        if (program.isEmpty()) {
            throw Failure.unavailable("this sluice was not started by its launcher, so there is nothing to link to");
        }
        return Path.of(program).toRealPath();
    }

    private static Path target(Path link) throws IOException {
        try {
            return link.toRealPath();
        } catch (IOException dangling) {
            return Files.readSymbolicLink(link);
        }
    }
}
