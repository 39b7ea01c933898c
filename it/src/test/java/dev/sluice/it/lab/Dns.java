package dev.sluice.it.lab;

/** The lab's name server: dnsmasq with one record of every kind that tests ask for. */
public final class Dns {
    private Dns() {}

    /** Starts it on the lab's Internet. */
    public static Program start(Lab lab) {
        // longer than a datagram without EDNS may be
        StringBuilder parts = new StringBuilder();
        for (int i = 0; i < 12; i++) {
            parts.append(",").append("x".repeat(200)).append(i);
        }
        return lab.server(
                53,
                "dnsmasq",
                "--keep-in-foreground",
                "--no-resolv",
                "--no-hosts",
                "--conf-file=/dev/null",
                "--pid-file=",
                "--user=root",
                "--local=/example.test/",
                "--host-record=www.example.test," + Lab.SERVER + ",2001:db8::10",
                "--mx-host=example.test,mail.example.test,10",
                "--txt-record=example.test,v=spf1 -all",
                "--srv-host=_sip._tcp.example.test,www.example.test,5060,1,2",
                "--txt-record=long.example.test" + parts);
    }
}
