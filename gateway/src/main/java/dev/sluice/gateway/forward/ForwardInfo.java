package dev.sluice.gateway.forward;

/**
 * A forward that is open, as people see it.
 *
 * @param forward the whole of it as text, with the port that was chosen
 * @param protocol {@code tcp} or {@code udp}
 * @param listen where clients come, as {@code 127.0.0.1:8080}
 * @param port of the host; 0 for a Unix socket
 * @param guest address or name; empty for the only guest
 * @param proxy whether a PROXY header goes before the data
 * @param automatic whether it was found rather than asked for, and goes with the service it leads to
 * @param clients that came so far (TCP), or are remembered now (UDP)
 */
public record ForwardInfo(
        String forward,
        String protocol,
        String listen,
        int port,
        String guest,
        int guestPort,
        boolean proxy,
        boolean automatic,
        long clients) {}
