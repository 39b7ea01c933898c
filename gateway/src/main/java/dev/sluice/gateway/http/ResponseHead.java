package dev.sluice.gateway.http;

import java.nio.charset.StandardCharsets;

/**
 * A response without its body (RFC 9112 §4).
 *
 * @param line the status line as it came
 * @param minor version 1.{@code minor}
 * @param reason what stands behind the code; perhaps nothing
 */
public record ResponseHead(String line, int minor, int status, String reason, Fields fields) {
    private static final int BAD_GATEWAY = 502;

    /** Fails with 502: it is a server's mistake. */
    public static ResponseHead parse(byte[] bytes) throws BadMessage {
        try {
            HeadLines lines = HeadLines.ofResponse(bytes);
            String line = lines.start();
            int minor = HeadLines.minorVersion(line.length() < 8 ? line : line.substring(0, 8), BAD_GATEWAY);
            boolean wellFormed = line.length() >= 12
                    && line.charAt(8) == ' '
                    && line.charAt(9) >= '1'
                    && line.charAt(9) <= '9'
                    && isDigit(line.charAt(10))
                    && isDigit(line.charAt(11))
                    && (line.length() == 12 || line.charAt(12) == ' ');
            if (!wellFormed) {
                throw BadMessage.bad("the status line is not 'HTTP/1.1 200 OK'");
            }
            String reason = line.length() > 13 ? line.substring(13) : "";
            return new ResponseHead(line, minor, Integer.parseInt(line.substring(9, 12)), reason, lines.fields());
        } catch (BadMessage e) {
            throw new BadMessage(BAD_GATEWAY, e.reason());
        }
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    /** Another response follows to the same request; not {@code 101}, which ends HTTP. */
    public boolean isInterim() {
        return status < 200 && status != 101;
    }

    public ResponseHead with(Fields other) {
        return new ResponseHead(line, minor, status, reason, other);
    }

    /** Whether the connection may carry another response, as far as the sender says. */
    public boolean keepsAlive() {
        return minor == 1
                ? !fields.members("connection").contains("close")
                : fields.members("connection").contains("keep-alive");
    }

    public byte[] bytes() {
        StringBuilder out = new StringBuilder(512);
        out.append(line).append("\r\n");
        fields.write(out);
        return out.toString().getBytes(StandardCharsets.ISO_8859_1);
    }
}
