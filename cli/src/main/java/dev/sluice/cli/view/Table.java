package dev.sluice.cli.view;

import java.util.ArrayList;
import java.util.List;

/** Rows in columns that are as wide as their widest cell. Used by one thread. */
public final class Table {
    private final boolean[] right;
    private final List<String[]> rows = new ArrayList<>();

    /** @param headers those that start with {@code >} are of columns aligned to the right */
    public Table(String... headers) {
        right = new boolean[headers.length];
        String[] names = new String[headers.length];
        for (int i = 0; i < headers.length; i++) {
            right[i] = headers[i].startsWith(">");
            names[i] = right[i] ? headers[i].substring(1) : headers[i];
        }
        rows.add(names);
    }

    /** Adds a row, a cell for each column. */
    public Table row(String... cells) {
        if (cells.length != right.length) {
            throw new IllegalArgumentException(cells.length + " cells for " + right.length + " columns");
        }
        String[] row = new String[cells.length];
        for (int i = 0; i < cells.length; i++) {
            row[i] = Units.printable(cells[i]);
        }
        rows.add(row);
        return this;
    }

    /** Whether there is nothing but the headers. */
    public boolean isEmpty() {
        return rows.size() == 1;
    }

    /** The lines, without spaces at their ends. */
    public List<String> lines() {
        int[] widths = new int[right.length];
        for (String[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        }
        List<String> lines = new ArrayList<>(rows.size());
        for (String[] row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.length; i++) {
                String space = " ".repeat(widths[i] - row[i].length());
                line.append(i == 0 ? "" : "  ").append(right[i] ? space + row[i] : row[i] + space);
            }
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }

    @Override
    public String toString() {
        return String.join("\n", lines()) + "\n";
    }
}
