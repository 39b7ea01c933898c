package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class IoTest {
    @Test
    void aFailedCallReturnsItsNegatedErrno() {
        assertThat(Io.open("/does/not/exist", Io.O_RDONLY)).isEqualTo(-Errno.ENOENT);
        assertThat(Errno.text(Errno.ENOENT)).isEqualTo("No such file or directory");
    }
}
