package dev.sluice.cli.face.gvproxy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The numbers that the API calls guests' connections by: from 0 on, never one twice. Thread-safe. */
final class ConnectionNumbers {
    private Map<String, Integer> numbers = Map.of();
    private int next;

    /**
     * Those of the connections there are.
     *
     * @param links their names, oldest first; those that are not among them any more are forgotten
     */
    synchronized Map<String, Integer> of(List<String> links) {
        Map<String, Integer> now = new LinkedHashMap<>();
        for (String link : links) {
            Integer known = numbers.get(link);
            now.put(link, known == null ? next++ : known);
        }
        numbers = now;
        return now;
    }
}
