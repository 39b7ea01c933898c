package dev.sluice.cli.settings;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where something was said.
 *
 * @param source a file, an option, or the API, as people call it
 * @param folder what relative paths are relative to; null for the working directory
 * @param line from 1; 0 if there are none
 * @param column from 1
 */
public record Where(String source, @Nullable Path folder, int line, int column) {
    /** In a request to the API. */
    public static final Where API = new Where("API", null, 0, 0);

    /** On the command line. */
    public static Where option(String name) {
        return new Where(name, null, 0, 0);
    }

    Where at(int otherLine, int otherColumn) {
        return new Where(source, folder, otherLine, otherColumn);
    }

    /** As compilers write it: {@code config.yaml:3:7}. */
    @Override
    public String toString() {
        return line == 0 ? source : source + ":" + line + ":" + column;
    }
}
