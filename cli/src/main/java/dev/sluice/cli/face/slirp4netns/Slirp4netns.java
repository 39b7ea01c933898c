package dev.sluice.cli.face.slirp4netns;

import dev.sluice.cli.face.Face;
import java.io.IOException;
import java.util.List;

/** {@code slirp4netns}. */
public final class Slirp4netns implements Face {
    @Override
    public int call(List<String> arguments) throws IOException {
        switch (arguments.isEmpty() ? "" : arguments.getFirst()) {
            case "-v", "--version" -> System.out.print(VERSION);
            default -> throw new IOException("only --version so far");
        }
        return 0;
    }

    /** In the form that callers read; the first line's number is that of the slirp4netns whose options these are. */
    private static final String VERSION = """
            slirp4netns version 1.3.1
            commit: sluice
            libslirp: none (sluice)
            """;
}
