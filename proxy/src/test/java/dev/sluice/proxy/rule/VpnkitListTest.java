package dev.sluice.proxy.rule;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.proxy.ProxyTarget;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The Match cases of VPNKit's own tests, and what its documentation says. */
class VpnkitListTest {
    private static String match(String list, String host) {
        return VpnkitList.parse(list).match(new ProxyTarget("http", host, 80));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            10.0.0.1                    | 10.0.0.1
            10.0.0.0/24                 | 10.0.0.1
            mit.edu                     | mit.edu
            mit.edu                     | dave.mit.edu
            *.mit.edu                   | dave.mit.edu
            .mit.edu                    | dave.mit.edu
            *.local, 169.254.0.0/16     | dave.local
            *.local, 169.254.0.0/16     | 169.254.0.1
            *                           | anything
            *                           | any.thing
            a.*.c                       | a.b.c
            Mit.EDU                     | dave.mit.edu
            fd00::/8                    | fd00::1
            """)
    void theseAreInTheList(String list, String host) {
        assertThat(match(list, host)).isNotNull();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            10.0.0.2                    | 10.0.0.1
            10.0.1.0/24                 | 10.0.0.1
            mit.edu                     | xmit.edu
            *.mit.edu                   | mit.edu
            .mit.edu                    | mit.edu
            dave.mit.edu                | mit.edu
            *.local, 169.254.0.0/16     | local
            *.local, 169.254.0.0/16     | 10.0.0.1
            *                           | 10.0.0.1
            *                           | fd00::1
            0.0.1                       | 10.0.0.1
            mit.edu:80                  | mit.edu
            """)
    void theseAreNot(String list, String host) {
        assertThat(match(list, host)).isNull();
    }
}
