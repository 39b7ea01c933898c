package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;
import static dev.sluice.posix.Native.LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Starting a process with chosen descriptors (posix_spawn(3)), in our process group and with our terminal. The JDK's own process builder
 * cannot pass descriptors other than 0–2. The child gets standard input, output and error as they are unless mapped, the mapped
 * descriptors, no others, and an empty signal mask. The last words of its command that are the last of our own go on byte for byte,
 * whatever the locale has made of them ({@link CommandLine}).
 */
public final class Spawn {
    private static final int SETSIGDEF = 0x04;
    private static final int SETSIGMASK = 0x08;
    private static final int F_DUPFD_CLOEXEC = 1030;
    /** More than any libc needs for its two opaque structures. */
    private static final int OPAQUE = 1024;

    private static final int SIGSET = 128;

    private static final Call SPAWN = Call.of("posix_spawnp");
    private static final Call ACTIONS_INIT = Call.of("posix_spawn_file_actions_init");
    private static final Call ACTIONS_DESTROY = Call.of("posix_spawn_file_actions_destroy");
    private static final Call ACTIONS_DUP2 = Call.of("posix_spawn_file_actions_adddup2");
    private static final Call ACTIONS_CLOSE = Call.of("posix_spawn_file_actions_addclose");
    /** glibc 2.34 and newer; without it only close-on-exec keeps descriptors from the child, which all of ours have. */
    private static final @Nullable Call ACTIONS_CLOSEFROM = Call.ifPresent("posix_spawn_file_actions_addclosefrom_np");

    private static final Call ATTRIBUTES_INIT = Call.of("posix_spawnattr_init");
    private static final Call ATTRIBUTES_DESTROY = Call.of("posix_spawnattr_destroy");
    private static final Call ATTRIBUTES_FLAGS = Call.of("posix_spawnattr_setflags");
    private static final Call ATTRIBUTES_DEFAULTS = Call.of("posix_spawnattr_setsigdefault");
    private static final Call ATTRIBUTES_MASK = Call.of("posix_spawnattr_setsigmask");
    private static final Call SIGEMPTYSET = Call.of("sigemptyset");
    private static final Call SIGADDSET = Call.of("sigaddset");

    private final List<String> command;
    /** Descriptor in the child → descriptor here. */
    private final TreeMap<Integer, Integer> descriptors = new TreeMap<>();

    private final TreeMap<String, String> environment = new TreeMap<>();
    private final List<Integer> defaultSignals = new ArrayList<>();

    /** @param command program (looked up in PATH) and arguments */
    public Spawn(List<String> command) {
        this.command = List.copyOf(command);
    }

    /** The child sees our descriptor {@code ours} as {@code theirs}. */
    public Spawn descriptor(int ours, int theirs) {
        descriptors.put(theirs, ours);
        return this;
    }

    /** Adds to, or replaces in, the environment, which is otherwise ours. */
    public Spawn environment(Map<String, String> variables) {
        environment.putAll(variables);
        return this;
    }

    /** The child gets {@code signal}'s default action even if we ignore it. */
    public Spawn defaultSignal(int signal) {
        defaultSignals.add(signal);
        return this;
    }

    /**
     * Starts it.
     *
     * @return its process id; the caller must {@link Processes#waitFor} it
     */
    public int start() throws PosixException {
        Processes.reapChildren();
        List<Integer> copies = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            long actions = arena.allocate(OPAQUE, 16).address();
            long attributes = arena.allocate(OPAQUE, 16).address();
            succeed(ACTIONS_INIT.call(actions), "posix_spawn_file_actions_init");
            succeed(ATTRIBUTES_INIT.call(attributes), "posix_spawnattr_init");
            try {
                int first = Math.max(3, descriptors.isEmpty() ? 0 : descriptors.lastKey() + 1);
                for (Map.Entry<Integer, Integer> entry : descriptors.entrySet()) {
                    // copied out of the way: one mapping's target may be the next one's source
                    int copy = PosixException.check(
                            Io.fcntl(entry.getValue(), F_DUPFD_CLOEXEC, first), "fcntl(F_DUPFD_CLOEXEC)");
                    copies.add(copy);
                    int theirs = entry.getKey();
                    succeed(ACTIONS_DUP2.call(actions, copy, theirs), "adddup2");
                }
                for (int fd = 3; fd < first; fd++) {
                    if (!descriptors.containsKey(fd)) {
                        // may be one that we were started with; a close of what is not open is no error here
                        succeed(ACTIONS_CLOSE.call(actions, fd), "addclose");
                    }
                }
                Call closeFrom = ACTIONS_CLOSEFROM;
                if (closeFrom != null) {
                    succeed(closeFrom.call(actions, first), "addclosefrom");
                }
                setSignals(arena, attributes);
                return spawn(arena, actions, attributes);
            } finally {
                int _ = ACTIONS_DESTROY.call(actions);
                int _ = ATTRIBUTES_DESTROY.call(attributes);
            }
        } finally {
            copies.forEach(Io::close);
        }
    }

    private void setSignals(Arena arena, long attributes) throws PosixException {
        long set = arena.allocate(SIGSET, 8).address();
        int _ = SIGEMPTYSET.call(set);
        succeed(ATTRIBUTES_MASK.call(attributes, set), "setsigmask");
        int _ = SIGADDSET.call(set, Processes.SIGCHLD); // else it could not wait for children of its own
        for (int signal : defaultSignals) {
            int _ = SIGADDSET.call(set, signal);
        }
        succeed(ATTRIBUTES_DEFAULTS.call(attributes, set), "setsigdefault");
        succeed(ATTRIBUTES_FLAGS.call(attributes, SETSIGDEF | SETSIGMASK), "setflags");
    }

    private int spawn(Arena arena, long actions, long attributes) throws PosixException {
        // as the runtime decoded our own arguments
        Charset charset = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
        List<byte[]> words = CommandLine.bytes(command, charset);
        MemorySegment arguments = arena.allocate(8L * (words.size() + 1), 8);
        for (int i = 0; i < words.size(); i++) {
            arguments.set(LONG, 8L * i, text(arena, words.get(i)));
        }
        MemorySegment pid = arena.allocate(INT);
        int r = SPAWN.call(
                pid.address(),
                arguments.get(LONG, 0),
                actions,
                attributes,
                arguments.address(),
                environment(arena, charset));
        succeed(r, "cannot start " + command.getFirst());
        return pid.get(INT, 0);
    }

    /** Our environment byte for byte, but for the replaced variables. */
    private long environment(Arena arena, Charset charset) {
        List<Long> pointers = new ArrayList<>();
        long list = Native.variable("environ", 8).get(LONG, 0);
        if (list != 0) {
            MemorySegment variables = MemorySegment.ofAddress(list).reinterpret(Long.MAX_VALUE);
            for (long at = 0; variables.get(LONG, at) != 0; at += 8) {
                long variable = variables.get(LONG, at);
                String text = MemorySegment.ofAddress(variable)
                        .reinterpret(Long.MAX_VALUE)
                        .getString(0, StandardCharsets.ISO_8859_1); // only its name counts here
                int equals = text.indexOf('=');
                if (equals < 0 || !environment.containsKey(text.substring(0, equals))) {
                    pointers.add(variable);
                }
            }
        }
        environment.forEach((name, value) -> pointers.add(text(arena, (name + "=" + value).getBytes(charset))));
        MemorySegment block = arena.allocate(8L * (pointers.size() + 1), 8);
        for (int i = 0; i < pointers.size(); i++) {
            block.set(LONG, 8L * i, pointers.get(i));
        }
        return block.address();
    }

    /** Bytes and a zero; not {@code allocateFrom}, which knows few charsets. */
    private static long text(Arena arena, byte[] bytes) {
        MemorySegment text = arena.allocate(bytes.length + 1L);
        MemorySegment.copy(bytes, 0, text, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return text.address();
    }

    /** The posix_spawn family returns its error instead of setting errno. */
    private static void succeed(int error, String what) throws PosixException {
        if (error != 0) {
            throw new PosixException(what, error);
        }
    }
}
