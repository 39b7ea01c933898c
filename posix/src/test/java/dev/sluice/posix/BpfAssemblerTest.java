package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.posix.BpfAssembler.Label;
import org.junit.jupiter.api.Test;

class BpfAssemblerTest {
    /** Byte for byte as {@code struct sock_filter}: u16 code, u8 if so, u8 if not, u32 operand. */
    @Test
    void instructionsLieInMemoryAsTheKernelReadsThem() {
        Label end = new Label();
        long[] program = new BpfAssembler()
                .load(4)
                .jumpIfEqual(0xC000_003E, end)
                .answer(1)
                .place(end)
                .answer(0x7fff_0000)
                .assemble();
        assertThat(program)
                .containsExactly(
                        0x0000_0004_0000_0020L, 0xC000_003E_0001_0015L, 0x0000_0001_0000_0006L, 0x7fff_0000_0000_0006L);
    }

    @Test
    void jumpsLeadToTheirLabels() {
        Label large = new Label();
        Label odd = new Label();
        Label seven = new Label();
        BpfMachine machine = new BpfMachine(new BpfAssembler()
                .load(0)
                .jumpIfEqual(7, seven)
                .jumpIfAtLeast(0x8000_0000, large)
                .jumpIfSet(1, odd)
                .answer(1)
                .place(odd)
                .answer(2)
                .place(large)
                .answer(3)
                .place(seven)
                .answer(4)
                .assemble());
        assertThat(machine.judge(0, 6)).isEqualTo(1);
        assertThat(machine.judge(0, 9)).isEqualTo(2);
        assertThat(machine.judge(0, -1)).isEqualTo(3);
        assertThat(machine.judge(0, 7)).isEqualTo(4);
    }

    @Test
    void aJumpUpwardsOrTooFarIsNoProgram() {
        Label never = new Label();
        assertThatThrownBy(() -> new BpfAssembler().jumpIfSet(1, never).assemble())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("instruction 0");
        Label above = new Label();
        assertThatThrownBy(() -> new BpfAssembler()
                        .place(above)
                        .load(0)
                        .jumpIfSet(1, above)
                        .assemble())
                .isInstanceOf(IllegalStateException.class);
        for (int between : new int[] {255, 256}) {
            Label far = new Label();
            BpfAssembler assembler = new BpfAssembler().jumpIfSet(1, far);
            for (int i = 0; i < between; i++) {
                assembler.load(0);
            }
            assembler.place(far).answer(0);
            if (between == 255) {
                assertThat(assembler.assemble()).hasSize(257);
            } else {
                assertThatThrownBy(assembler::assemble).hasMessageContaining("256");
            }
        }
    }
}
