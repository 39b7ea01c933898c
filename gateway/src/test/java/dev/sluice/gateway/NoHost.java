package dev.sluice.gateway;

import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamListener;
import dev.sluice.host.StreamSocket;
import dev.sluice.host.VsockAddress;
import dev.sluice.wire.IpAddress;
import org.jspecify.annotations.Nullable;

/** A host of which nothing is to be had but what a test adds. */
public class NoHost implements StreamHost {
    @Override
    public StreamSocket connect(IpAddress address, int port, int timeToLive, StreamSocket.Events events) {
        throw new UnsupportedOperationException();
    }

    @Override
    public StreamSocket connect(String path, StreamSocket.Events events) {
        throw new UnsupportedOperationException();
    }

    @Override
    public StreamSocket connect(VsockAddress address, StreamSocket.Events events) {
        throw new UnsupportedOperationException();
    }

    @Override
    public StreamListener listen(VsockAddress address, StreamListener.Acceptor acceptor) {
        throw new UnsupportedOperationException();
    }

    @Override
    public StreamListener listen(@Nullable IpAddress address, int port, StreamListener.Acceptor acceptor) {
        throw new UnsupportedOperationException();
    }

    @Override
    public StreamListener listen(String path, StreamListener.Acceptor acceptor) {
        throw new UnsupportedOperationException();
    }
}
