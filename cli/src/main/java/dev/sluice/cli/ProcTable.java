package dev.sluice.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;

/** The kernel's tables of text below {@code /proc}. Read at every start, so without regular expressions: the first of those takes milliseconds. */
final class ProcTable {
    private ProcTable() {}

    /** The columns of a line; none of an empty one. */
    static List<String> columns(String line) {
        List<String> columns = new ArrayList<>(11);
        for (StringTokenizer words = new StringTokenizer(line); words.hasMoreTokens(); ) {
            columns.add(words.nextToken());
        }
        return columns;
    }
}
