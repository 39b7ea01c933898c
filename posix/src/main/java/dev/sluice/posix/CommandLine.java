package dev.sluice.posix;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * The words that this process was started with, as they came. The runtime decodes them by the locale's charset, and what that does not know
 * is lost: with none set ({@code LANG=C}), all but ASCII; with UTF-8, names of files from older times. Who passes words on can't pass on what
 * is lost, so the kernel is asked for them ({@code /proc/self/cmdline}, proc_pid_cmdline(5)).
 */
final class CommandLine {
    private static final Path OURS = Path.of("/proc/self/cmdline");

    private CommandLine() {}

    /**
     * Encodes words, those at the end that are this process's own last arguments as they came.
     *
     * @param charset the runtime's
     */
    static List<byte[]> bytes(List<String> words, Charset charset) {
        // every locale's charset has ASCII in it: the usual case needs no look
        return words.stream().allMatch(CommandLine::isAscii)
                ? bytes(words, charset, new byte[0])
                : bytes(words, charset, ours());
    }

    private static boolean isAscii(String word) {
        return word.chars().allMatch(c -> c < 0x80);
    }

    private static byte[] ours() {
        try {
            return Files.readAllBytes(OURS);
        } catch (IOException e) {
            return new byte[0]; // no /proc: as well as the locale allows
        }
    }

    /** @param commandLine this process's arguments, each with a zero behind it */
    static List<byte[]> bytes(List<String> words, Charset charset, byte[] commandLine) {
        List<byte[]> reversed = new ArrayList<>();
        int end = commandLine.length;
        boolean same = true;
        for (String word : words.reversed()) {
            int start = end - 1;
            while (start > 0 && commandLine[start - 1] != 0) {
                start--;
            }
            same = same && start >= 0 && new String(commandLine, start, end - 1 - start, charset).equals(word);
            if (same) {
                reversed.add(Arrays.copyOfRange(commandLine, start, end - 1));
                end = start;
            } else {
                reversed.add(word.getBytes(charset));
            }
        }
        Collections.reverse(reversed);
        return reversed;
    }
}
