package dev.sluice.cli.face.vpnkit;

import dev.sluice.control.HttpHandler;
import dev.sluice.control.HttpServer;
import dev.sluice.host.LinuxStreamHost;
import dev.sluice.host.StreamListener;
import dev.sluice.host.StreamService;
import dev.sluice.host.VsockAddress;
import dev.sluice.loop.EventLoop;
import dev.sluice.loop.LateLogger;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/** The sockets for people and programs, on the network's loop; all close together. */
final class Doors implements AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.vpnkit");
    /** Clients of one kind of socket at a time. */
    private static final int MAX_CLIENTS = 64;

    private final EventLoop loop;
    private final LinuxStreamHost host;
    /** On the loop's thread. */
    private final List<StreamListener> listeners = new ArrayList<>();

    private final List<StreamService> services = new ArrayList<>();
    private @Nullable HttpServer http;

    Doors(EventLoop loop) {
        this.loop = loop;
        this.host = new LinuxStreamHost(loop);
    }

    /** Opens sockets of one kind. As VPNKit does, what can't be opened is said, and the rest goes on. */
    void open(String flag, List<String> urls, StreamService.Handler handler) {
        if (urls.isEmpty()) {
            return;
        }
        StreamService service = new StreamService(loop, flag, MAX_CLIENTS, handler);
        for (String url : urls) {
            try {
                Endpoint endpoint = Endpoint.parse(url);
                onLoop(() -> {
                    if (!services.contains(service)) {
                        services.add(service);
                    }
                    listeners.add(
                            switch (endpoint) {
                                case Endpoint.Path(String path) -> host.listen(path, service);
                                case Endpoint.Vsock(VsockAddress address) -> host.listen(address, service);
                                case Endpoint.Hyperkit hyperkit -> throw new IllegalStateException(hyperkit.toString());
                                case Endpoint.Inherited(int number) -> host.inherit(number, service);
                            });
                    return true;
                });
            } catch (IOException | IllegalArgumentException e) {
                LOG.log(System.Logger.Level.ERROR, "--{0} {1}: {2}", flag, url, e.getMessage());
            }
        }
    }

    /** As {@link #open} for an API over HTTP. */
    void openHttp(String path, HttpHandler handler) {
        if (!path.isEmpty()) {
            try {
                http = HttpServer.onSocket(Path.of(path), handler);
            } catch (IOException e) {
                LOG.log(System.Logger.Level.ERROR, "--control-listen {0}: {1}", path, e.getMessage());
            }
        }
    }

    private void onLoop(Callable<Boolean> task) throws IOException {
        FutureTask<Boolean> future = new FutureTask<>(task);
        loop.execute(future);
        try {
            future.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    @Override
    public void close() {
        if (http != null) {
            http.close();
        }
        try {
            onLoop(() -> {
                listeners.forEach(StreamListener::close);
                services.forEach(StreamService::close);
                return true;
            });
        } catch (IOException | RejectedExecutionException e) {
            LOG.log(System.Logger.Level.DEBUG, "the control sockets could not be closed", e);
        }
    }
}
