package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.cli.options.UsageException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How faces are chosen and installed; what each does is its own tests' matter. */
class FaceTest {
    private final PrintStream realErr = System.err;
    private final PrintStream realOut = System.out;
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    @BeforeEach
    void capture() {
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void release() {
        System.setErr(realErr);
        System.setOut(realOut);
        Console.speakAs(Sluice.NAME);
    }

    @Test
    void everyFaceThatIsNamedIsThere() {
        assertThat(Sluice.FACES)
                .isNotEmpty()
                .allSatisfy(name -> assertThat(Sluice.face(name)).isNotNull());
        assertThat(Sluice.face("sluice")).isNull();
    }

    @Test
    void everythingAfterTheProgramIsItsOwn() {
        assertThat(Main.execute("as", "slirp4netns", "--version")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).startsWith("slirp4netns version ");
    }

    @Test
    void aProgramWithoutAFaceIsRefusedWithThoseThatHaveOne() {
        assertThat(Main.execute("as", "libvirt", "--version")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString(StandardCharsets.UTF_8)).contains("'libvirt'", "slirp4netns");
        assertThat(Main.execute("as")).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void whatAFaceDoesNotCatchIsOneLineInItsName() {
        assertThat(Main.execute(
                        _ -> {
                            throw new IOException("the moon is full");
                        },
                        "gvproxy",
                        List.of()))
                .isEqualTo(ExitCode.UNAVAILABLE);
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("gvproxy: the moon is full\n");
    }

    @Test
    void linksLeadToTheLauncherAndMayBeThereAlready(@TempDir Path folder) throws Exception {
        Path launcher = Files.createFile(folder.resolve("sluice"));
        Path directory = folder.resolve("new/bin");
        assertThat(install(launcher, directory.toString())).isZero();
        for (String face : Sluice.FACES) {
            assertThat(directory.resolve(face)).isSymbolicLink().hasSameBinaryContentAs(launcher);
            assertThat(directory.resolve(face).toRealPath()).isEqualTo(launcher.toRealPath());
            assertThat(out.toString(StandardCharsets.UTF_8)).contains(directory.resolve(face) + "\n");
        }
        assertThat(install(directory.resolve("slirp4netns"), directory.toString()))
                .as("again, and called by a link")
                .isZero();
    }

    @Test
    void onlyThoseNamedAreMade(@TempDir Path folder) throws Exception {
        Path launcher = Files.createFile(folder.resolve("sluice"));
        assertThat(install(launcher, folder.toString(), "slirp4netns")).isZero();
        assertThatThrownBy(() -> install(launcher, folder.toString(), "libvirt"))
                .hasMessageContaining("'libvirt'");
        try (var files = Files.list(folder)) {
            assertThat(files).hasSize(2);
        }
    }

    @Test
    void whatIsSomethingElseStaysAndNothingIsMade(@TempDir Path folder) throws Exception {
        Path launcher = Files.createFile(folder.resolve("sluice"));
        Path directory = Files.createDirectory(folder.resolve("bin"));
        Path taken = Files.createFile(directory.resolve(Sluice.FACES.getLast()));
        assertThatThrownBy(() -> install(launcher, directory.toString())).hasMessageContaining(taken.toString());
        try (var files = Files.list(directory)) {
            assertThat(files).containsExactly(taken);
        }
    }

    private static int install(Path launcher, String... words) throws IOException, UsageException {
        InstallFacesCommand command = new InstallFacesCommand(launcher.toString());
        command.syntax().parse(List.of(words));
        return command.call();
    }
}
