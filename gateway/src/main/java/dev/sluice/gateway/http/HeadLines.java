package dev.sluice.gateway.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The lines of a head, before anybody asks what they mean.
 *
 * @param start the request line or status line
 */
record HeadLines(String start, Fields fields) {
    /** More fields than any honest message has. */
    static final int MAX_FIELDS = 256;

    /** Takes a head apart, strictly (RFC 9112 §2.2, §5). */
    static HeadLines of(byte[] bytes) throws BadMessage {
        return of(new String(bytes, StandardCharsets.ISO_8859_1));
    }

    /**
     * That of a response: servers of old devices are what they are, and what is handed on is written anew, so nobody behind us can read it in
     * another way. Lines may end with LF alone (RFC 9112 §2.2), white space before a colon goes (§5.1), folded lines become one (§5.2).
     */
    static HeadLines ofResponse(byte[] bytes) throws BadMessage {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        StringBuilder out = new StringBuilder(text.length() + 16);
        int lines = 0; // with anything in them
        for (int at = 0; at < text.length(); ) {
            int next = text.indexOf('\n', at) + 1;
            if (next == 0) {
                out.append(text, at, text.length()); // it ends in the middle, which is found out below
                break;
            }
            int end = next - 1 > at && text.charAt(next - 2) == '\r' ? next - 2 : next - 1;
            int name = lines == 0 ? -1 : text.indexOf(':', at, end);
            if (end > at && lines > 1 && isSpace(text.charAt(at))) {
                out.setLength(out.length() - 2);
                out.append(' ').append(trim(text.substring(at, end)));
            } else if (name > at && !isSpace(text.charAt(at))) {
                int last = name;
                while (isSpace(text.charAt(last - 1))) {
                    last--;
                }
                out.append(text, at, last).append(text, name, end);
            } else {
                out.append(text, at, end);
            }
            out.append("\r\n");
            lines += end > at ? 1 : 0;
            at = next;
        }
        return of(out.toString());
    }

    private static HeadLines of(String text) throws BadMessage {
        int at = 0;
        while (text.startsWith("\r\n", at)) {
            at += 2;
        }
        List<String> lines = new ArrayList<>();
        while (true) {
            int end = lineEnd(text, at);
            if (end == at) {
                if (end + 2 != text.length()) {
                    throw BadMessage.bad("something follows the end of the head");
                }
                break;
            }
            lines.add(text.substring(at, end));
            if (lines.size() > MAX_FIELDS + 1) {
                throw new BadMessage(431, "more than " + MAX_FIELDS + " header fields");
            }
            at = end + 2;
        }
        if (lines.isEmpty()) {
            throw BadMessage.bad("an empty head");
        }
        List<Field> fields = new ArrayList<>(lines.size() - 1);
        for (String line : lines.subList(1, lines.size())) {
            fields.add(field(line));
        }
        return new HeadLines(lines.getFirst(), new Fields(fields));
    }

    /** Where the CRLF of the line at {@code at} is; everything before it is fit for a line. */
    private static int lineEnd(String text, int at) throws BadMessage {
        for (int i = at; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n') {
                return i;
            }
            if (c == '\r' || c == '\n') {
                throw BadMessage.bad("a line ends with CR LF, not with one of them");
            }
            if (c < 0x20 && c != '\t' || c == 0x7f) {
                throw BadMessage.bad("a control character in the head");
            }
        }
        throw BadMessage.bad("the head ends in the middle");
    }

    private static Field field(String line) throws BadMessage {
        char first = line.charAt(0);
        if (first == ' ' || first == '\t') {
            throw BadMessage.bad("a folded header line (obs-fold), which RFC 9112 §5.2 forbids");
        }
        int colon = line.indexOf(':');
        if (colon <= 0) {
            throw BadMessage.bad("a header line without a name and a colon");
        }
        String name = line.substring(0, colon);
        if (!isToken(name)) {
            throw BadMessage.bad(
                    name.endsWith(" ") || name.endsWith("\t")
                            ? "white space before the colon of a header field"
                            : "a header field whose name is none");
        }
        return new Field(line, name, trim(line.substring(colon + 1)));
    }

    private static String trim(String value) {
        int from = 0;
        int to = value.length();
        while (from < to && isSpace(value.charAt(from))) {
            from++;
        }
        while (to > from && isSpace(value.charAt(to - 1))) {
            to--;
        }
        return value.substring(from, to);
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\t';
    }

    /** RFC 9110 §5.6.2. */
    static boolean isToken(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean alphanumeric = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
            if (!alphanumeric && "!#$%&'*+-.^_`|~".indexOf(c) < 0) {
                return false;
            }
        }
        return !text.isEmpty();
    }

    /** {@code HTTP/1.0} or {@code HTTP/1.1}: the minor version. */
    static int minorVersion(String version, int statusIfOther) throws BadMessage {
        return switch (version) {
            case "HTTP/1.1" -> 1;
            case "HTTP/1.0" -> 0;
            default -> {
                boolean other = version.length() == 8 && version.startsWith("HTTP/") && version.charAt(6) == '.';
                throw other
                        ? new BadMessage(
                                statusIfOther, "version '" + version + "': only HTTP/1.1 and HTTP/1.0 are spoken here")
                        : BadMessage.bad("no HTTP version where one should be");
            }
        };
    }
}
