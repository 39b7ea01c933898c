package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A file is followed through everything that happens to files. */
@Timeout(300)
class FileWatchTest {
    @TempDir
    private Path folder;

    private Path file;
    private FileWatch watch;
    private final LinkedBlockingQueue<String> seen = new LinkedBlockingQueue<>();

    @BeforeEach
    void prepare() throws IOException {
        folder = folder.toRealPath();
        file = Files.createDirectories(folder.resolve("etc/sluice")).resolve("config.yaml");
    }

    @AfterEach
    void stop() {
        watch.close();
    }

    private void watch(Path path) throws Exception {
        watch = FileWatch.start(List.of(path), () -> {
            try {
                seen.add(Files.readString(path));
            } catch (IOException e) {
                seen.add("none");
            }
        });
    }

    /** Waits until the file was seen with that content; what was seen before on the way does not matter. */
    private void sees(String text) throws InterruptedException {
        for (String each = seen.poll(60, TimeUnit.SECONDS);
                !text.equals(each);
                each = seen.poll(60, TimeUnit.SECONDS)) {
            assertThat(each).as("something was seen before '" + text + "'").isNotNull();
        }
    }

    @Test
    void writingAndReplacingByRenameAreSeen() throws Exception {
        Files.writeString(file, "1");
        watch(file);
        sees("1");
        Files.writeString(file, "2");
        sees("2");
        Path other = Files.writeString(file.resolveSibling("new"), "3");
        Files.move(other, file, StandardCopyOption.ATOMIC_MOVE);
        sees("3");
        Files.writeString(file, "4");
        sees("4");
    }

    @Test
    void aFileThatGoesAndComesBackIsSeenAlsoWithItsDirectory() throws Exception {
        watch(file);
        sees("none");
        Files.writeString(file, "1");
        sees("1");
        Files.delete(file);
        sees("none");
        Files.delete(file.getParent());
        Files.delete(file.getParent().getParent());
        Files.createDirectories(file.getParent());
        Files.writeString(file, "2");
        sees("2");
        Files.move(file.getParent(), folder.resolve("etc/old"));
        sees("none");
        Files.createDirectories(file.getParent());
        Files.writeString(file, "3");
        sees("3");
    }

    @Test
    void aLinkThatIsFlippedIsSeenWhereverItStands() throws Exception {
        Path one = Files.writeString(
                Files.createDirectories(folder.resolve("versions/1")).resolve("config.yaml"), "1");
        Files.writeString(Files.createDirectories(folder.resolve("versions/2")).resolve("config.yaml"), "2");
        Path data = Files.createSymbolicLink(folder.resolve("data"), Path.of("versions/1"));
        Files.createSymbolicLink(file, data.resolve("config.yaml"));
        watch(file);
        sees("1");
        Path next = Files.createSymbolicLink(folder.resolve("next"), Path.of("versions/2"));
        Files.move(next, data, StandardCopyOption.ATOMIC_MOVE);
        sees("2");
        Files.writeString(folder.resolve("versions/2/config.yaml"), "3");
        sees("3");
        Files.delete(file);
        Files.createSymbolicLink(file, one);
        sees("1");
    }

    @Test
    void aFileThatIsWrittenPieceByPieceIsLookedAtWhenItIsWhole() throws Exception {
        Files.writeString(file, "old");
        watch(file);
        sees("old");
        seen.clear();
        try (Writer writer = Files.newBufferedWriter(file)) {
            for (int i = 0; i < 20; i++) {
                writer.write(i + " ");
                writer.flush();
            }
        }
        sees("0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ");
    }

    @Test
    void onlyDirectoriesThatMatterAreWatched() throws Exception {
        Files.writeString(file, "1");
        watch(file);
        sees("1");
        assertThat(FileWatch.folders(List.of(file)).keySet())
                .containsExactlyInAnyOrder(file.getParent(), file.getParent().getParent());
        Files.delete(file);
        Files.createSymbolicLink(file, file); // a loop ends
        assertThat(FileWatch.folders(List.of(file))).isNotEmpty();
        sees("none");
    }

    @Test
    void aWrittenFileIsTold() throws Exception {
        Files.writeString(file, "1");
        watch(file);
        Files.writeString(file, "2");
        sees("2");
    }

    @Test
    void aFileRenamedOverAnotherIsTold() throws Exception {
        Files.writeString(file, "1");
        watch(file);
        for (String text : List.of("2", "3")) {
            Path fresh = Files.writeString(folder.resolve("fresh"), text);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            sees(text);
        }
    }

    @Test
    void removingAFileAndMakingItAgainIsTold() throws Exception {
        Files.writeString(file, "1");
        watch(file);
        Files.delete(file);
        sees("none");
        Files.writeString(file, "2");
        sees("2");
    }

    /** As Kubernetes replaces the files of a volume. */
    @Test
    void aLinkedFolderThatIsExchangedIsTold() throws Exception {
        for (String version : List.of("v1", "v2")) {
            Files.createDirectory(folder.resolve(version));
            Files.writeString(folder.resolve(version).resolve("settings.json"), version);
        }
        Files.createSymbolicLink(folder.resolve("data"), Path.of("v1"));
        Files.createSymbolicLink(file, Path.of("../../data/settings.json"));
        watch(file);
        Files.createSymbolicLink(folder.resolve("fresh"), Path.of("v2"));
        Files.move(folder.resolve("fresh"), folder.resolve("data"), StandardCopyOption.ATOMIC_MOVE);
        sees("v2");
        Files.writeString(folder.resolve("v2").resolve("settings.json"), "v2 written");
        sees("v2 written");
    }

    @Test
    void aDanglingLinkIsTold() throws Exception {
        Path elsewhere = folder.resolve("elsewhere");
        Files.createSymbolicLink(file, elsewhere.resolve("settings.json"));
        watch(file);
        Files.createDirectory(elsewhere);
        Files.writeString(elsewhere.resolve("settings.json"), "1");
        sees("1");
    }

    @Test
    void aFileInAFolderThatIsMadeLaterIsTold() throws Exception {
        file = folder.resolve("a").resolve("b").resolve("settings.json");
        watch(file);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "1");
        sees("1");
    }

    @Test
    void aFolderThatIsRemovedAndMadeAgainIsTold() throws Exception {
        file = folder.resolve("a").resolve("settings.json");
        Files.createDirectory(file.getParent());
        Files.writeString(file, "1");
        watch(file);
        Files.delete(file);
        Files.delete(file.getParent());
        sees("none");
        Files.createDirectory(file.getParent());
        Files.writeString(file, "2");
        sees("2");
    }

    @Test
    void otherFilesOfTheFolderAreNot() throws Exception {
        Files.writeString(file, "1");
        watch(file);
        Files.writeString(folder.resolve("other"), "x");
        Files.writeString(file, "2");
        sees("2");
        Files.writeString(folder.resolve("other"), "y");
        Files.writeString(folder.resolve("third"), "z");
        Files.writeString(file, "3");
        sees("3");
    }

    /** Both before anybody has looked, so the name leads to a folder that is not the one that is watched. */
    @Test
    void aFolderThatIsRenamedAndReplacedAtOnceIsFollowed() throws Exception {
        Files.writeString(file, "1");
        watch(file);
        sees("1");
        Path fresh = Files.createDirectory(folder.resolve("fresh"));
        Files.writeString(fresh.resolve("config.yaml"), "2");
        Files.move(file.getParent(), folder.resolve("etc/old"));
        Files.move(fresh, file.getParent());
        sees("2");
        Files.writeString(file, "3");
        sees("3");
    }

    @Test
    void aWayThatGoesUpAfterALinkIsFollowedAsTheKernelDoes() throws Exception {
        Path there = Files.createDirectories(folder.resolve("far/away/there"));
        Files.createSymbolicLink(folder.resolve("link"), there);
        Path path = folder.resolve("link").resolve("..").resolve("config.yaml");
        watch(path);
        sees("none");
        Files.writeString(folder.resolve("far/away/config.yaml"), "1");
        sees("1");
    }

    @Test
    void anyOfSeveralFilesIsTold() throws Exception {
        Path second = folder.resolve("second");
        watch = FileWatch.start(List.of(file, second), () -> seen.add(Files.exists(second) + " " + Files.exists(file)));
        sees("false false");
        Files.writeString(second, "x");
        sees("true false");
        Files.writeString(file, "x");
        sees("true true");
    }

    @Test
    void whoFailsToLookIsAskedAgain() throws Exception {
        watch = FileWatch.start(List.of(file), () -> {
            seen.add(Files.exists(file) ? "there" : "none");
            throw new IllegalStateException("as the test wants it");
        });
        sees("none");
        Files.writeString(file, "x");
        sees("there");
    }
}
