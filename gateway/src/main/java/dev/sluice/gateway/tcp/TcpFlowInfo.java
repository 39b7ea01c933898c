package dev.sluice.gateway.tcp;

import dev.sluice.wire.IpAddress;

/**
 * One TCP flow as people see it.
 *
 * @param remote the address the guest asked for
 * @param state of the guest's side, in the words of RFC 9293
 * @param since when it began, on the loop's clock
 */
public record TcpFlowInfo(
        IpAddress guest,
        int guestPort,
        IpAddress remote,
        int remotePort,
        String state,
        long bytesToHost,
        long bytesToGuest,
        long since) {}
