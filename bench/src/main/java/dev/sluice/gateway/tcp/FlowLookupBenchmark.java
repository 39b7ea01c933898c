package dev.sluice.gateway.tcp;

import dev.sluice.bench.parts.Part;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.host.LinuxStreamHost;
import dev.sluice.link.StreamLink;
import dev.sluice.loop.EventLoop;
import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.wire.IpHeader;
import java.io.IOException;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** A flow found by its four-tuple, each time another one: among ten thousand most of what is looked at is in no near cache. */
public class FlowLookupBenchmark extends Part {
    private static final int ORDER = 1 << 14;

    @Param({"1", "1000", "10000"})
    public int flows;

    @SuppressWarnings("NullAway.Init")
    private EventLoop loop;

    @SuppressWarnings("NullAway.Init")
    private FlowTable table;

    @SuppressWarnings("NullAway.Init")
    private Guest guest;

    private final int[] order = new int[ORDER];
    private int next;

    @Setup
    public void fill() throws IOException {
        loop = EventLoop.start("bench");
        guest = new Guest(0x0a000002, 1, new StreamLink(loop, -1, -1, "none", 1500, dev.sluice.link.Framing.BE32));
        AddressPlan plan = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
        TcpShard shard = new TcpShard(NativeMemory.ofArenas(), 64 << 20, new Random(1));
        Counters counters = new Counters();
        TcpFlows owner = new TcpFlows(
                loop,
                new LinuxStreamHost(loop),
                plan,
                new Shares(Limits.defaults(), shard.buffers().whole().share()),
                counters,
                new Events(counters, () -> 0),
                FlowPolicy.of(plan),
                (_, _, _, _, _, _, _, _, _) -> {},
                shard,
                7);
        table = owner.table;
        Random random = new Random(2);
        GuestFlows share = owner.share(guest);
        for (int i = 0; i < flows; i++) {
            table.add(new TcpFlow(
                    owner, guest, share, owner.profile(guest), port(i), IpHeader.MAPPED_HIGH, remote(i), 443));
        }
        for (int i = 0; i < ORDER; i++) {
            order[i] = random.nextInt(flows);
        }
    }

    private static int port(int i) {
        return 32_768 + i % 1000;
    }

    private static long remote(int i) {
        return IpHeader.mapped(0x0808_0808 + i / 1000);
    }

    @Benchmark
    public @Nullable Object find() {
        int i = order[next++ & ORDER - 1];
        return table.find(guest, port(i), IpHeader.MAPPED_HIGH, remote(i), 443);
    }

    @TearDown
    public void end() {
        loop.close();
    }
}
