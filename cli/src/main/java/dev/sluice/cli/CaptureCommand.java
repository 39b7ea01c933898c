package dev.sluice.cli;

import dev.sluice.cli.network.Signals;
import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.Value;
import dev.sluice.cli.view.FileTrouble;
import dev.sluice.control.ControlClient;
import dev.sluice.control.ControlException;
import dev.sluice.control.ControlStream;
import dev.sluice.link.capture.CaptureFormat;
import dev.sluice.link.capture.Filter;
import dev.sluice.link.capture.Rule;
import dev.sluice.wire.MacAddress;
import java.io.EOFException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** {@code sluice capture}: frames of a network that runs, for tcpdump, tshark and Wireshark. */
final class CaptureCommand implements Command {
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    /** From the end of its streams to the end of a sluice. */
    private static final Duration ENDING = Duration.ofSeconds(10);

    private @Nullable Path file;
    private @Nullable CaptureFormat format;
    private @Nullable Rule ring;
    private boolean follow;
    private int count;
    private @Nullable Integer snap;
    private final List<String> words = new ArrayList<>();

    @Override
    public Syntax syntax() {
        return new Syntax(
                        "sluice capture",
                        "Writes the frames that pass a running sluice to standard output or a file, until Ctrl-C or --count.")
                .words(
                        "[PID] [FILTER…]",
                        "Process id of the sluice, if several run; and which frames, see below (default: all).",
                        words::add)
                .option(
                        "-w, --write",
                        "FILE",
                        "Write there instead of to standard output.",
                        text -> file = Path.of(text))
                .option(
                        "--format",
                        "pcap|pcapng",
                        "pcapng tells guests, directions, names and drops as well (default: pcapng; by FILE's ending with"
                                + " --write).",
                        text -> format = CaptureFormat.of(text))
                .option("-c, --count", "N", "End after N frames.", text -> count = Value.integer(text))
                .option(
                        "-s, --snap",
                        "BYTES",
                        "Bytes kept of each frame (default: all).",
                        text -> snap = Value.integer(text))
                .option(
                        "--ring",
                        "NAME",
                        "What the ring of the last frames of a kind holds, and end: all, dns, icmp, ntp, http-proxy, bad."
                                + " Rings are kept with --capture-rings, or from the first time one is asked for.",
                        text -> ring = Rule.of(text))
                .flag("-f, --follow", "With --ring: go on with what comes.", () -> follow = true)
                .footer(
                        "",
                        "Filters, of tcpdump's words:",
                        "  host A, net A/N, port P, portrange P-P, each after src or dst if one end is meant",
                        "  tcp, udp, icmp, icmp6, arp, ip, ip6, proto N; guest NAME|ADDRESS|MAC",
                        "  and, or, not, ( )",
                        "",
                        "Examples:",
                        "  sluice capture | wireshark -k -i -",
                        "  sluice capture 4242 tcp port 443 and not host 192.168.65.3 | tshark -r -",
                        "  sluice capture --write dns.pcap --count 10 udp port 53",
                        "  sluice capture --ring bad | tshark -r - -T fields -e frame.comment",
                        "",
                        "Exit code: 0, also when that sluice ends (unless before --count); 2 wrong usage; 69 if nothing answers,"
                                + " or the file can't be written.");
    }

    @Override
    public Integer call() throws IOException {
        if (count < 0 || snap != null && snap < 0) {
            throw Failure.usage("--count and --snap are positive numbers");
        }
        if (follow && ring == null) {
            throw Failure.usage("--follow goes with --ring; without a ring a capture goes on anyway");
        }
        Long pid = null;
        if (!words.isEmpty() && words.getFirst().matches("[0-9]{1,10}")) {
            pid = Value.number(words.removeFirst());
        }
        try {
            // which guests there are, only the one that is asked knows
            Filter.compile(String.join(" ", words), _ -> MacAddress.BROADCAST);
        } catch (IllegalArgumentException e) {
            throw Failure.usage(String.valueOf(e.getMessage()));
        }
        Path target = file;
        if (target == null && isTerminal()) {
            throw Failure.usage("standard output is a terminal, and a capture is no text: pipe it, as in"
                    + " 'sluice capture | wireshark -k -i -', or say --write FILE");
        }
        ControlClient client = pid == null ? ControlClient.ofOnlyInstance() : ControlClient.ofPid(pid);
        CaptureFormat written = written();
        try (ControlStream stream = client.stream(path(written));
                CaptureOutput out = new CaptureOutput(
                        target == null ? new FileOutputStream(FileDescriptor.out) : Files.newOutputStream(target),
                        written)) {
            Signals.onStop(() -> end(stream));
            boolean over = isOverBefore(client, stream, out);
            Console.say(out.frames()
                    + (out.frames() == 1 ? " frame" : " frames")
                    + (out.lost() == 0 ? "" : ", and " + out.lost() + " more that came faster than they were taken")
                    + (over ? "; that sluice has ended" : ""));
            return over && out.frames() < count ? ExitCode.UNAVAILABLE : ExitCode.OK;
        } catch (IOException e) {
            if (target == null && isBrokenPipe(e)) {
                return ExitCode.OK; // whoever read it has seen enough
            }
            throw target == null || e instanceof ControlException
                    ? e
                    : new IOException(
                            "can't write the capture file " + target + " (" + FileTrouble.reason(e)
                                    + "); choose another",
                            e);
        }
    }

    /**
     * Copies it all.
     *
     * @return whether it broke off because that sluice has ended, which is the end of a capture as good as any
     */
    private static boolean isOverBefore(ControlClient client, ControlStream stream, CaptureOutput out)
            throws IOException {
        try {
            stream.copyTo(out);
            return false;
        } catch (EOFException e) {
            if (client.endsWithin(ENDING)) {
                return true;
            }
            throw Failure.unavailable("the capture was cut off after " + out.frames()
                    + " frames: what reads it takes too long; write to a file, keep less (--snap), or filter");
        }
    }

    /** Lets what was captured until now still come; a sluice that does not answer keeps nobody waiting. */
    private static void end(ControlStream stream) {
        try {
            stream.finish();
            Thread.ofPlatform().daemon().name("end").start(() -> {
                try {
                    Thread.sleep(PATIENCE);
                    stream.close();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        } catch (IOException e) {
            stream.close();
        }
    }

    private CaptureFormat written() {
        CaptureFormat wanted = format;
        return wanted != null ? wanted : file == null ? CaptureFormat.PCAPNG : CaptureFormat.ofFile(file.toString());
    }

    private String path(CaptureFormat wanted) {
        Rule from = ring;
        return "/v1/captures/" + (from == null ? "live" : "rings/" + from.text())
                + "?format=" + wanted.name().toLowerCase(Locale.ROOT)
                + (words.isEmpty() ? "" : "&filter=" + encoded(String.join(" ", words)))
                + (count == 0 ? "" : "&count=" + count)
                + (snap == null ? "" : "&snap=" + snap)
                + (follow ? "&follow=true" : "");
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private static boolean isTerminal() {
        try {
            String what = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
            return what.startsWith("/dev/pts/") || what.startsWith("/dev/tty");
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isBrokenPipe(IOException e) {
        return String.valueOf(e.getMessage()).contains("Broken pipe");
    }
}
