package dev.sluice.stack.ndp;

/** Whether one neighbour is there, and where (RFC 4861 §7.3); see the package. Each event tells what to send, if anything. */
public final class Reachability {
    /** RFC 4861 §7.3.2, and {@code FAILED}. */
    public enum State {
        INCOMPLETE,
        REACHABLE,
        STALE,
        DELAY,
        PROBE,
        /** Final. */
        FAILED
    }

    /** What the owner has to do. */
    public enum Action {
        NONE,
        /** Ask everybody who has the address. */
        ASK_ALL,
        /** Ask the neighbour itself, at {@link Reachability#linkAddress}. */
        ASK_IT,
        /** Nobody has answered: drop what waits, tell who waits, forget the neighbour. */
        GIVE_UP
    }

    /**
     * How long and how often; times in nanoseconds.
     *
     * @param reachable how long a neighbour is believed to be there after it was heard from
     * @param delay how long a stale one may be used before it is asked
     * @param retry between questions
     * @param tries questions until it has failed
     * @param direct how many of them go to a known one itself before everybody is asked
     */
    public record Timing(long reachable, long delay, long retry, int tries, int direct) {
        private static final long SECOND = 1_000_000_000L;

        /** RFC 4861 §10: REACHABLE_TIME, DELAY_FIRST_PROBE_TIME, RETRANS_TIMER, MAX_UNICAST_SOLICIT. */
        public static final Timing NDP = new Timing(30 * SECOND, 5 * SECOND, SECOND, 3, 3);
        /** RFC 1122 §2.3.2.1. */
        public static final Timing ARP = new Timing(60 * SECOND, 0, SECOND, 3, 1);

        /** The same with another time of belief, as a router advertises. */
        public Timing withReachable(long nanos) {
            return new Timing(nanos, delay, retry, tries, direct);
        }
    }

    private Timing timing;
    private State state = State.INCOMPLETE;
    /** 48 bits; 0 while unknown. */
    private long linkAddress;
    /** Another hardware address that claims to be it, while the one known is asked; 0 for none. */
    private long challenger;

    private long confirmed;
    /** When {@link #onTimer} is due; {@code Long.MAX_VALUE} for never. */
    private long deadline = Long.MAX_VALUE;

    private int tries;

    private Reachability(Timing timing) {
        this.timing = timing;
    }

    /** One of which only the address is known. */
    public static Reachability unknown(Timing timing) {
        return new Reachability(timing);
    }

    /** One that has shown itself, without having been asked. */
    public static Reachability heard(Timing timing, long linkAddress) {
        Reachability r = new Reachability(timing);
        r.linkAddress = linkAddress;
        r.state = State.STALE;
        return r;
    }

    /** A group or broadcast address, which is never asked for. */
    public static Reachability fixed(long linkAddress) {
        Reachability r = new Reachability(new Timing(Long.MAX_VALUE, 0, 0, 0, 0));
        r.linkAddress = linkAddress;
        r.state = State.REACHABLE;
        return r;
    }

    public State state() {
        return state;
    }

    /** 48 bits; 0 while it is not known. */
    public long linkAddress() {
        return linkAddress;
    }

    public long deadline() {
        return deadline;
    }

    public void timing(Timing timing) {
        this.timing = timing;
    }

    // ---- events

    /** A packet is to go to it. */
    public Action onUse(long now) {
        return switch (state) {
            case REACHABLE -> {
                if (now - confirmed <= timing.reachable) {
                    yield Action.NONE;
                }
                state = State.STALE;
                yield onUse(now);
            }
            case STALE -> {
                if (timing.delay == 0) {
                    yield probe(now);
                }
                state = State.DELAY;
                deadline = now + timing.delay;
                yield Action.NONE;
            }
            case INCOMPLETE -> tries == 0 ? ask(now) : Action.NONE;
            case DELAY, PROBE, FAILED -> Action.NONE;
        };
    }

    /** {@link #deadline} has come. */
    public Action onTimer(long now) {
        if (now - deadline < 0) {
            return Action.NONE;
        }
        return switch (state) {
            case DELAY -> probe(now);
            case INCOMPLETE, PROBE -> {
                if (challenger != 0) {
                    confirm(challenger, now); // the one known had its chance
                    yield Action.NONE;
                }
                if (tries < timing.tries) {
                    yield ask(now);
                }
                state = State.FAILED;
                linkAddress = 0;
                deadline = Long.MAX_VALUE;
                yield Action.GIVE_UP;
            }
            case REACHABLE, STALE, FAILED -> {
                deadline = Long.MAX_VALUE;
                yield Action.NONE;
            }
        };
    }

    /** Asks a neighbour of which one knows where it was whether it is still there. */
    public Action probe(long now) {
        state = State.PROBE;
        tries = 0;
        return ask(now);
    }

    private Action ask(long now) {
        tries++;
        deadline = now + timing.retry;
        return state == State.PROBE && tries <= timing.direct ? Action.ASK_IT : Action.ASK_ALL;
    }

    /**
     * A neighbour advertisement (RFC 4861 §7.2.5).
     *
     * @param address its link-layer address option; 0 if there is none
     */
    public void onAdvertisement(long address, boolean solicited, boolean override, long now) {
        switch (state) {
            case FAILED -> {}
            case INCOMPLETE -> {
                if (address != 0) {
                    settle(address, solicited, now);
                }
            }
            case REACHABLE, STALE, DELAY, PROBE -> {
                boolean differs = address != 0 && address != linkAddress;
                if (differs && !override) {
                    if (state == State.REACHABLE) {
                        stale();
                    }
                } else if (differs) {
                    settle(address, solicited, now);
                } else if (solicited) {
                    confirm(linkAddress, now);
                }
            }
        }
    }

    private void settle(long address, boolean solicited, long now) {
        confirm(address, now);
        if (!solicited) {
            stale();
        }
    }

    /** It has sent a solicitation, or an advertisement as a router, with its link-layer address (§7.2.3, §6.3.4). */
    public void onSolicitation(long address) {
        if (state != State.FAILED && address != linkAddress) {
            linkAddress = address;
            stale();
        }
    }

    /**
     * An ARP message says that it is at {@code address}. If that contradicts what is known and not long ago confirmed, the one known is
     * asked first, so that one forged message diverts nothing.
     */
    public Action onClaim(long address, long now) {
        boolean held = state == State.REACHABLE || challenger != 0;
        if (state == State.FAILED) {
            return Action.NONE;
        }
        if (linkAddress == 0 || linkAddress == address || !held) {
            confirm(address, now);
            return Action.NONE;
        }
        boolean first = challenger == 0;
        challenger = address;
        return first ? probe(now) : Action.NONE;
    }

    /** Something shows that packets to it arrive (§7.3.1): the answer to one, or a solicited advertisement. */
    public void confirm(long address, long now) {
        linkAddress = address;
        challenger = 0;
        state = State.REACHABLE;
        confirmed = now;
        tries = 0;
        deadline = Long.MAX_VALUE;
    }

    private void stale() {
        state = State.STALE;
        challenger = 0;
        tries = 0;
        deadline = Long.MAX_VALUE;
    }

    @Override
    public String toString() {
        return state + (linkAddress == 0 ? "" : " at " + Long.toHexString(linkAddress));
    }
}
