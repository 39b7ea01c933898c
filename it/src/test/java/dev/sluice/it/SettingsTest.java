package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A settings file of a network that runs, changed under it; and the examples of docs/configuration.md as they stand there. */
class SettingsTest {
    @RegisterExtension
    static final Lab lab = Lab.needing("sh", "getent");

    private static Program inFolder(Path folder, String command) {
        return lab.onHost(
                "sh",
                "-c",
                "cd " + folder + " && "
                        + command.replace("./sluice", Lab.launcher().toString()));
    }

    @Test
    void theExamplesOfThePageAreTrue() throws IOException {
        Path page = Path.of("../docs/configuration.md");
        Path folder = Files.createDirectories(lab.folder().resolve("page"));
        for (var file : Examples.files(page).entrySet()) {
            Files.writeString(folder.resolve(file.getKey()), file.getValue());
        }
        List<Examples.Example> examples = Examples.of(page);
        assertThat(examples).hasSizeGreaterThan(3);
        for (Examples.Example example : examples) {
            Program run = inFolder(folder, example.command() + " 2>&1");
            assertThat(run.outputAtEnd()).as(example.command()).isEqualTo(example.output());
        }
    }

    @Test
    void aFileThatChangesIsFollowedWhileTheGuestRunsAndABadOneIsNot() throws IOException {
        Path file = lab.folder().resolve("live.yaml");
        Files.writeString(file, "dns: {records: [a.test=192.0.2.1], zones: {test: []}}\n");
        try (Program guest = lab.sluice(
                "run",
                "--config",
                file.toString(),
                "--",
                "sh",
                "-c",
                "getent ahostsv4 a.test | head -n1; until getent ahostsv4 b.test; do sleep 0.1; done | head -n1; sleep 1000")) {
            Await.until("the guest runs", guest::toString, () -> guest.out().contains("192.0.2.1 ") || !guest.alive());
            Await.until("it answers", guest::toString, () -> status(guest).exitCode() == 0);

            Lab.replace(file, "dns:\n  recordz: [b.test=192.0.2.2]\n");
            Await.until("it is said", guest::toString, () -> guest.err().contains(":2:3: dns.recordz means nothing"));
            assertThat(status(guest).output()).contains("settings " + file, "not taken", "did you mean 'records'?");

            Lab.replace(file, "dns: {records: [b.test=192.0.2.2], zones: {test: []}}\n");
            Await.until("the guest sees it", guest::toString, () -> guest.out().contains("192.0.2.2 "));
            assertThat(status(guest).output()).contains("settings " + file).doesNotContain("not taken");

            Lab.replace(file, "network: {mtu: 1400}\n");
            Await.until("it is said", guest::toString, () -> guest.err().contains("network.mtu can't change"));
            Program shown = lab.sluice("config", "show", "--pid", "" + guest.pid());
            assertThat(shown.output()).contains("b.test", file + ":1:", "# not taken: " + file + ":1:16: network.mtu");

            Program added = lab.sluice("ports", "gateway", "add", "5432:127.0.0.1:1", "--pid", "" + guest.pid());
            assertThat(added.output()).contains("gateway:5432", "127.0.0.1:1");
            assertThat(lab.sluice("ports", "gateway", "remove", "5432", "--pid", "" + guest.pid())
                            .output())
                    .contains("5432");
            assertThat(lab.sluice("ports", "gateway", "--pid", "" + guest.pid()).output())
                    .isEmpty();
        }
    }

    private static Program status(Program guest) {
        Program status = lab.sluice("status", "" + guest.pid());
        status.exitCode();
        return status;
    }

    @Test
    void hangUpHasADaemonReadItsFileAndAFileInTheUsualPlaceIsFound() throws IOException {
        Path home = Files.createDirectories(lab.folder().resolve("home/.config/sluice"));
        Path socket = lab.folder().resolve("vm.sock");
        Path file = Files.writeString(home.resolve("config.yaml"), "serve: {listen: [\"qemu:" + socket + "\"]}\n");
        try (Program serve = lab.awaitServing(lab.onHost(
                "env",
                "-u",
                "XDG_CONFIG_HOME",
                "HOME=" + lab.folder().resolve("home"),
                Lab.launcher().toString(),
                "serve"))) {
            assertThat(Files.exists(socket)).isTrue();
            Files.writeString(file, "serve: {listen: [\"qemu:" + socket + "\"]}\ndns: {cache: 5}\n");
            serve.signal("HUP");
            Await.until("it is said", serve::toString, () -> serve.err().contains("dns.cache must be true or false"));
            assertThat(serve.alive()).isTrue();
        }
    }
}
