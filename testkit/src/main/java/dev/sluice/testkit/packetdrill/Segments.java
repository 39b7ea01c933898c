package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Action.TcpPacket;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.TcpOptions;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Between packets of a script and segments on the wire. */
final class Segments {
    private static final int URGENT_AT = 18;

    private Segments() {}

    // ---- To the wire

    /** The bytes of an inbound packet. */
    static byte[] encode(TcpPacket packet, Flow flow) {
        List<TcpOption> options = packet.options() == null ? List.of() : packet.options();
        byte[] encoded = encode(options, flow);
        int header = TcpHeader.MIN_LENGTH + encoded.length;
        byte[] bytes = new byte[header + packet.length()];
        MemorySegment s = MemorySegment.ofArray(bytes);
        boolean ack = (packet.flags() & TcpHeader.ACK) != 0;
        TcpHeader.write(
                s,
                0,
                flow.remotePort,
                flow.localPort,
                flow.liveRemote(packet.sequence()),
                ack ? flow.liveLocal(packet.acknowledgment()) : (int) packet.acknowledgment(),
                header,
                packet.flags(),
                Math.max(0, packet.window()));
        Bytes.put16(s, URGENT_AT, Math.max(0, packet.urgent()));
        System.arraycopy(encoded, 0, bytes, TcpHeader.MIN_LENGTH, encoded.length);
        return bytes;
    }

    private static byte[] encode(List<TcpOption> options, Flow flow) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (TcpOption option : options) {
            switch (option) {
                case TcpOption.Nop _ -> out.write(TcpOptions.NOP);
                case TcpOption.Eol _ -> out.write(TcpOptions.END);
                case TcpOption.Mss(int size) -> put(out, TcpOptions.MSS, size >>> 8, size);
                case TcpOption.WindowScale(int shift) -> put(out, TcpOptions.WINDOW_SCALE, shift);
                case TcpOption.SackPermitted _ -> put(out, TcpOptions.SACK_PERMITTED);
                case TcpOption.Sack(List<TcpOption.Sack.Block> blocks) -> {
                    out.write(TcpOptions.SACK);
                    out.write(2 + 8 * blocks.size());
                    for (TcpOption.Sack.Block block : blocks) {
                        put32(out, flow.liveLocal(block.left()));
                        put32(out, flow.liveLocal(block.right()));
                    }
                }
                case TcpOption.Timestamps(long value, long echo) -> {
                    put(out, TcpOptions.TIMESTAMPS, 0, 0, 0, 0, 0, 0, 0, 0);
                    byte[] whole = out.toByteArray();
                    MemorySegment s = MemorySegment.ofArray(whole);
                    Bytes.put32(s, whole.length - 8, (int) value);
                    Bytes.put32(s, whole.length - 4, echo == 0 ? 0 : flow.liveEcho(echo));
                    out.reset();
                    out.writeBytes(whole);
                }
                case TcpOption.Unknown(int kind, String value) -> {
                    out.write(kind);
                    out.write(2 + value.length() / 2);
                    out.writeBytes(HexFormat.of().parseHex(value));
                }
                case TcpOption.Other _ -> throw new IllegalStateException("not parsed");
            }
        }
        while (out.size() % 4 != 0) {
            out.write(TcpOptions.END);
        }
        return out.toByteArray();
    }

    private static void put(ByteArrayOutputStream out, int kind, int... value) {
        out.write(kind);
        out.write(2 + value.length);
        for (int b : value) {
            out.write(b);
        }
    }

    private static void put32(ByteArrayOutputStream out, int value) {
        out.write(value >>> 24);
        out.write(value >>> 16);
        out.write(value >>> 8);
        out.write(value);
    }

    // ---- From the wire

    /** A segment of the stack in the numbers of the script. */
    static TcpPacket decode(byte[] bytes, Flow flow) {
        MemorySegment s = MemorySegment.ofArray(bytes);
        int header = TcpHeader.headerLength(s, 0);
        int flags = TcpHeader.flags(s, 0);
        int acknowledgment = TcpHeader.acknowledgment(s, 0);
        return new TcpPacket(
                false,
                Action.IpMarks.NONE,
                null,
                flags,
                false,
                flow.scriptLocal(TcpHeader.sequence(s, 0)),
                bytes.length - header,
                (flags & TcpHeader.ACK) != 0 ? flow.scriptRemote(acknowledgment) : acknowledgment & 0xffff_ffffL,
                TcpHeader.window(s, 0),
                Bytes.u16(s, URGENT_AT),
                decodeOptions(s, header, flow));
    }

    private static List<TcpOption> decodeOptions(MemorySegment s, int header, Flow flow) {
        List<TcpOption> options = new ArrayList<>();
        int at = TcpHeader.MIN_LENGTH;
        while (at < header) {
            int kind = Bytes.u8(s, at);
            if (kind == TcpOptions.NOP || kind == TcpOptions.END) {
                options.add(kind == TcpOptions.NOP ? new TcpOption.Nop() : new TcpOption.Eol());
                at++;
                continue;
            }
            int length = at + 1 < header ? Bytes.u8(s, at + 1) : 0;
            if (length < 2 || at + length > header) {
                options.add(new TcpOption.Other(kind, "with the length " + length));
                break;
            }
            options.add(
                    switch (kind) {
                        case TcpOptions.MSS -> new TcpOption.Mss(Bytes.u16(s, at + 2));
                        case TcpOptions.WINDOW_SCALE -> new TcpOption.WindowScale(Bytes.u8(s, at + 2));
                        case TcpOptions.SACK_PERMITTED -> new TcpOption.SackPermitted();
                        case TcpOptions.TIMESTAMPS ->
                            new TcpOption.Timestamps(
                                    flow.scriptTimestamp(Bytes.i32(s, at + 2)), Bytes.i32(s, at + 6) & 0xffff_ffffL);
                        case TcpOptions.SACK -> {
                            List<TcpOption.Sack.Block> blocks = new ArrayList<>();
                            for (int o = at + 2; o + 8 <= at + length; o += 8) {
                                blocks.add(new TcpOption.Sack.Block(
                                        flow.scriptRemote(Bytes.i32(s, o)), flow.scriptRemote(Bytes.i32(s, o + 4))));
                            }
                            yield new TcpOption.Sack(blocks);
                        }
                        default -> new TcpOption.Other(kind, "of " + length + " bytes");
                    });
            at += length;
        }
        return options;
    }

    // ---- As text

    /** As a script would write it. */
    static String text(TcpPacket p) {
        StringBuilder out = new StringBuilder(p.inbound() ? "< " : "> ");
        out.append(flags(p.flags())).append(' ');
        if (p.anySequence()) {
            out.append("...(").append(p.length()).append(')');
        } else {
            out.append(p.sequence())
                    .append(':')
                    .append(p.sequence() + p.length() & 0xffff_ffffL)
                    .append('(')
                    .append(p.length())
                    .append(')');
        }
        if ((p.flags() & TcpHeader.ACK) != 0 || p.acknowledgment() != 0) {
            out.append(" ack ").append(p.acknowledgment());
        }
        if (p.window() != TcpPacket.UNSAID) {
            out.append(" win ").append(p.window());
        }
        if (p.urgent() > 0) {
            out.append(" urg ").append(p.urgent());
        }
        List<TcpOption> options = p.options();
        if (options == null) {
            out.append(" <...>");
        } else if (!options.isEmpty()) {
            out.append(" <")
                    .append(String.join(
                            ",", options.stream().map(TcpOption::toString).toList()))
                    .append('>');
        }
        return out.toString();
    }

    static String flags(int flags) {
        StringBuilder out = new StringBuilder();
        String letters = "FSRP";
        for (int i = 0; i < letters.length(); i++) {
            if ((flags & 1 << i) != 0) {
                out.append(letters.charAt(i));
            }
        }
        if ((flags & TcpHeader.URG) != 0) {
            out.append('U');
        }
        if ((flags & TcpHeader.ECE) != 0) {
            out.append('E');
        }
        if ((flags & TcpHeader.CWR) != 0) {
            out.append('W');
        }
        if ((flags & TcpHeader.ACK) != 0) {
            out.append('.');
        }
        return out.isEmpty() ? "-" : out.toString();
    }
}
