package dev.sluice.cli.network;

import dev.sluice.control.ControlBackend;
import dev.sluice.control.ProxyDoor;
import dev.sluice.control.SettingsDoor;
import dev.sluice.gateway.Captures;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.GatewayStatus;
import dev.sluice.gateway.dns.DnsDirectory;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.explain.Explained;
import dev.sluice.gateway.explain.Explainer;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the control API shows of a network, and what it steers. */
final class ControlView implements ControlBackend {
    private final Gateway gateway;
    private final PublishedPorts ports;
    private final ControlDoors doors;

    ControlView(Gateway gateway, PublishedPorts ports, ControlDoors doors) {
        this.gateway = gateway;
        this.ports = ports;
        this.doors = doors;
    }

    @Override
    public GatewayStatus status() throws IOException {
        return gateway.status().withHeapCollections(HeapWatch.collections());
    }

    @Override
    public List<FlowInfo> flows() throws IOException {
        return gateway.flows().list();
    }

    @Override
    public Optional<FlowInfo> flow(long id) throws IOException {
        return gateway.flows().find(id);
    }

    @Override
    public Optional<FlowInfo> cutFlow(long id) throws IOException {
        return gateway.flows().cut(id);
    }

    @Override
    public DnsDirectory dns() {
        return gateway.dns().directory();
    }

    @Override
    public Events events() {
        return gateway.events();
    }

    @Override
    public Captures captures() {
        return gateway.captures();
    }

    @Override
    public Map<String, Object> settings() {
        return doors.started();
    }

    @Override
    public Explained explain(String target, @Nullable IpAddress guest) {
        return new Explainer(
                        gateway.plan(),
                        gateway.dns()::explain,
                        gateway::decide,
                        () -> gateway.proxy().policy(),
                        port -> gateway.proxy().transparentPorts().contains(port))
                .explain(target, guest == null ? gateway.plan().firstGuest() : guest);
    }

    @Override
    public ProxyDoor proxy() {
        return doors.proxy();
    }

    @Override
    public SettingsDoor settingsDoor() throws IOException {
        SettingsDoor door = doors.settingsDoor();
        return door == null ? ControlBackend.super.settingsDoor() : door;
    }

    @Override
    public List<GatewayForward> gatewayForwards() throws IOException {
        return gateway.gatewayForwards();
    }

    @Override
    public void addGatewayForwards(List<GatewayForward> forwards) throws IOException {
        List<GatewayForward> made = new ArrayList<>();
        try {
            for (GatewayForward forward : forwards) {
                if (gateway.forward(forward)) {
                    made.add(forward);
                }
            }
        } catch (IOException e) {
            for (GatewayForward forward : made) {
                gateway.unforward(forward);
            }
            throw e;
        }
    }

    @Override
    public boolean removeGatewayForward(GatewayForward forward) throws IOException {
        return gateway.unforward(forward);
    }

    @Override
    public List<ForwardInfo> forwards() throws IOException {
        return gateway.ports().list();
    }

    @Override
    public List<ForwardInfo> addForwards(List<ForwardSpec> specs) throws IOException {
        return ports.publishChecked(specs);
    }

    @Override
    public List<ForwardInfo> removeForwards(List<ForwardSpec.Listen> places, boolean cut) throws IOException {
        return gateway.ports().remove(places, cut);
    }
}
