package dev.sluice.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The examples of a page: what stands after {@code $} in its console blocks, with the output below, and files by the name in their first line. */
final class Examples {
    /** @param output lines that follow, each with its end; empty if none do */
    record Example(String command, String output) {}

    private Examples() {}

    static List<Example> of(Path page) throws IOException {
        List<Example> found = new ArrayList<>();
        for (List<String> block : blocks(page, "console")) {
            String command = null;
            StringBuilder output = new StringBuilder();
            for (String line : block) {
                if (line.startsWith("$ ")) {
                    if (command != null) {
                        found.add(new Example(command, output.toString()));
                    }
                    command = line.substring(2).strip();
                    output.setLength(0);
                } else {
                    output.append(line).append('\n');
                }
            }
            if (command != null) {
                found.add(new Example(command, output.toString()));
            }
        }
        return found;
    }

    /** YAML blocks that begin with {@code # NAME.yaml}, by that name. */
    static Map<String, String> files(Path page) throws IOException {
        Map<String, String> files = new LinkedHashMap<>();
        for (List<String> block : blocks(page, "yaml")) {
            if (block.getFirst().matches("# [a-z-]+\\.yaml")) {
                files.put(block.getFirst().substring(2), String.join("\n", block) + "\n");
            }
        }
        return files;
    }

    private static List<List<String>> blocks(Path page, String kind) throws IOException {
        List<List<String>> blocks = new ArrayList<>();
        List<String> open = null;
        for (String line : Files.readAllLines(page)) {
            if (line.equals("```" + kind)) {
                open = new ArrayList<>();
            } else if (line.equals("```") && open != null) {
                blocks.add(open);
                open = null;
            } else if (open != null) {
                open.add(line);
            }
        }
        return blocks;
    }
}
