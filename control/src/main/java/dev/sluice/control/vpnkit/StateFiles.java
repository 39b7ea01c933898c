package dev.sluice.control.vpnkit;

import dev.sluice.control.diagnose.TarWriter;
import dev.sluice.control.ninep.Node;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.GatewayStatus;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.link.capture.CaptureFormat;
import dev.sluice.link.capture.CaptureSession;
import dev.sluice.link.capture.Rule;
import dev.sluice.loop.LateLogger;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The files that show what a gateway does now; each is made when it is opened. */
public final class StateFiles {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.control");

    /** Makes a file's content. */
    @FunctionalInterface
    public interface Source {
        byte[] content() throws IOException;
    }

    /** By path, at most one directory deep. */
    private final Map<String, Source> files = new LinkedHashMap<>();

    private final @Nullable Gateway gateway;

    /** With what every gateway can show. */
    public StateFiles(Gateway gateway) {
        this.gateway = gateway;
        add(
                "connections",
                () -> lines(gateway.ports().list().stream()
                        .map(forward -> forward.protocol() + ":" + forward.listen() + " clients = " + forward.clients())
                        .toList()));
        add(
                "flows",
                () -> lines(
                        gateway.flows().list().stream().map(StateFiles::flow).toList()));
        add("endpoints", () -> endpoints(gateway.status()));
        add("ports", () -> ports(gateway.status()));
        for (Rule rule : Rule.values()) {
            add("capture/" + rule.text().replace('-', '_') + ".pcap", () -> capture(gateway, rule));
        }
    }

    /** What a ring of the last frames holds; they are kept from the first time on that one is asked for. */
    private static byte[] capture(Gateway gateway, Rule rule) throws IOException {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        try (CaptureSession session = gateway.captures().ring(rule, "", false)) {
            session.run(CaptureFormat.PCAP, Channels.newChannel(file), 0);
        }
        return file.toByteArray();
    }

    /** One that shows nothing yet. */
    StateFiles() {
        this.gateway = null;
    }

    /** Adds a file; to be called before anything is served. */
    public void add(String path, Source source) {
        files.put(path, source);
    }

    private static String flow(FlowInfo flow) {
        return flow.protocol() + " " + flow.guest() + ":" + flow.guestPort() + " > " + flow.remote() + ":"
                + flow.remotePort() + " " + flow.state() + " to_host = " + flow.bytesToHost() + " to_guest = "
                + flow.bytesToGuest() + " age = " + flow.ageMillis() / 1000 + " s";
    }

    private static byte[] endpoints(GatewayStatus status) {
        return lines(status.guests().stream()
                .map(guest -> status.addresses().gateway() + " <-> " + guest.address() + " (" + guest.mac() + ", "
                        + guest.link() + ") idle = " + guest.idleSeconds() + " s")
                .toList());
    }

    private static byte[] ports(GatewayStatus status) {
        long now = System.currentTimeMillis() / 1000;
        return lines(status.guests().stream()
                .map(guest -> guest.address() + " last_active_time = " + (now - guest.idleSeconds()))
                .toList());
    }

    private static byte[] lines(List<String> lines) {
        return lines.stream()
                .map(line -> line + "\n")
                .collect(Collectors.joining())
                .getBytes(StandardCharsets.UTF_8);
    }

    /** A file's content; a line that says why, if it can't be had. */
    private static byte[] content(String path, Source source) {
        try {
            return source.content();
        } catch (IOException | RuntimeException e) {
            LOG.log(System.Logger.Level.DEBUG, "{0} can''t be shown: {1}", path, e.getMessage());
            return lines(List.of("can't be shown: " + e.getMessage()));
        }
    }

    /** All of them as a tar stream (POSIX.1-1988), with the present as their time. */
    public void writeTar(OutputStream out) throws IOException {
        try (TarWriter tar = new TarWriter(out)) {
            for (Map.Entry<String, Source> file : files.entrySet()) {
                tar.add(file.getKey(), content(file.getKey(), file.getValue()), System.currentTimeMillis() / 1000);
            }
        }
    }

    /**
     * A capture (pcap) without end: what the ring of all frames holds, then what passes; what the reader is too slow for is left out.
     *
     * @param in of which nothing is wanted but its end: then the client has left
     */
    public void writeCapture(InputStream in, OutputStream out) throws IOException {
        try (CaptureSession session = Objects.requireNonNull(gateway).captures().ring(Rule.ALL, "", true)) {
            Thread.ofVirtual().name("pcap-watch").start(() -> {
                try {
                    in.transferTo(OutputStream.nullOutputStream());
                } catch (IOException e) {
                    // it left without a word
                }
                session.stop();
            });
            session.run(CaptureFormat.PCAP, Channels.newChannel(out), 0);
        }
    }

    /** All of them as a tree. */
    public Node tree() {
        Map<String, Directory> directories = new LinkedHashMap<>();
        Directory root = new Directory(1, "/");
        long id = 2;
        for (Map.Entry<String, Source> file : files.entrySet()) {
            String path = file.getKey();
            int slash = path.indexOf('/');
            Directory folder = root;
            if (slash > 0) {
                String name = path.substring(0, slash);
                Directory known = directories.get(name);
                if (known == null) {
                    known = new Directory(id++, name);
                    directories.put(name, known);
                    root.nodes.add(known);
                }
                folder = known;
            }
            folder.nodes.add(new File(id++, path.substring(slash + 1), path, file.getValue()));
        }
        return root;
    }

    private static final class Directory implements Node {
        private final long id;
        private final String name;
        private final List<Node> nodes = new ArrayList<>();

        Directory(long id, String name) {
            this.id = id;
            this.name = name;
        }

        @Override
        public long id() {
            return id;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public boolean isDirectory() {
            return true;
        }

        @Override
        public @Nullable Node child(String child) {
            return nodes.stream()
                    .filter(node -> node.name().equals(child))
                    .findFirst()
                    .orElse(null);
        }

        @Override
        public List<Node> children() {
            return List.copyOf(nodes);
        }

        @Override
        public OpenFile open() {
            return () -> new byte[0];
        }
    }

    private record File(long id, String name, String path, Source source) implements Node {
        @Override
        public boolean isDirectory() {
            return false;
        }

        @Override
        public OpenFile open() {
            byte[] made = StateFiles.content(path, source);
            return () -> made;
        }
    }
}
