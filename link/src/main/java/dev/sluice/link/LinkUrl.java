package dev.sluice.link;

import java.nio.charset.StandardCharsets;

/** Where guests connect, as a user writes it: {@code qemu:/tmp/vm.sock}. */
public sealed interface LinkUrl {
    /** Longest path of a Unix socket, in bytes of UTF-8: {@code sun_path} has 108 with its final zero (unix(7)). */
    int MAX_PATH = 107;

    /** All forms, for messages. */
    String FORMS = "qemu:PATH, vmnet:PATH, bess:PATH, vfkit:PATH, stdio: or fd:N";

    /** A Unix stream with QEMU's framing (32-bit big-endian lengths); several guests. */
    record Qemu(String path) implements LinkUrl {
        @Override
        public String toString() {
            return "qemu:" + path;
        }
    }

    /** A Unix stream with VPNKit's protocol 22; several guests. */
    record Vmnet(String path) implements LinkUrl {
        @Override
        public String toString() {
            return "vmnet:" + path;
        }
    }

    /** A Unix SOCK_SEQPACKET socket, a bare frame per packet (User Mode Linux {@code transport=bess}); several guests. */
    record Bess(String path) implements LinkUrl {
        @Override
        public String toString() {
            return "bess:" + path;
        }
    }

    /** A Unix datagram socket, a bare frame per datagram (vfkit, krunkit); one guest at a time. */
    record Vfkit(String path) implements LinkUrl {
        @Override
        public String toString() {
            return "vfkit:" + path;
        }
    }

    /** One guest on standard input and output, 16-bit little-endian lengths (gvproxy's stdio). */
    record Stdio() implements LinkUrl {
        @Override
        public String toString() {
            return "stdio:";
        }
    }

    /**
     * An inherited descriptor. A listening stream socket speaks vmnet, as with VPNKit; a connected stream socket speaks QEMU's
     * framing; datagram and packet sockets carry bare frames. {@code ?framing=vmnet} or {@code ?framing=qemu} overrides for streams.
     */
    record Fd(int number, FdFraming framing) implements LinkUrl {
        @Override
        public String toString() {
            return "fd:" + number
                    + switch (framing) {
                        case AUTOMATIC -> "";
                        case QEMU -> "?framing=qemu";
                        case VMNET -> "?framing=vmnet";
                    };
        }
    }

    /** What is spoken on an inherited stream. */
    enum FdFraming {
        /** By the kind of socket. */
        AUTOMATIC,
        QEMU,
        VMNET
    }

    /**
     * Reads one.
     *
     * @throws IllegalArgumentException saying what is wrong and how to write it
     */
    static LinkUrl parse(String text) {
        int colon = text.indexOf(':');
        if (colon < 0) {
            throw new IllegalArgumentException(
                    "'" + text + "' does not say what kind of guest connects; write " + FORMS);
        }
        String kind = text.substring(0, colon);
        String rest = text.substring(colon + 1);
        return switch (kind) {
            case "qemu" -> new Qemu(path(text, kind, rest));
            case "vmnet" -> new Vmnet(path(text, kind, rest));
            case "bess" -> new Bess(path(text, kind, rest));
            case "vfkit" -> new Vfkit(path(text, kind, rest));
            case "stdio" -> {
                if (!rest.isEmpty()) {
                    throw new IllegalArgumentException(
                            "'" + text + "': stdio takes nothing after the colon; write stdio:");
                }
                yield new Stdio();
            }
            case "fd" -> fd(text, rest);
            default ->
                throw new IllegalArgumentException(
                        "'" + text + "': '" + kind + "' is not a kind of link; write " + FORMS);
        };
    }

    private static String path(String text, String kind, String rest) {
        if (rest.isEmpty()) {
            throw new IllegalArgumentException(
                    "'" + text + "' names no socket; write " + kind + ":PATH, as in " + kind + ":/tmp/vm.sock");
        }
        if (rest.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("'" + text.replace("\0", "\\0") + "': a path can't contain a zero byte");
        }
        int length = rest.getBytes(StandardCharsets.UTF_8).length;
        if (length > MAX_PATH) {
            throw new IllegalArgumentException("'" + text + "': the path of a Unix socket has at most " + MAX_PATH
                    + " bytes, this one has " + length + "; choose a shorter one");
        }
        return rest;
    }

    private static Fd fd(String text, String rest) {
        int question = rest.indexOf('?');
        String digits = question < 0 ? rest : rest.substring(0, question);
        FdFraming framing = switch (question < 0 ? "" : rest.substring(question + 1)) {
            case "" -> FdFraming.AUTOMATIC;
            case "framing=qemu" -> FdFraming.QEMU;
            case "framing=vmnet" -> FdFraming.VMNET;
            default ->
                throw new IllegalArgumentException(
                        "'" + text + "': after fd:N only ?framing=qemu or ?framing=vmnet is known");
        };
        if (!digits.matches("[0-9]{1,9}")) {
            throw new IllegalArgumentException("'" + text
                    + "' names no descriptor; write fd:N with the number of an inherited descriptor, as in fd:3");
        }
        return new Fd(Integer.parseInt(digits), framing);
    }
}
