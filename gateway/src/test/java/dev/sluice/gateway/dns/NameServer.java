package dev.sluice.gateway.dns;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.BindException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** A name server on loopback, UDP and TCP on one port, that does to each query what its script says. */
final class NameServer implements AutoCloseable {
    /** A query as it came; {@code port} is the asker's. */
    record Query(byte[] message, boolean tcp, int port) {
        private boolean isRepeated(Query other) {
            return !other.tcp && port == other.port && Arrays.equals(message, other.message);
        }
    }

    interface Replier {
        void send(byte[] reply) throws IOException;
    }

    @FunctionalInterface
    interface Script {
        /** On a thread of its own; whatever it does not send is lost. */
        void onQuery(Query query, Replier replier) throws IOException, InterruptedException;
    }

    static final Script SILENT = (_, _) -> {};

    private final DatagramSocket udp;
    private final ServerSocket tcp;
    private final List<Query> queries = new CopyOnWriteArrayList<>();
    private final AtomicInteger repeats = new AtomicInteger();
    private final List<Socket> clients = new CopyOnWriteArrayList<>();
    private final AtomicBoolean refuseTcp = new AtomicBoolean();
    private final List<Thread> listeners;
    private volatile Script script;

    private NameServer(DatagramSocket udp, ServerSocket tcp, Script script) {
        this.udp = udp;
        this.tcp = tcp;
        this.script = script;
        this.listeners = List.of(
                Thread.ofVirtual().start(this::serveUdp), Thread.ofVirtual().start(this::serveTcp));
    }

    static NameServer start(Script script) {
        return start("127.0.0.1", 0, script);
    }

    static NameServer start(String address, int port, Script script) {
        InetAddress local = InetAddress.ofLiteral(address);
        while (true) {
            try {
                ServerSocket tcp = new ServerSocket(port, 50, local);
                try {
                    return new NameServer(new DatagramSocket(tcp.getLocalPort(), local), tcp, script);
                } catch (BindException e) {
                    tcp.close(); // the port is free for TCP only: take another
                    if (port != 0) {
                        throw e;
                    }
                }
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    InetSocketAddress address() {
        return new InetSocketAddress(udp.getLocalAddress(), udp.getLocalPort());
    }

    /** Without those that were sent again because no answer had come: on a slow machine that may be any. */
    List<Query> queries() {
        return queries;
    }

    /** Datagrams that were sent again. */
    int repeats() {
        return repeats.get();
    }

    void script(Script next) {
        script = next;
    }

    /** Closes TCP connections as soon as they are made. */
    void refuseTcp() {
        refuseTcp.set(true);
    }

    private void serveUdp() {
        try {
            while (true) {
                DatagramPacket packet = new DatagramPacket(new byte[65535], 65535);
                udp.receive(packet);
                byte[] message = Arrays.copyOf(packet.getData(), packet.getLength());
                perform(
                        new Query(message, false, packet.getPort()),
                        reply -> udp.send(new DatagramPacket(reply, reply.length, packet.getSocketAddress())));
            }
        } catch (IOException _) {
            // Closed.
        }
    }

    private void serveTcp() {
        try {
            while (true) {
                Socket client = tcp.accept();
                if (refuseTcp.get()) {
                    client.close();
                    continue;
                }
                clients.add(client);
                Thread.ofVirtual().start(() -> serveTcp(client));
            }
        } catch (IOException _) {
            // Closed.
        }
    }

    private void serveTcp(Socket client) {
        try (client) {
            DataInputStream in = new DataInputStream(client.getInputStream());
            DataOutputStream out = new DataOutputStream(client.getOutputStream());
            while (true) {
                byte[] message = new byte[in.readUnsignedShort()];
                in.readFully(message);
                perform(new Query(message, true, client.getPort()), reply -> {
                    synchronized (out) {
                        out.writeShort(reply.length);
                        out.write(reply);
                    }
                });
            }
        } catch (IOException _) {
            // The client has what it wanted.
        }
    }

    private void perform(Query query, Replier replier) {
        if (!query.tcp() && queries.stream().anyMatch(query::isRepeated)) {
            repeats.incrementAndGet();
        } else {
            queries.add(query);
        }
        Script now = script;
        Thread.ofVirtual().start(() -> {
            try {
                now.onQuery(query, replier);
            } catch (IOException _) {
                // The asker is gone.
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Override
    public void close() {
        udp.close();
        try {
            tcp.close();
            for (Socket client : clients) {
                client.close();
            }
            // A socket that a virtual thread waits at is closed by that thread, which may accept once more before it
            // does.
            for (Thread listener : listeners) {
                listener.join();
            }
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
