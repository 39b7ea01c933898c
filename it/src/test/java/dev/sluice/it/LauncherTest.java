package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Lab;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When {@code ./sluice} builds, in a checkout without sources, by a Maven and a JDK that only say what they were asked for. */
class LauncherTest {
    @TempDir
    private Path folder;

    private Path home;
    private Path jdk;

    @BeforeEach
    void makeCheckout() throws IOException {
        home = Files.createDirectories(folder.resolve("home"));
        jdk = folder.resolve("jdk");
        Path original = Lab.launcher().toAbsolutePath().getParent();
        Files.copy(original.resolve("sluice"), home.resolve("sluice"));
        Files.createDirectories(home.resolve("tools"));
        for (String tool : new String[] {"tools/build.sh", "tools/jdk.sh"}) {
            Files.copy(original.resolve(tool), home.resolve(tool));
        }
        Files.createDirectories(home.resolve("cli/src/main"));
        Files.createFile(home.resolve("pom.xml"));
        Files.createFile(home.resolve("cli/pom.xml"));
        program(folder.resolve("bin/mvn"), """
                echo built >>%s
                mkdir -p %2$s/app && echo app >%2$s/app/posix.jar && echo cli >%2$s/cli-1.jar
                """.formatted(folder.resolve("builds"), home.resolve("cli/target")));
        program(jdk.resolve("bin/javac"), "");
        program(jdk.resolve("bin/java"), """
                for word; do
                  case $word in
                    -XX:AOTCacheOutput=*) echo cache >"${word#*=}" ;;
                    -XX:AOTCache=*) echo "$word" ;;
                  esac
                done
                """);
        release("25+36");
    }

    private static void program(Path file, String script) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "#!/bin/sh\n" + script);
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    private void release(String version) throws IOException {
        Files.writeString(
                jdk.resolve("release"),
                "IMPLEMENTOR=\"Test\"\nJAVA_RUNTIME_VERSION=\"" + version + "\"\nJAVA_VERSION=\"25\"\n");
    }

    /** Starts sluice; the cache that it starts with. */
    private String start() throws Exception {
        ProcessBuilder builder =
                new ProcessBuilder("/bin/sh", home.resolve("sluice").toString());
        builder.environment()
                .putAll(Map.of(
                        "PATH",
                        folder.resolve("bin") + ":" + System.getenv("PATH"),
                        "SLUICE_JAVA_HOME",
                        jdk.toString()));
        Path errors = folder.resolve("errors");
        Process process = builder.redirectError(errors.toFile()).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(Files.readString(errors)).isZero();
        assertThat(output).as(Files.readString(errors)).startsWith("-XX:AOTCache=");
        return output;
    }

    private int builds() throws IOException {
        return Files.readAllLines(folder.resolve("builds")).size();
    }

    @Test
    void itIsBuiltOnceForTheSources() throws Exception {
        String cache = start();
        assertThat(start()).isEqualTo(cache);
        assertThat(builds()).isEqualTo(1);
    }

    @Test
    void aJdkThatWasUpdatedWhereItLiesGetsACacheOfItsOwn() throws Exception {
        String cache = start();
        release("25.0.1+8");
        String another = start();
        assertThat(another).isNotEqualTo(cache);
        assertThat(start()).isEqualTo(another);
        assertThat(builds()).isEqualTo(2);
    }
}
