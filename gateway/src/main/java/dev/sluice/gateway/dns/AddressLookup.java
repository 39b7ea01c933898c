package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The addresses of names, as guests are told them, for what connects in their place. Any thread; blocks. */
public final class AddressLookup {
    /** Longer than any lookup takes whose servers answer at all. */
    private static final int PATIENCE_SECONDS = 20;
    /** How much longer than addresses of IPv4 those of IPv6 may take (RFC 8305 §3): some servers are silent about them. */
    private static final long DELAY_MILLIS = 500;

    private static final int NO_SUCH_NAME = 3;
    private static final byte[] NO_OWNER = {};

    private final DnsService service;

    public AddressLookup(DnsService service) {
        this.service = service;
    }

    /**
     * All of them, IPv4 before IPv6.
     *
     * @param asker whose lookup it counts as
     * @throws IOException saying why there are none
     */
    public List<IpAddress> addresses(String name, IpAddress asker) throws IOException {
        if (DnsMessage.encodeName(name).length == 0) {
            throw new IOException("'" + name + "' is no host name");
        }
        CompletableFuture<byte[]> four = ask(name, DnsHeader.TYPE_A, asker);
        CompletableFuture<byte[]> six = ask(name, DnsHeader.TYPE_AAAA, asker);
        List<IpAddress> found = new ArrayList<>();
        int rcode = 0;
        try {
            byte[] reply = four.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            rcode = DnsMessage.flags(reply) & DnsMessage.RCODE_MASK;
            for (ResourceRecord record : DnsMessage.records(reply, DnsHeader.TYPE_A, NO_OWNER)) {
                if (record.data().length == 4) {
                    found.add(new Ipv4Address(ByteBuffer.wrap(record.data()).getInt()));
                }
            }
            reply = found.isEmpty()
                    ? six.get(PATIENCE_SECONDS, TimeUnit.SECONDS)
                    : six.get(DELAY_MILLIS, TimeUnit.MILLISECONDS);
            for (ResourceRecord record : DnsMessage.records(reply, DnsHeader.TYPE_AAAA, NO_OWNER)) {
                if (record.data().length == 16) {
                    ByteBuffer data = ByteBuffer.wrap(record.data());
                    Ipv6Address address = new Ipv6Address(data.getLong(), data.getLong());
                    Ipv4Address mapped = address.mappedIpv4(); // what the host's sockets take it for, and rules must
                    found.add(mapped == null ? address : mapped);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while looking up " + name, e);
        } catch (ExecutionException | TimeoutException e) {
            if (found.isEmpty()) {
                throw new IOException("no name server has answered for " + name, e);
            }
        }
        if (!found.isEmpty()) {
            return found;
        }
        throw new IOException(
                switch (rcode) {
                    case 0 -> name + " has no address";
                    case NO_SUCH_NAME -> "there is no host " + name;
                    default -> "the lookup of " + name + " has failed: no name server could answer";
                });
    }

    private CompletableFuture<byte[]> ask(String name, int type, IpAddress asker) {
        CompletableFuture<byte[]> reply = new CompletableFuture<>();
        byte[] query = DnsMessage.query(name, type).message();
        service.query(query, DnsService.Transport.UDP, asker, first -> {
            // as a stub does: many servers are reached by UDP only, and few answers do not fit (RFC 7766 §5)
            if (DnsMessage.isTruncated(first)) {
                service.query(query, DnsService.Transport.TCP, asker, reply::complete);
            } else {
                reply.complete(first);
            }
        });
        return reply;
    }
}
