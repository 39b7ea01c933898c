package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinkUrlTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "qemu:/tmp/vm.sock",
                "vmnet:vm.sock",
                "bess:/tmp/a:b",
                "vfkit:/tmp/v",
                "stdio:",
                "fd:3",
                "fd:17?framing=qemu",
                "fd:0?framing=vmnet"
            })
    void whatIsReadIsWrittenTheSame(String text) {
        assertThat(LinkUrl.parse(text)).hasToString(text);
    }

    @Test
    void eachFormHasItsType() {
        assertThat(LinkUrl.parse("qemu:/a")).isEqualTo(new LinkUrl.Qemu("/a"));
        assertThat(LinkUrl.parse("fd:3?framing=vmnet")).isEqualTo(new LinkUrl.Fd(3, LinkUrl.FdFraming.VMNET));
        assertThat(LinkUrl.parse("fd:3")).isEqualTo(new LinkUrl.Fd(3, LinkUrl.FdFraming.AUTOMATIC));
    }

    private static void refused(String text, String part) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> LinkUrl.parse(text))
                .withMessageContaining(part)
                .withMessageNotContaining("\n");
    }

    @Test
    void whatIsWrongIsSaidWithWhatToDo() {
        refused("/tmp/vm.sock", "write qemu:PATH, vmnet:PATH");
        refused("", "write qemu:PATH");
        refused("tap:0", "'tap' is not a kind of link");
        refused("qemu:", "names no socket; write qemu:PATH");
        refused("bess:a\0b", "zero byte");
        refused("stdio:x", "write stdio:");
        refused("fd:", "names no descriptor");
        refused("fd:-1", "names no descriptor");
        refused("fd:12345678901", "names no descriptor");
        refused("fd:3?framing=udp", "?framing=qemu or ?framing=vmnet");
    }

    @Test
    void aPathHasAtMost107Bytes() {
        assertThat(LinkUrl.parse("qemu:/" + "a".repeat(106))).isInstanceOf(LinkUrl.Qemu.class);
        refused("qemu:/" + "a".repeat(107), "at most 107 bytes, this one has 108");
        refused("qemu:/" + "ä".repeat(54), "this one has 109");
    }
}
