package dev.sluice.posix;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.TreeSet;

/** Runs programs of {@link BpfAssembler}, under the rules that a kernel has for them. */
final class BpfMachine {
    /** {@code struct seccomp_data}: number, architecture, instruction pointer, six arguments. */
    static final int DATA = 64;

    private static final int MAX_LENGTH = 4096;

    private final long[] program;
    /** Where the last run loaded from. */
    final TreeSet<Integer> loaded = new TreeSet<>();

    int steps;

    BpfMachine(long[] program) {
        if (program.length == 0 || program.length > MAX_LENGTH) {
            throw new IllegalArgumentException(program.length + " instructions");
        }
        this.program = program;
    }

    /** The answer about a call. */
    int judge(int audit, int number, long... arguments) {
        ByteBuffer data = ByteBuffer.allocate(DATA).order(ByteOrder.LITTLE_ENDIAN);
        data.putInt(0, number).putInt(4, audit);
        for (int i = 0; i < arguments.length; i++) {
            data.putLong(16 + 8 * i, arguments[i]);
        }
        return run(data);
    }

    int run(ByteBuffer data) {
        loaded.clear();
        steps = 0;
        int accumulator = 0;
        int at = 0;
        while (true) {
            long instruction = program[at++]; // past the end is an exception, as it should be
            steps++;
            int operand = (int) (instruction >>> 32);
            int code = (int) instruction & 0xffff;
            boolean yes = switch (code) {
                case BpfAssembler.LOAD -> {
                    if (operand < 0 || operand > DATA - 4 || operand % 4 != 0) {
                        throw new IllegalStateException("load from " + operand);
                    }
                    loaded.add(operand);
                    accumulator = data.getInt(operand);
                    yield false;
                }
                case BpfAssembler.JUMP_IF_EQUAL -> accumulator == operand;
                case BpfAssembler.JUMP_IF_AT_LEAST -> Integer.compareUnsigned(accumulator, operand) >= 0;
                case BpfAssembler.JUMP_IF_SET -> (accumulator & operand) != 0;
                case BpfAssembler.ANSWER -> {
                    yield true;
                }
                default -> throw new IllegalStateException("code " + code);
            };
            if (code == BpfAssembler.ANSWER) {
                return operand;
            }
            if (code != BpfAssembler.LOAD) {
                at += (int) (instruction >>> (yes ? 16 : 24)) & 0xff;
            }
        }
    }
}
