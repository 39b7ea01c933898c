package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileWatchTest {
    @TempDir
    Path folder;

    private final Semaphore told = new Semaphore(0);
    private FileWatch watch;
    private volatile String seen = "";
    private Path file;

    @BeforeEach
    void name() {
        file = folder.resolve("settings.json");
    }

    @AfterEach
    void close() {
        watch.close();
    }

    private void watch() throws IOException {
        watch = FileWatch.start(List.of(file), () -> {
            try {
                seen = Files.exists(file) ? Files.readString(file) : "none";
            } catch (IOException e) {
                seen = "none";
            }
            told.release();
        });
    }

    private void awaitSeen(String text) throws InterruptedException {
        while (!seen.equals(text)) {
            assertThat(told.tryAcquire(10, TimeUnit.SECONDS))
                    .as("told of '%s', not '%s'", text, seen)
                    .isTrue();
        }
    }

    @Test
    void aWrittenFileIsTold() throws Exception {
        Files.writeString(file, "1");
        watch();
        Files.writeString(file, "2");
        awaitSeen("2");
    }

    @Test
    void aFileRenamedOverAnotherIsTold() throws Exception {
        Files.writeString(file, "1");
        watch();
        for (String text : List.of("2", "3")) {
            Path fresh = Files.writeString(folder.resolve("fresh"), text);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            awaitSeen(text);
        }
    }

    @Test
    void removingAFileAndMakingItAgainIsTold() throws Exception {
        Files.writeString(file, "1");
        watch();
        Files.delete(file);
        awaitSeen("none");
        Files.writeString(file, "2");
        awaitSeen("2");
    }

    /** As Kubernetes replaces the files of a volume. */
    @Test
    void aLinkedFolderThatIsExchangedIsTold() throws Exception {
        for (String version : List.of("v1", "v2")) {
            Files.createDirectory(folder.resolve(version));
            Files.writeString(folder.resolve(version).resolve("settings.json"), version);
        }
        Files.createSymbolicLink(folder.resolve("data"), Path.of("v1"));
        Files.createSymbolicLink(file, Path.of("data/settings.json"));
        watch();
        Files.createSymbolicLink(folder.resolve("fresh"), Path.of("v2"));
        Files.move(folder.resolve("fresh"), folder.resolve("data"), StandardCopyOption.ATOMIC_MOVE);
        awaitSeen("v2");
        Files.writeString(folder.resolve("v2").resolve("settings.json"), "v2 written");
        awaitSeen("v2 written");
    }

    @Test
    void aDanglingLinkIsTold() throws Exception {
        Path elsewhere = folder.resolve("elsewhere");
        Files.createSymbolicLink(file, elsewhere.resolve("settings.json"));
        watch();
        Files.createDirectory(elsewhere);
        Files.writeString(elsewhere.resolve("settings.json"), "1");
        awaitSeen("1");
    }

    @Test
    void aFileInAFolderThatIsMadeLaterIsTold() throws Exception {
        file = folder.resolve("a").resolve("b").resolve("settings.json");
        watch();
        Files.createDirectories(file.getParent());
        Files.writeString(file, "1");
        awaitSeen("1");
    }

    @Test
    void aFolderThatIsRemovedAndMadeAgainIsTold() throws Exception {
        file = folder.resolve("a").resolve("settings.json");
        Files.createDirectory(file.getParent());
        Files.writeString(file, "1");
        watch();
        Files.delete(file);
        Files.delete(file.getParent());
        awaitSeen("none");
        Files.createDirectory(file.getParent());
        Files.writeString(file, "2");
        awaitSeen("2");
    }

    @Test
    void otherFilesOfTheFolderAreNot() throws Exception {
        Files.writeString(file, "1");
        watch();
        Files.writeString(folder.resolve("other"), "x");
        Files.writeString(file, "2");
        awaitSeen("2");
        Files.writeString(folder.resolve("other"), "y");
        Files.writeString(folder.resolve("third"), "z");
        Files.writeString(file, "3");
        awaitSeen("3");
        assertThat(seen).isEqualTo("3");
    }
}
