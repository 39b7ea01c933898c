package dev.sluice.cli.view;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

/** What the JDK says of files, in words with which somebody can do something. */
class FileTroubleTest {
    @Test
    void whereTheNameWasToldOnlyTheTroubleIs() {
        assertThat(FileTrouble.reason(new NoSuchFileException("/x"))).isEqualTo("there is no such file or folder");
        assertThat(FileTrouble.reason(new AccessDeniedException("/x"))).isEqualTo("permission denied");
        assertThat(FileTrouble.reason(new IOException("Is a directory"))).isEqualTo("Is a directory");
    }

    @Test
    void aFilesTroubleIsSaidNotOnlyItsName() {
        assertThat(FileTrouble.words(new NoSuchFileException("/proc/x")))
                .isEqualTo("/proc/x: no such file or folder; choose another");
        assertThat(FileTrouble.words(new AccessDeniedException("/x")))
                .isEqualTo("/x: permission denied; choose one that is yours");
        assertThat(FileTrouble.words(new FileAlreadyExistsException("/x"))).startsWith("/x is something else already");
        assertThat(FileTrouble.words(new FileSystemException("/x", null, "No space left on device")))
                .isEqualTo("/x: No space left on device");
        assertThat(FileTrouble.words(new FileSystemLoopException("/x"))).contains("Loop", "/x");
    }
}
