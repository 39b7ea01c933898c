package dev.sluice.cli.options;

import java.util.Collection;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What somebody may have meant. */
public final class Spelling {
    private Spelling() {}

    /** The one that differs least, if it differs little or only lacks its end; null if none does. */
    public static @Nullable String nearest(String word, Collection<String> known) {
        String plain = plain(word);
        if (plain.length() > 64) {
            return null;
        }
        String best = null;
        // of three letters two others make any word
        int least = plain.length() < 4 ? 2 : plain.length() / 3 + 2;
        for (String each : known) {
            String other = plain(each);
            int distance = plain.length() > 1 && other.startsWith(plain) ? 1 : distance(plain, other);
            if (distance < least) {
                least = distance;
                best = each;
            }
        }
        return best;
    }

    /** Case and the kind of separator are what is mistaken most. */
    private static String plain(String word) {
        return word.toLowerCase(Locale.ROOT).replace("_", "").replace("-", "");
    }

    /** How many letters to insert, leave out or replace (Levenshtein). */
    private static int distance(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[b.length()];
    }
}
