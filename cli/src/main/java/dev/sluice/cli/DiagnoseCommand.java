package dev.sluice.cli;

import dev.sluice.cli.network.Signals;
import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.Value;
import dev.sluice.cli.view.FileTrouble;
import dev.sluice.control.ControlClient;
import dev.sluice.control.ControlStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/** {@code sluice diagnose}: one archive with everything that helps to find out what went wrong. */
final class DiagnoseCommand implements Command {
    private @Nullable Long pid;
    private @Nullable Path file;
    private int seconds = 3;
    private boolean withoutCaptures;

    @Override
    public Syntax syntax() {
        return new Syntax(
                        "sluice diagnose",
                        "Writes one archive with what a running sluice knows about itself: state, settings without secrets,"
                                + " log, threads, a flight recording, the last frames.")
                .optionalParameter("PID", "Process id of the sluice, if several run.", text -> pid = Value.number(text))
                .option(
                        "-w, --write",
                        "FILE",
                        "Where to (default: sluice-diagnose-DATE-TIME.tar.gz here).",
                        text -> file = Path.of(text))
                .option(
                        "--seconds",
                        "N",
                        "Length of the flight recording, 0 to 60; 0 for none (default: " + seconds + ").",
                        text -> seconds = Value.integer(text))
                .flag(
                        "--no-captures",
                        "Leave out the last frames: they hold what guests sent and got.",
                        () -> withoutCaptures = true)
                .footer(
                        "",
                        "Examples:",
                        "  sluice diagnose",
                        "  sluice diagnose 4242 --no-captures --write /tmp/report.tar.gz",
                        "  tar -tzf sluice-diagnose-*.tar.gz      what is in it",
                        "",
                        "Exit code: 0; 69 if nothing answers, or the file can't be written: then there is none.");
    }

    @Override
    public Integer call() throws IOException {
        if (seconds < 0 || seconds > 60) {
            throw Failure.usage("--seconds " + seconds + ": it must be 0 to 60");
        }
        Path target = file != null ? file : Path.of("sluice-diagnose-" + now() + ".tar.gz");
        Path folder = target.toAbsolutePath().getParent();
        ControlClient client = pid == null ? ControlClient.ofOnlyInstance() : ControlClient.ofPid(pid);
        boolean whole = false;
        try (ControlStream stream =
                client.stream("/v1/diagnose?seconds=" + seconds + "&captures=" + !withoutCaptures)) {
            Signals.onStop(stream::close); // before there is a file that would be left
            Path part;
            try {
                part = Files.createTempFile(
                        folder,
                        ".sluice-diagnose-",
                        ".part",
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            } catch (IOException e) {
                throw new IOException(
                        "can't write in " + folder + " (" + FileTrouble.reason(e) + "); choose another place with"
                                + " --write",
                        e);
            }
            try {
                try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(part), 1 << 16)) {
                    whole = stream.copyTo(out);
                }
                if (whole) {
                    Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
                }
            } finally {
                Files.deleteIfExists(part);
            }
        }
        if (!whole) {
            throw Failure.unavailable("interrupted; nothing was written");
        }
        Console.say("wrote " + target + " (" + (Files.size(target) + 1023) / 1024 + " KiB): state, settings without"
                + " secrets, log, threads, machine"
                + (seconds == 0 ? "" : ", " + seconds + " s of flight recording")
                + (withoutCaptures ? "" : "; and the last frames, with what guests sent and got, if rings are kept")
                + ". Look into it before you give it away");
        return ExitCode.OK;
    }

    private static String now() {
        return DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT).format(LocalDateTime.now());
    }
}
