package dev.sluice.net;

/**
 * Everything that peers or users could make grow, with its bound.
 *
 * @param connections TCP connections at a time, handshakes included; {@code connect} above it fails, a SYN above it is dropped
 * @param connectionBuffer largest TCP buffer of one connection in one direction, a power of two within 64 KiB–64 MiB
 * @param bufferBytes TCP buffers of all connections together; data above it is left unacknowledged and comes again
 * @param queueBytes bytes that wait between a connection's user and the loop, each way, on top of its buffers; at least 4096
 * @param timeWait remembered closed connections; the oldest is forgotten
 * @param udpSockets UDP sockets at a time; {@code bind} above it fails
 * @param udpQueueBytes received payload that waits in one UDP socket, its overhead counted; datagrams above it are dropped
 * @param neighbours hardware addresses remembered, of each family; the one unused longest is forgotten
 * @param bytesPerNeighbour bytes of frames that wait for one hardware address; the oldest is dropped
 * @param pings echo requests under way; a {@code ping()} above it fails
 * @param reassemblyDatagrams incomplete datagrams at a time; the oldest is dropped
 * @param reassemblyBytes memory for incomplete datagrams; the oldest is dropped
 */
public record NetLimits(
        int connections,
        int connectionBuffer,
        long bufferBytes,
        int queueBytes,
        int timeWait,
        int udpSockets,
        int udpQueueBytes,
        int neighbours,
        int bytesPerNeighbour,
        int pings,
        int reassemblyDatagrams,
        long reassemblyBytes) {

    /** 16,384 connections of up to 1 MiB each way, 256 MiB of buffers in all; 4,096 UDP sockets of 256 KiB; 256 neighbours; 256 pings. */
    public static NetLimits defaults() {
        return new NetLimits(
                16_384, 1 << 20, 256L << 20, 128 << 10, 4096, 4096, 256 << 10, 256, 128 << 10, 256, 64, 1 << 20);
    }

    /**
     * The same with other bounds for connections.
     *
     * @param connectionBuffer bytes, a power of two within 64 KiB–64 MiB
     * @param queueBytes at least 4096
     */
    public NetLimits withConnections(int connections, int connectionBuffer, int queueBytes) {
        return new NetLimits(
                connections,
                connectionBuffer,
                bufferBytes,
                queueBytes,
                timeWait,
                udpSockets,
                udpQueueBytes,
                neighbours,
                bytesPerNeighbour,
                pings,
                reassemblyDatagrams,
                reassemblyBytes);
    }
}
