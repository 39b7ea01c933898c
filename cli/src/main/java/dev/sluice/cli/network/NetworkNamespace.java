package dev.sluice.cli.network;

import dev.sluice.link.tap.NamespaceTap;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import java.io.IOException;
import java.nio.file.Path;

/** A network namespace that exists, by either of its names. */
public sealed interface NetworkNamespace {
    /** Makes a TAP interface in it. */
    OpenTap open(TapSpec spec) throws IOException;

    /** The namespace's file. */
    Path file();

    /** A descriptor of the namespace. */
    default int openNetwork() throws IOException {
        return PosixException.check(Io.open(file().toString(), Io.O_RDONLY), "cannot open " + file());
    }

    /** Calls back, once, on some thread, when the name stops leading to the namespace. */
    void onGone(Runnable callback);

    /** That of a process. */
    record OfProcess(long pid) implements NetworkNamespace {
        @Override
        public Path file() {
            return Path.of("/proc", Long.toString(pid), "ns/net");
        }

        @Override
        public OpenTap open(TapSpec spec) throws IOException {
            return NamespaceTap.openByPid(pid, spec);
        }

        @Override
        public void onGone(Runnable callback) {
            NamespaceWatch.onEnd(Math.toIntExact(pid), callback);
        }
    }

    /** The one that a file names. */
    record OfFile(Path file) implements NetworkNamespace {
        @Override
        public OpenTap open(TapSpec spec) throws IOException {
            return NamespaceTap.openByPath(file, spec);
        }

        @Override
        public void onGone(Runnable callback) {
            NamespaceWatch.onGone(file, callback);
        }
    }
}
