package dev.sluice.gateway.mux;

import dev.sluice.host.DatagramHost;
import dev.sluice.host.Joint;
import dev.sluice.host.Scratch;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Loop;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The side of a multiplexer that connects channels to what they ask for, on this host. A channel is accepted when its connection
 * stands, and closed if it fails. Confined to the loop.
 */
public final class Dialer {
    private final Loop loop;
    private final StreamHost streams;
    private final DatagramHost datagrams;
    private final Set<Joint> joints = new LinkedHashSet<>();
    private final Scratch scratch;

    public Dialer(Loop loop, StreamHost streams, DatagramHost datagrams) {
        this.loop = loop;
        this.scratch = new Scratch(loop);
        this.streams = streams;
        this.datagrams = datagrams;
    }

    /** As {@link Multiplexer.Owner#onOpen}. */
    public void onOpen(Channel channel) {
        switch (channel.target()) {
            case MuxTarget.Tcp(var address, int port) -> {
                Dialled dialled = new Dialled(channel);
                dialled.to(streams.connect(address, port, StreamHost.DEFAULT_TTL, dialled.events()));
            }
            case MuxTarget.Unix(String path) -> {
                Dialled dialled = new Dialled(channel);
                dialled.to(streams.connect(path, dialled.events()));
            }
            case MuxTarget.Udp(var address, int port) ->
                new DialledDatagrams(loop, datagrams, channel, address, port).open();
        }
    }

    /** Resets all that it has joined. */
    public void close() {
        List.copyOf(joints).forEach(Joint::reset);
        scratch.close();
    }

    private final class Dialled extends Joint {
        private final Channel channel;

        Dialled(Channel channel) {
            super(scratch);
            this.channel = channel;
            client.socket(channel);
            joints.add(this);
        }

        StreamSocket.Events events() {
            return service;
        }

        void to(StreamSocket socket) {
            service.socket(socket);
        }

        @Override
        protected void connected() {
            if (channel.isClosed() || channel.remoteClosed) {
                reset(); // nobody is there any more
                return;
            }
            channel.accept(client);
            join();
            client.onReadable(); // perhaps it has ended already
        }

        @Override
        protected void moved(int toService, int toClient) {}

        @Override
        protected void ended() {
            joints.remove(this);
        }
    }
}
