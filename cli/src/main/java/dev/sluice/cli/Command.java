package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import java.util.concurrent.Callable;

/** One command: an object for one execution, whose fields its syntax sets before it is called. */
interface Command extends Callable<Integer> {
    /** What it accepts; to be made once. */
    Syntax syntax();

    /** Begins what {@link #call} will need in any case, beside the reading of the command line. */
    default void prepare() {}

    /**
     * Does it.
     *
     * @return the exit code
     * @throws Failure, IOException with one line for the user; anything else is a fault of sluice
     */
    @Override
    Integer call() throws Exception;
}
