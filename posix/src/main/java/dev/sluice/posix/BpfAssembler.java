package dev.sluice.posix;

import java.util.ArrayList;
import java.util.List;

/**
 * Puts together a program of the kernel's classic packet filter machine (Linux's networking/filter.rst), which seccomp(2) uses, too: one
 * register, forward jumps, loads from what is judged, an answer. Pure.
 */
final class BpfAssembler {
    /** The instructions that are used here: class, size and mode, or operation and operand (linux/filter.h, linux/bpf_common.h). */
    static final int LOAD = 0x20;

    static final int JUMP_IF_EQUAL = 0x15;
    static final int JUMP_IF_AT_LEAST = 0x35;
    static final int JUMP_IF_SET = 0x45;
    static final int ANSWER = 0x06;

    private static final int MAX_DISTANCE = 0xff;

    /** A place to jump to, further down. */
    static final class Label {
        private int at = -1;
    }

    /** {@code struct sock_filter} as one little-endian number: code, distance if so, distance if not, operand. */
    private final List<Long> instructions = new ArrayList<>();

    /** Where each jump leads; null for what is none. */
    private final List<Label> targets = new ArrayList<>();

    private static final Label NONE = new Label();

    /** Loads 32 bits of what is judged. */
    BpfAssembler load(int offset) {
        return add(LOAD, offset, NONE);
    }

    BpfAssembler jumpIfEqual(int value, Label target) {
        return add(JUMP_IF_EQUAL, value, target);
    }

    /** Without sign. */
    BpfAssembler jumpIfAtLeast(int value, Label target) {
        return add(JUMP_IF_AT_LEAST, value, target);
    }

    /** If any bit of {@code mask} is set. */
    BpfAssembler jumpIfSet(int mask, Label target) {
        return add(JUMP_IF_SET, mask, target);
    }

    /** Ends the program here with this result. */
    BpfAssembler answer(int result) {
        return add(ANSWER, result, NONE);
    }

    /** Jumps to {@code label} lead to what is added next. */
    BpfAssembler place(Label label) {
        label.at = instructions.size();
        return this;
    }

    private BpfAssembler add(int code, int operand, Label target) {
        instructions.add(code | (long) operand << 32);
        targets.add(target);
        return this;
    }

    /**
     * The program, one {@code struct sock_filter} in each element.
     *
     * @throws IllegalStateException if a label was not placed below a jump to it, or too far
     */
    long[] assemble() {
        long[] program = new long[instructions.size()];
        for (int i = 0; i < program.length; i++) {
            program[i] = instructions.get(i);
            if (targets.get(i) != NONE) {
                int distance = targets.get(i).at - i - 1;
                if (distance < 0 || distance > MAX_DISTANCE) {
                    throw new IllegalStateException("instruction " + i + " can't jump by " + distance);
                }
                program[i] |= (long) distance << 16;
            }
        }
        return program;
    }
}
