package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class StatusTextTest {
    @Test
    void whatIsThereIsShownAndZeroesAreNot() {
        assertThat(StatusText.of("""
                        {"version": "0.1.0", "pid": 42, "uptimeSeconds": 7300,
                         "addresses": {"subnet": "192.168.65.0/24", "gateway": "192.168.65.1", "host": "192.168.65.2",
                          "mtu": 1500, "hostLoopback": false},
                         "links": [{"name": "qemu:/x#1", "framesFromGuest": 3, "bytesFromGuest": 1500, "framesToGuest": 2,
                          "bytesToGuest": 90, "dropped": 1}],
                         "guests": [{"address": "192.168.65.3", "mac": "02:00:00:00:00:01", "link": "qemu:/x#1",
                          "idleSeconds": 5}],
                         "leases": [{"address": "192.168.65.3", "mac": "02:00:00:00:00:01", "hostName": "a\\u001bb",
                          "expiresInSeconds": 86400}],
                         "shares": [{"link": "qemu:/x#1", "mac": "02:00:00:00:00:01", "buffers": 2000000,
                          "buffersRefused": 3, "evicted": 1},
                          {"link": "qemu:/x#1", "mac": null, "buffers": 0, "buffersRefused": 2, "evicted": 0},
                          {"link": "qemu:/x#2", "mac": "02:00:00:00:00:02", "buffers": 0, "buffersRefused": 0, "evicted": 0}],
                         "tcp": {"open": 1, "halfOpen": 0, "bytesToHost": 2500000},
                         "drops": {"bad-ipv4": 3}, "memory": {"resident": 60000000, "buffers": 0, "heapCollections": 2}}
                        """)).isEqualTo("""
                        sluice 0.1.0, process 42, up 2 h
                        network  192.168.65.0/24, gateway and DNS 192.168.65.1, host 192.168.65.2 (closed), MTU 1500
                        links    qemu:/x#1  in 3 frames, 1.5 kB; out 2 frames, 90 B; dropped 1
                        guests   192.168.65.3  02:00:00:00:00:01  on qemu:/x#1, heard 5 s ago
                        leases   192.168.65.3  02:00:00:00:00:01  a?b, for 24 h
                        shares   02:00:00:00:00:01  on qemu:/x#1, holds 2.0 MB of buffers, refused 3 times, 1 connections evicted
                                 others  on qemu:/x#1, holds 0 B of buffers, refused 2 times, 0 connections evicted
                        TCP      open 1, bytes to host 2.5 MB
                        drops    bad-ipv4 3
                        memory   60.0 MB resident, 0 B of it flow buffers, heap collected 2 times
                        """);
    }

    @Test
    void anAnswerThatIsNoStatusIsExplained() {
        assertThatThrownBy(() -> StatusText.of("<html>"))
                .isInstanceOf(Failure.class)
                .hasMessageContaining("understood");
    }
}
