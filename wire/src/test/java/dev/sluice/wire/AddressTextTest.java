package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Addresses as people write them; the IPv6 ones have a test of their own. */
class AddressTextTest {
    @ParameterizedTest
    @ValueSource(strings = {"02:50:aB:00:00:Ff", "02-50-ab-00-00-ff", "02:50-AB:00-00:ff"})
    void aHardwareAddressIsSixPairsOfDigits(String text) {
        assertThat(MacAddress.parse(text)).isEqualTo(new MacAddress(0x0250_ab00_00ffL));
        assertThat(MacAddress.parse(text)).hasToString("02:50:ab:00:00:ff");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                "02:50:00:00:00",
                "02:50:00:00:00:0",
                "02:50:00:00:00:011",
                "02:50:00:00:00:01:",
                "02.50.00.00.00.01",
                "0g:50:00:00:00:01",
                "+2:50:00:00:00:01",
                "02:50:00:00:00:0\u0661",
                " 2:50:00:00:00:01",
                "025:0:00:00:00:01"
            })
    void anythingElseIsNone(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MacAddress.parse(text))
                .withMessageContaining("not a MAC");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.2.0/0", "10.0.2.0/8", "10.0.2.0/08", "10.0.2.0/32"})
    void aNetworkIsAnAddressAndTheLengthOfItsPrefix(String text) {
        assertThat(Ipv4Cidr.parse(text).prefix()).isEqualTo(Integer.parseInt(text.substring(text.indexOf('/') + 1)));
        assertThat(Ipv4Cidr.parse(text).address()).hasToString("10.0.2.0");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "10.0.2.0",
                "10.0.2.0/",
                "10.0.2.0/33",
                "10.0.2.0/008",
                "10.0.2.0/-1",
                "10.0.2.0/+1",
                "10.0.2.0/1\u0661",
                "10.0.2.0/8 ",
                "/8"
            })
    void aNetworkWithAnotherPrefixIsNone(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Ipv4Cidr.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"fd00::", "fd00::/", "fd00::/129", "fd00::/0064", "fd00::/-1", "fd00::/6 4", "fd00::/99999999999"
            })
    void norIsAnIpv6Network(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Ipv6Cidr.parse(text));
    }
}
