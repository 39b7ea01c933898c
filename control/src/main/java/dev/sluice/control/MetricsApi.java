package dev.sluice.control;

import dev.sluice.gateway.GatewayStatus;
import dev.sluice.gateway.event.Events;
import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** {@code /v1/metrics}: the counters in the text format of Prometheus (version 0.0.4). A name once given stays what it is. */
final class MetricsApi {
    /** The doors of the API itself, which are counted too. */
    interface Doors {
        List<HttpServer> all();
    }

    private static final String TO_HOST = "direction=\"to-host\"";
    private static final String TO_GUEST = "direction=\"to-guest\"";

    private final ControlBackend backend;
    private final Doors doors;

    MetricsApi(ControlBackend backend, Doors doors) {
        this.backend = backend;
        this.doors = doors;
    }

    void addTo(Router router) {
        router.on("GET", "/v1/metrics", request -> {
            request.query().end();
            return HttpResponse.of(200, "text/plain; version=0.0.4; charset=utf-8", HttpResponse.utf8(metrics()));
        });
    }

    private String metrics() throws IOException {
        GatewayStatus status = backend.status();
        MetricsText out = new MetricsText();
        out.gauge("sluice_info", "Which sluice this is").value("version=\"" + status.version() + "\"", 1);
        out.gauge("sluice_uptime_seconds", "Time since the gateway began").value(status.uptimeSeconds());
        out.gauge("sluice_guests", "Neighbours known on the guest network")
                .value(status.guests().size());
        out.gauge("sluice_leases", "Addresses given by DHCP")
                .value(status.leases().size());
        out.gauge("sluice_forwards", "Published ports").value(backend.forwards().size());
        links(status, out);
        flows(status, out);
        counters("dns", "Name server", status.dns(), out);
        counters("proxy", "HTTP proxy", status.proxy(), out);
        shares(status, out);
        out.counter("sluice_drops_total", "Packets, flows and requests dropped or refused, by reason");
        status.drops().forEach((reason, count) -> out.value("reason=\"" + reason + "\"", count));
        own(status, out);
        return out.toString();
    }

    private static void links(GatewayStatus status, MetricsText out) {
        out.counter("sluice_link_frames_total", "Frames through a guest's link");
        for (GatewayStatus.LinkStatus link : status.links()) {
            out.value(label(link) + "," + TO_HOST, link.framesFromGuest());
            out.value(label(link) + "," + TO_GUEST, link.framesToGuest());
        }
        out.counter("sluice_link_bytes_total", "Bytes of frames through a guest's link");
        for (GatewayStatus.LinkStatus link : status.links()) {
            out.value(label(link) + "," + TO_HOST, link.bytesFromGuest());
            out.value(label(link) + "," + TO_GUEST, link.bytesToGuest());
        }
        out.counter("sluice_link_dropped_total", "Frames a guest's link could not deliver");
        for (GatewayStatus.LinkStatus link : status.links()) {
            out.value(label(link), link.dropped());
        }
    }

    private static String label(GatewayStatus.LinkStatus link) {
        return "link=\"" + MetricsText.escaped(link.name()) + "\"";
    }

    private static void shares(GatewayStatus status, MetricsText out) {
        out.gauge("sluice_guest_buffer_bytes", "Flow buffers that a machine holds");
        for (GatewayStatus.ShareStatus share : status.shares()) {
            out.value(label(share), share.buffers());
        }
        out.counter("sluice_guest_buffers_refused_total", "Buffers that a machine's flows asked for and did not get");
        for (GatewayStatus.ShareStatus share : status.shares()) {
            out.value(label(share), share.buffersRefused());
        }
        out.counter(
                "sluice_guest_evicted_total", "TCP connections of a machine ended for buffers that were others' due");
        for (GatewayStatus.ShareStatus share : status.shares()) {
            out.value(label(share), share.evicted());
        }
    }

    private static String label(GatewayStatus.ShareStatus share) {
        return "link=\"" + MetricsText.escaped(share.link()) + "\",mac=\""
                + (share.mac() == null ? "others" : share.mac()) + "\"";
    }

    private static void flows(GatewayStatus status, MetricsText out) {
        out.gauge("sluice_flows", "Conversations of guests now")
                .value("protocol=\"tcp\"", status.tcp().open())
                .value("protocol=\"udp\"", status.udp().open())
                .value("protocol=\"ping\"", status.ping().open());
        out.gauge("sluice_tcp_half_open", "TCP flows whose host connection is pending")
                .value(status.tcp().halfOpen());
        out.counter("sluice_flows_opened_total", "Conversations that were opened")
                .value("protocol=\"tcp\"", status.tcp().opened())
                .value("protocol=\"udp\"", status.udp().opened());
        out.counter("sluice_tcp_closed_total", "TCP flows that have ended")
                .value(status.tcp().closed());
        out.counter("sluice_tcp_refused_total", "TCP connections the host or the policy refused")
                .value(status.tcp().refused());
        out.counter("sluice_tcp_bytes_total", "Payload of TCP flows")
                .value(TO_HOST, status.tcp().bytesToHost())
                .value(TO_GUEST, status.tcp().bytesToGuest());
        out.counter("sluice_tcp_segments_retransmitted_total", "TCP segments sent to guests again")
                .value(status.tcp().segmentsRetransmitted());
        out.counter(
                        "sluice_tcp_resets_with_loss_total",
                        "Connections of the host's that were reset before the other side had all that was said to it")
                .value(status.tcp().resetsWithLoss());
        out.counter("sluice_udp_datagrams_total", "UDP datagrams of guests")
                .value(TO_HOST, status.udp().datagramsToHost())
                .value(TO_GUEST, status.udp().datagramsToGuest());
        out.counter("sluice_ping_messages_total", "Echo messages of guests")
                .value(TO_HOST, status.ping().toHost())
                .value(TO_GUEST, status.ping().toGuest());
    }

    /**
     * Each counter of a service under its own name: {@code answeredLocally} of DNS is {@code sluice_dns_answered_locally_total}. What is
     * {@code active} goes up and down.
     */
    private static void counters(String service, String title, Record counters, MetricsText out) {
        StatusApi.numbers(counters).forEach((name, count) -> {
            String words = name.replaceAll("(?<=[a-z])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
            String text = title + ": " + words.replace('_', ' ');
            if (name.equals("active")) {
                out.gauge("sluice_" + service + "_" + words, text).value(count);
            } else {
                out.counter("sluice_" + service + "_" + words + "_total", text).value(count);
            }
        });
    }

    private void own(GatewayStatus status, MetricsText out) throws IOException {
        GatewayStatus.LoopStatus loop = status.loop();
        out.counter("sluice_loop_turns_total", "Turns of the data path's thread")
                .value(loop.turns());
        out.counter("sluice_loop_failures_total", "Faults inside that ended a callback")
                .value(loop.failures());
        out.counter("sluice_loop_stalls_total", "Turns of 20 ms or more, in which packets waited")
                .value(loop.stalls());
        out.gauge("sluice_loop_longest_stall_milliseconds", "The longest of them")
                .value(loop.longestStallMillis());
        GatewayStatus.Memory memory = status.memory();
        out.gauge("sluice_memory_bytes", "Memory of the process, by kind")
                .value("kind=\"flow-buffers\"", memory.buffers())
                .value("kind=\"heap-used\"", memory.heapUsed())
                .value("kind=\"heap-committed\"", memory.heapCommitted())
                .value("kind=\"resident\"", memory.resident());
        out.counter("sluice_buffers_refused_total", "Buffers that flows asked for and did not get")
                .value(memory.buffersRefused());
        out.gauge("sluice_forward_pipes", "Pipes of the kernel's that forwards hold for readers that do not keep up")
                .value(memory.pipes());
        out.counter(
                        "sluice_forward_pipes_refused_total",
                        "How often bytes of a forward were copied, as there was no pipe for them")
                .value(memory.pipesRefused());
        out.counter("sluice_heap_collections_total", "Collections of the Java heap because it had grown by half")
                .value(memory.heapCollections());
        long clients = 0;
        long cut = 0;
        long turnedAway = 0;
        for (HttpServer door : doors.all()) {
            clients += door.clients().size();
            cut += door.clients().cut();
            turnedAway += door.clients().turnedAway();
        }
        Events events = backend.events();
        out.gauge("sluice_api_clients", "Connections to the API now").value(clients);
        out.gauge("sluice_api_listeners", "Clients that listen to events now").value(events.size());
        out.counter("sluice_api_cut_total", "Clients of the API that were cut off, by reason")
                .value("reason=\"too-slow\"", cut)
                .value("reason=\"too-many\"", turnedAway)
                .value("reason=\"events-not-taken\"", events.cuts());
        out.gauge("sluice_limit", "Bounds of what can grow");
        StatusApi.numbers(status.limits()).forEach((name, limit) -> out.value("name=\"" + name + "\"", limit));
    }
}
