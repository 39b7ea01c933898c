package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sluice run} where whoever starts it has odd settings: of the locale, of limits and signals, of routes, of names. */
class SurroundingsTest {
    @RegisterExtension
    static final Lab lab = Lab.needing("ip");

    private static int copies;

    /** Words that are not ASCII are made by the shell: what this JVM's own locale knows is of no importance. */
    private static final String WORDS = "word=$(printf 'Gr\\303\\274\\303\\237e'); odd=$(printf 'a\\377\\344'); ";

    /** A script of the host's shell, with the launcher as {@code $0} and the lab's folder as {@code $1}. */
    private static Program script(String text) {
        return lab.onHost(
                "sh", "-c", text, Lab.launcher().toString(), lab.folder().toString());
    }

    /** Most services, containers and cron jobs have no locale at all. */
    @ParameterizedTest
    @ValueSource(strings = {"A=1", "LC_ALL=C", "LANG=POSIX", "LC_CTYPE=C.UTF-8"})
    void argumentsAreTheCommandsByteForByte(String locale) {
        Program run = script(WORDS + "exec env -i PATH=\"$PATH\" " + locale
                + " \"$0\" run -- sh -c 'printf \"$1$2\" | od -An -v -tx1' sh \"$word\" \"$odd\"");
        assertThat(run.output().strip()).isEqualTo("47 72 c3 bc c3 9f 65 61 ff e4");
    }

    @Test
    void namesOfFilesAreUnderstoodWithoutALocale() {
        Program run = script(WORDS + """
                mkdir "$1/$word" && cd "$1/$word" && printf '#!/bin/sh\\necho ran\\n' >"p$word" && chmod +x "p$word"
                env -i PATH="$1/$word:$PATH" HOME="$1/$word" LC_ALL=C "$0" run --pcap "$1/$word/$word.pcap" -- "p$word"
                test -s "$word.pcap" && echo captured
                """);
        assertThat(run.output()).isEqualTo("ran\ncaptured\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"A=1", "LC_ALL=C", "LC_ALL=C.UTF-8", "LC_ALL=xx_YY"})
    void theLocaleIsTheUsersAgainForTheCommand(String locale) {
        Program run = script(
                "exec env -i PATH=\"$PATH\" " + locale + " \"$0\" run -- sh -c 'env | grep -e LC_ -e LANG; true'");
        assertThat(run.output()).isEqualTo(locale.startsWith("LC_ALL") ? locale + "\n" : "");
    }

    @Test
    void theLimitOfDescriptorsIsTheUsers() {
        Program run = script("ulimit -S -n 777; exec \"$0\" run -- sh -c 'ulimit -S -n; ulimit -H -n'");
        String hard = lab.onHost("sh", "-c", "ulimit -H -n").output();
        assertThat(run.output()).isEqualTo("777\n" + hard);
    }

    /** As some daemons do, and what they start inherits it. */
    @Test
    void theExitCodeIsKnownWhereChildrenAreIgnored() {
        Program run = lab.onHost("python3", "-c", """
                import os, signal, sys
                signal.signal(signal.SIGCHLD, signal.SIG_IGN)
                os.execv(sys.argv[1], [sys.argv[1], 'run', '--', 'sh', '-c', 'sh -c "exit 7"; exit $?'])
                """, Lab.launcher().toString());
        assertThat(run.exitCode()).as(run.toString()).isEqualTo(7);
    }

    /** OpenVPN's redirect-gateway def1, and others: the default route stays, and two halves of the world win over it. */
    @Test
    void aVpnThatTakesTheWorldInHalvesTakesNoGuestNetwork() {
        lab.onHost("ip", "route", "add", "0.0.0.0/1", "via", Lab.ROUTER).output();
        lab.onHost("ip", "route", "add", "128.0.0.0/1", "via", Lab.ROUTER).output();
        try {
            Program run = lab.sluice("run", "--", "ip", "-o", "-4", "addr", "show", "tap0");
            assertThat(run.output()).contains("inet 192.168.65.3/24");
            assertThat(run.err()).isEmpty();
        } finally {
            lab.onHost("ip", "route", "del", "0.0.0.0/1").output();
            lab.onHost("ip", "route", "del", "128.0.0.0/1").output();
        }
    }

    /** As in WSL, where it is a link to /mnt/wsl; and as with systemd, to /run. */
    @ParameterizedTest
    @ValueSource(strings = {"/mnt", "/run", "/media"})
    void aResolvConfThatIsALinkIsReplacedWhereverItLeads(String folder) {
        Program run = withOtherEtc(
                "mount -t tmpfs tmpfs " + folder + " && mkdir " + folder + "/names && echo nameserver 192.0.2.9 >"
                        + folder + "/names/resolv.conf && ln -s " + folder + "/names/resolv.conf /etc/resolv.conf",
                "cat /etc/resolv.conf");
        assertThat(run.output()).contains("nameserver 192.168.65.1").doesNotContain("192.0.2.9");
        assertThat(run.err()).isEmpty();
    }

    @Test
    void whereThereIsNoResolvConfThatIsSaid() {
        Program run = withOtherEtc("true", "echo ran");
        assertThat(run.output()).isEqualTo("ran\n");
        assertThat(run.err().lines()).singleElement().asString().contains("no names", "/etc/resolv.conf");
    }

    /** Runs a shell command by sluice where /etc is a copy without resolv.conf, which another one may change. */
    private static Program withOtherEtc(String change, String command) {
        return lab.onHost(
                "unshare",
                "-m",
                "sh",
                "-c",
                "mkdir \"$1\" && cp -a /etc/. \"$1\" && rm -f \"$1/resolv.conf\" && mount --bind \"$1\" /etc && { "
                        + change + "; } && exec \"$0\" run -- " + command,
                Lab.launcher().toString(),
                lab.folder().resolve("etc" + copies++).toString());
    }
}
