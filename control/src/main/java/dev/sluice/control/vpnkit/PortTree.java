package dev.sluice.control.vpnkit;

import dev.sluice.control.ninep.NinepException;
import dev.sluice.control.ninep.Node;
import dev.sluice.loop.LateLogger;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The directory of forwards: a file for each, and a README. Shared by all clients. */
public final class PortTree implements Node {
    /** Entries at a time; more cannot be made. */
    public static final int MAX_ENTRIES = 32_768;

    private static final System.Logger LOG = LateLogger.of("dev.sluice.control");

    private static final String HELP = """
            Forwards from this machine to places in the virtual machine.

            To begin one: make a directory with any name, open the file "ctl" in it for
            reading and writing, write one of these lines, and read the answer from it:

            """ + PortSpec.FORMS + """

            A local port of 0 lets the system choose one; the answer has it:
              OK tcp:127.0.0.1:49153:tcp:172.17.0.2:80
              ERROR Bind for 127.0.0.1:80 failed: port is already allocated

            Keep "ctl" open: the forward ends when it is closed, or when its entry is
            removed, or when another opens "ctl" and closes it without reading. The
            entry is a file meanwhile, and reads like the line in use.
            """;

    private final PortDoor door;
    private final ConcurrentSkipListMap<String, Entry> entries = new ConcurrentSkipListMap<>();
    private final AtomicLong ids = new AtomicLong(10);
    private final Node readme = new Text(2, "README", HELP);

    public PortTree(PortDoor door) {
        this.door = door;
    }

    @Override
    public long id() {
        return 1;
    }

    @Override
    public String name() {
        return "/";
    }

    @Override
    public boolean isDirectory() {
        return true;
    }

    @Override
    public @Nullable Node child(String name) {
        return name.equals("README") ? readme : entries.get(name);
    }

    @Override
    public List<Node> children() {
        List<Node> all = new ArrayList<>();
        all.add(readme);
        all.addAll(entries.values());
        return all;
    }

    /** One that exists is replaced; whoever has its file open keeps its forward. */
    @Override
    public Node createDirectory(String name) throws NinepException {
        if (name.equals("README")) {
            throw NinepException.permissionDenied();
        }
        if (entries.size() >= MAX_ENTRIES) {
            throw NinepException.failed("there are " + MAX_ENTRIES + " forwards, as many as can be");
        }
        Entry entry = new Entry(name);
        entries.put(name, entry);
        return entry;
    }

    @Override
    public OpenFile open() throws NinepException {
        throw NinepException.permissionDenied();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** A file that always reads the same. */
    private record Text(long id, String name, String text) implements Node {
        @Override
        public boolean isDirectory() {
            return false;
        }

        @Override
        public long length() {
            return utf8(text).length;
        }

        @Override
        public OpenFile open() {
            byte[] content = utf8(text);
            return () -> content;
        }
    }

    /** A forward: a directory until it is open, a file from then on. */
    private final class Entry implements Node {
        private final long id = ids.getAndAdd(2);
        private final String name;
        private final Control control = new Control(this, id + 1);
        /** What is open; null if nothing is. */
        private volatile @Nullable PortSpec opened;

        Entry(String name) {
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
            return opened == null;
        }

        @Override
        public @Nullable Node child(String name) {
            return name.equals("ctl") ? control : null;
        }

        @Override
        public List<Node> children() {
            return List.of(control);
        }

        @Override
        public OpenFile open() {
            PortSpec spec = opened;
            byte[] content = utf8(spec == null ? "" : spec + "\n");
            return () -> content;
        }

        /** Closes the port, too. */
        @Override
        public void remove() {
            end();
        }

        synchronized PortSpec begin(PortSpec spec) throws IOException {
            if (opened != null) {
                throw new IOException("this entry is a forward already; make another one");
            }
            PortSpec made = door.open(spec);
            opened = made;
            return made;
        }

        /** Nobody will make a forward of it. */
        @Override
        public synchronized void abandon() {
            if (opened == null) {
                entries.remove(name, this);
            }
        }

        synchronized void end() {
            entries.remove(name, this);
            PortSpec spec = opened;
            opened = null;
            if (spec != null) {
                try {
                    door.close(spec);
                } catch (IOException e) {
                    LOG.log(System.Logger.Level.DEBUG, "{0} could not be closed: {1}", spec, e.getMessage());
                }
            }
        }
    }

    /** The file by which a forward is made. */
    private static final class Control implements Node {
        private final Entry entry;
        private final long id;

        Control(Entry entry, long id) {
            this.entry = entry;
            this.id = id;
        }

        @Override
        public long id() {
            return id;
        }

        @Override
        public String name() {
            return "ctl";
        }

        @Override
        public boolean isDirectory() {
            return false;
        }

        @Override
        public boolean isWritable() {
            return true;
        }

        @Override
        public OpenFile open() {
            return new OpenControl(entry);
        }

        @Override
        public void remove() {}
    }

    /** One opening of it. */
    private static final class OpenControl implements Node.OpenFile {
        private final Entry entry;
        private @Nullable String answer;
        private boolean made;

        OpenControl(Entry entry) {
            this.entry = entry;
        }

        @Override
        public byte[] content() {
            return utf8(answer == null ? "ERROR no request received. Please read the README.\n" : answer);
        }

        @Override
        public void write(byte[] data) throws NinepException {
            if (answer != null) {
                throw NinepException.permissionDenied();
            }
            if (data.length > PortSpec.LONGEST) {
                answer = "ERROR a request may have " + PortSpec.LONGEST + " bytes, not " + data.length + "\n";
                return;
            }
            try {
                PortSpec opened = entry.begin(PortSpec.parse(new String(data, StandardCharsets.UTF_8)));
                made = true;
                answer = "OK " + opened + "\n";
            } catch (IllegalArgumentException | IOException e) {
                answer = "ERROR " + e.getMessage() + "\n";
            }
        }

        /**
         * VPNKit's Go library ends the forwards that it has listed, and not made, by opening and closing their file. Whoever reads it
         * only looks.
         */
        @Override
        public void unused() {
            if (!entry.isDirectory()) {
                entry.end();
            }
        }

        /** The forward of this opening ends; so does an entry that came to nothing. */
        @Override
        public void close() {
            if (made) {
                entry.end();
            } else if (answer != null) {
                entry.abandon();
            }
        }
    }
}
