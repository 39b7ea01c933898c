package dev.sluice.stack.tcp;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.TcpOptions;
import java.lang.foreign.MemorySegment;

/**
 * The incoming segment under work: its header and options as fields. One per shard, filled again for every segment. An option with
 * a wrong length for its kind counts as absent (RFC 9293 MUST-7), the last of several equal ones counts.
 */
final class Segment {
    MemorySegment memory = MemorySegment.NULL;
    /** Where the payload starts. */
    long at;
    /** Payload bytes. */
    int length;

    int sourcePort;
    int destinationPort;
    int sequence;
    int acknowledgment;
    int flags;
    /** As in the header, 0–65535. */
    int window;

    /** 0–65535; 0 without URG. */
    int urgentPointer;
    /** Its IP packet carried the codepoint CE. */
    boolean marked;

    boolean hasTimestamps;
    int timestamp;
    int echo;
    /** 0–65535, or −1 without the option. */
    int mss;
    /** 0–255, or −1 without the option. */
    int windowScale;

    boolean sackPermitted;
    int sackBlocks;
    final int[] sackLeft = new int[4];
    final int[] sackRight = new int[4];

    /** Reads a segment whose header has been checked. */
    void read(MemorySegment s, long header, int bytes) {
        long first = Bytes.i64(s, header);
        long second = Bytes.i64(s, header + 8);
        int headerLength = (int) (second >>> 28 & 0xf) * 4;
        memory = s;
        at = header + headerLength;
        length = bytes - headerLength;
        sourcePort = (int) (first >>> 48);
        destinationPort = (int) (first >>> 32) & 0xffff;
        sequence = (int) first;
        acknowledgment = (int) (second >>> 32);
        flags = (int) (second >>> 16) & 0xff;
        window = (int) second & 0xffff;
        urgentPointer = (flags & TcpHeader.URG) == 0 ? 0 : TcpHeader.urgentPointer(s, header);
        marked = false;
        hasTimestamps = false;
        mss = -1;
        windowScale = -1;
        sackPermitted = false;
        sackBlocks = 0;
        long options = header + TcpHeader.MIN_LENGTH;
        if (TcpOptions.areTimestampsOnly(s, options, headerLength - TcpHeader.MIN_LENGTH)) {
            long stamps = Bytes.i64(s, options + 4);
            hasTimestamps = true;
            timestamp = (int) (stamps >>> 32);
            echo = (int) stamps;
        } else {
            readOptions(s, options, headerLength - TcpHeader.MIN_LENGTH);
        }
    }

    private void readOptions(MemorySegment s, long from, int bytes) {
        int i = 0;
        while (i < bytes) {
            int kind = Bytes.u8(s, from + i);
            if (kind == TcpOptions.END) {
                return;
            }
            if (kind == TcpOptions.NOP) {
                i++;
                continue;
            }
            // Not trusting the caller's check here costs two compares and makes this total.
            int size = i + 1 < bytes ? Bytes.u8(s, from + i + 1) : 0;
            if (size < 2 || i + size > bytes) {
                return;
            }
            readOption(s, from + i + 2, kind, size);
            i += size;
        }
    }

    private void readOption(MemorySegment s, long value, int kind, int size) {
        switch (kind) {
            case TcpOptions.MSS -> {
                if (size == 4) {
                    mss = Bytes.u16(s, value);
                }
            }
            case TcpOptions.WINDOW_SCALE -> {
                if (size == 3) {
                    windowScale = Bytes.u8(s, value);
                }
            }
            case TcpOptions.SACK_PERMITTED -> sackPermitted |= size == 2;
            case TcpOptions.TIMESTAMPS -> {
                if (size == 10) {
                    hasTimestamps = true;
                    timestamp = Bytes.i32(s, value);
                    echo = Bytes.i32(s, value + 4);
                }
            }
            case TcpOptions.SACK -> {
                if (size > 2 && (size - 2) % 8 == 0) {
                    sackBlocks = Math.min((size - 2) / 8, sackLeft.length);
                    for (int b = 0; b < sackBlocks; b++) {
                        sackLeft[b] = Bytes.i32(s, value + 8L * b);
                        sackRight[b] = Bytes.i32(s, value + 8L * b + 4);
                    }
                }
            }
            default -> {}
        }
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    /** Sequence numbers it occupies: payload, SYN and FIN (SEG.LEN). */
    int span() {
        return length + (has(TcpHeader.SYN) ? 1 : 0) + (has(TcpHeader.FIN) ? 1 : 0);
    }
}
