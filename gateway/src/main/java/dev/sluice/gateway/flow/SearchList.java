package dev.sluice.gateway.flow;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * The domains that guests try for short names: the plan's, or where it has none those of the host as they are at the moment. What DHCP, DHCPv6
 * and router advertisements say of them comes from here. Asked on the loop, for messages that are seldom sent.
 */
public final class SearchList {
    /** More do not fit where they have to, and libc took no more for decades. */
    private static final int MAX_DOMAINS = 6;

    private static final int MAX_BYTES = 256;

    private final String domain;
    private final List<String> own;
    private final Supplier<List<String>> host;

    /** @param host the host's own search domains; must not block for long */
    public SearchList(AddressPlan plan, Supplier<List<String>> host) {
        this(plan.domain(), plan.searchDomains(), host);
    }

    private SearchList(String domain, List<String> own, Supplier<List<String>> host) {
        this.domain = domain;
        this.own = List.copyOf(own);
        this.host = host;
    }

    /** The same of another domain and other domains of the network's own. */
    public SearchList with(String domain, List<String> own) {
        return new SearchList(domain, own, host);
    }

    /** Those of the network's own; perhaps none. */
    public List<String> own() {
        return own;
    }

    /** Of a plan and nothing else. */
    public static SearchList of(AddressPlan plan) {
        return new SearchList(plan, List::of);
    }

    /** Without the guests' own domain. */
    public List<String> domains() {
        return own.isEmpty() ? usable(host.get()) : own;
    }

    /** What guests' names are under: the plan's domain, or else the first they try; empty for none. */
    public String domain() {
        if (!domain.isEmpty()) {
            return domain;
        }
        List<String> domains = own.isEmpty() ? domains() : List.of();
        return domains.isEmpty() ? "" : domains.getFirst();
    }

    /** The guests' own domain first, none twice. */
    public List<String> all() {
        List<String> all = new ArrayList<>();
        if (!domain.isEmpty()) {
            all.add(domain);
        }
        domains().stream().filter(one -> !all.contains(one)).forEach(all::add);
        return all;
    }

    /** A host's file may say what is no name, or too much. */
    private static List<String> usable(List<String> domains) {
        List<String> usable = new ArrayList<>();
        int bytes = 0;
        for (String domain : domains) {
            String name = domain.endsWith(".") ? domain.substring(0, domain.length() - 1) : domain;
            bytes += name.length() + 2;
            if (usable.size() == MAX_DOMAINS || bytes > MAX_BYTES) {
                break;
            }
            if (name.length() <= 253
                    && name.matches("[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*")) {
                usable.add(name);
            }
        }
        return usable;
    }
}
