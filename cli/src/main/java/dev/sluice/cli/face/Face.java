package dev.sluice.cli.face;

import java.util.List;

/** A program of somebody else that Sluice stands in for; an object for one execution. */
@FunctionalInterface
public interface Face {
    /**
     * Does what that program does with these arguments, until it would end.
     *
     * <p>Mistakes in the arguments, and whatever else the program's callers read, are said here in the program's own form. An exception is
     * for what no caller reads: it becomes one line that begins with the program's name.
     *
     * @param arguments all of them, without the program's name
     * @return the exit code
     */
    int call(List<String> arguments) throws Exception;
}
