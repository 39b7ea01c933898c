package dev.sluice.wire;

/** Why bytes are not a well-formed header, as told by every {@code check}; constants are counter names, not exceptions. */
public enum Flaw {
    /** Nothing wrong. */
    NONE,
    /** Fewer bytes than the header, or than a length inside it, says. */
    TRUNCATED,
    /** A version or hardware type that this protocol does not have. */
    BAD_VERSION,
    /** A header length below the minimum or past the end. */
    BAD_HEADER_LENGTH,
    /** A total or payload length that contradicts the header or the frame. */
    BAD_LENGTH,
    /** The checksum does not match. */
    BAD_CHECKSUM,
    /** An option whose length is zero, one, or past the end. */
    BAD_OPTION,
    /** A field with a value its protocol forbids. */
    BAD_FIELD
}
