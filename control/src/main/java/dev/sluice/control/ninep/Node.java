package dev.sluice.control.ninep;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A file or directory of a served tree. Called by several clients' threads at a time. */
public interface Node {
    /** Tells it from every other node of the tree, as long as it exists (the path of its qid). */
    long id();

    String name();

    /** Whether it is a directory now. */
    boolean isDirectory();

    default boolean isWritable() {
        return false;
    }

    /** Bytes, where that is known beforehand. */
    default long length() {
        return 0;
    }

    /** What is called {@code name} in this directory; null if there is nothing. */
    default @Nullable Node child(String name) {
        return null;
    }

    /** What is in this directory, in the order shown. */
    default List<Node> children() {
        return List.of();
    }

    /** Makes a directory in this one. */
    default Node createDirectory(String name) throws NinepException {
        throw NinepException.permissionDenied();
    }

    /** Whoever made this directory has left; it may go if nothing came of it. */
    default void abandon() {}

    /** Opens this file; what it reads like may be decided now. */
    OpenFile open() throws NinepException;

    /** Removes it from its directory. */
    default void remove() throws NinepException {
        throw NinepException.permissionDenied();
    }

    /** A file while a client has it open. */
    interface OpenFile extends AutoCloseable {
        /** The whole of what it reads like now. */
        byte[] content();

        /** Takes what is written, all at once. */
        default void write(byte[] data) throws NinepException {
            throw NinepException.permissionDenied();
        }

        /** The client has closed it without having read or written; {@link #close} follows. */
        default void unused() {}

        /** The client is done with it, or gone. */
        @Override
        default void close() {}
    }
}
