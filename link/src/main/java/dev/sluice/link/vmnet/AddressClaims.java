package dev.sluice.link.vmnet;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;

/** Whoever else gives out addresses of the guest network (the DHCP server), asked so that no address is given twice. */
public interface AddressClaims {
    /** Nobody else does. */
    AddressClaims NONE = new AddressClaims() {
        @Override
        public boolean claim(Ipv4Address address, MacAddress mac) {
            return true;
        }

        @Override
        public void release(Ipv4Address address, MacAddress mac) {}
    };

    /** Reserves {@code address} for {@code mac} until released; false if somebody else has it. */
    boolean claim(Ipv4Address address, MacAddress mac);

    /** Gives a claimed address back. */
    void release(Ipv4Address address, MacAddress mac);
}
