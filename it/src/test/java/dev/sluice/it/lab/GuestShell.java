package dev.sluice.it.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.atomic.AtomicInteger;

/** Runs scripts one after the other or side by side in a guest that goes on living, which is given {@link #command} to run. */
public final class GuestShell {
    private final Path folder;
    private final AtomicInteger count = new AtomicInteger();

    /** @param folder which the guest sees, too */
    public GuestShell(Path folder) {
        this.folder = folder;
    }

    /** What the guest has to run: every script that appears, each beside the others. */
    public String[] command() {
        return new String[] {
            "sh",
            "-c",
            "cd " + folder + " && i=1; while :; do if [ -e in-$i ]; then"
                    + " n=$i; (sh ./in-$n >tmp-$n 2>err-$n </dev/null; echo $? >code-$n; mv tmp-$n out-$n) & i=$((i+1));"
                    + " else sleep 0.03; fi; done"
        };
    }

    /** One that was started. */
    public final class Script {
        private final int number;
        private final String text;

        private Script(int number, String text) {
            this.number = number;
            this.text = text;
        }

        /** What it has written, once it has ended well. */
        public String output() {
            Await.until(Program.DEADLINE, "a script ends", this::toString, () -> Files.exists(file("out-")));
            if (!read("code-").equals("0\n")) {
                throw new AssertionError("failed: " + this);
            }
            return read("out-");
        }

        private Path file(String prefix) {
            return folder.resolve(prefix + number);
        }

        private String read(String prefix) {
            try {
                return Files.exists(file(prefix)) ? Files.readString(file(prefix)) : "";
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public String toString() {
            return text + "\n--- exit code: " + read("code-") + "\n--- out: " + read("tmp-") + read("out-")
                    + "\n--- err: " + read("err-");
        }
    }

    /** Starts a script beside what runs. */
    public Script start(String script) {
        int number = count.incrementAndGet();
        try {
            Path written = Files.writeString(folder.resolve("new-" + number), "set -e\n" + script + "\n");
            Files.move(written, folder.resolve("in-" + number), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Script(number, script);
    }

    /** Runs a script to its end, which must be good; what it wrote. */
    public String run(String script) {
        return start(script).output();
    }
}
