package dev.sluice.gateway.flow;

import dev.sluice.link.Link;
import dev.sluice.stack.share.Share;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who shares: each link is one party, as nobody but the host can make links, and a link's part is divided among the machines behind it by
 * hardware address, as those of containers bridged in a guest. So addresses of any kind that a guest makes up get it nothing of what other
 * links have. Behind one link they do: {@value #MACHINES} hardware addresses at most have a share of their own, all others there have one
 * together. A machine keeps its share until the link is gone or another machine needs the place while it holds nothing. Confined to the loop.
 */
public final class Shares {
    /** Machines behind one link that have a share of their own. */
    public static final int MACHINES = 16;

    private static final class OfLink {
        final GuestShares shares;
        final List<GuestShares> machines = new ArrayList<>(1);
        /** Of the machines beyond {@value #MACHINES}. */
        @Nullable
        GuestShares others;

        OfLink(GuestShares all) {
            this.shares = new GuestShares(all, 0);
        }

        GuestShares of(long mac) {
            int idle = -1;
            for (int i = 0; i < machines.size(); i++) {
                GuestShares machine = machines.get(i);
                if (machine.mac() == mac) {
                    return machine;
                }
                if (machine.isIdle()) {
                    idle = i;
                }
            }
            if (idle >= 0 || machines.size() < MACHINES) {
                if (idle >= 0) {
                    machines.remove(idle).end();
                }
                GuestShares made = new GuestShares(shares, mac);
                machines.add(made);
                return made;
            }
            GuestShares together = others;
            if (together == null) {
                together = new GuestShares(shares, 0);
                others = together;
            }
            return together;
        }
    }

    private final Limits limits;
    private final GuestShares all;
    private final Map<Link, OfLink> links = new IdentityHashMap<>();

    /** With buffers of their own, for who has no use for them. */
    public Shares(Limits limits) {
        this(limits, Share.of(limits.bufferBytes()));
    }

    /** @param buffers the whole of the pool that {@link Limits#bufferBytes} bounds */
    public Shares(Limits limits, Share buffers) {
        this.limits = limits;
        this.all = new GuestShares(limits, buffers);
    }

    public Limits limits() {
        return limits;
    }

    /** The wholes. */
    public GuestShares all() {
        return all;
    }

    /** Those of the machine that now has a guest's address. For new flows: what is held is given back where it was taken. */
    public GuestShares of(Guest guest) {
        OfLink link = links.get(guest.link);
        if (link == null) {
            link = new OfLink(all);
            links.put(guest.link, link);
        }
        return link.of(guest.mac);
    }

    /** The link is gone, and the flows of its guests have ended. */
    public void linkClosed(Link link) {
        OfLink gone = links.remove(link);
        if (gone != null) {
            gone.shares.end();
        }
    }

    /** Those of the machines that are known behind a link. */
    public List<GuestShares> of(Link link) {
        OfLink known = links.get(link);
        if (known == null) {
            return List.of();
        }
        List<GuestShares> machines = new ArrayList<>(known.machines);
        if (known.others != null) {
            machines.add(known.others);
        }
        return machines;
    }
}
