package dev.sluice.cli.namespace;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Looking programs up before they are needed, so that what is missing is said in our words. */
final class Programs {
    private static final String SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

    private Programs() {}

    /**
     * Checks that a shell would find and execute {@code program}. Where the locale has no words for a path, only the shell can tell, later.
     *
     * @param path the PATH to search
     */
    static void checkCommand(String program, @Nullable String path) throws CommandException {
        List<Path> places = new ArrayList<>();
        try {
            if (program.indexOf('/') >= 0) {
                places.add(Path.of(program));
            } else if (!program.isEmpty()) {
                for (String directory : (path == null ? SYSTEM_PATH : path).split(":", -1)) {
                    places.add(Path.of(directory.isEmpty() ? "." : directory, program));
                }
            }
        } catch (InvalidPathException e) {
            return;
        }
        boolean there = false;
        for (Path place : places) {
            if (Files.isExecutable(place) && !Files.isDirectory(place)) {
                return;
            }
            there |= Files.exists(place);
        }
        if (there) {
            throw new CommandException(program + ": not executable", CommandException.NOT_EXECUTABLE);
        }
        throw new CommandException(program + ": command not found", CommandException.NOT_FOUND);
    }

    /**
     * The path of a tool that set-up needs.
     *
     * @throws IOException naming the package to install
     */
    static String tool(String name, String distributionPackage) throws IOException {
        String path = System.getenv("PATH");
        for (String directory : (path == null ? SYSTEM_PATH : path + ":" + SYSTEM_PATH).split(":")) {
            if (!directory.isEmpty() && new File(directory, name).canExecute()) {
                return directory + "/" + name;
            }
        }
        throw new IOException("there is no '" + name
                + "' command, which Sluice needs to set up a namespace: install the package " + distributionPackage);
    }
}
