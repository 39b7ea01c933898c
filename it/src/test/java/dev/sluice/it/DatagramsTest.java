package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Lab;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bursts of UDP between a program in a namespace and a server behind a router: every datagram arrives as it was sent. */
class DatagramsTest {
    private static final int PORT = 7010;

    /** Takes the number of datagrams from the first byte of each, and sends all back at once when it has them. */
    private static final String SERVER = """
            import socket
            tcp = socket.create_server(('', %d))
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            udp.bind(('', %d))
            bursts = {}
            while True:
                data, peer = udp.recvfrom(65536)
                burst = bursts.setdefault((peer, data[:2]), [])
                burst.append(data)
                if len(burst) == (data[0] if data else 1):
                    for each in burst:
                        udp.sendto(each, peer)
                    del bursts[(peer, data[:2])]
            """.formatted(PORT, PORT);

    /** Datagrams may get lost, so each burst is tried some times; what arrives must be right. */
    private static final String CLIENT = """
            import os, socket, sys
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            udp.connect(('%s', %d))
            serial = 0
            def attempt(size, last, count, together):
                global serial
                serial = (serial + 1) %% 256
                mark = bytes([count, serial])
                burst = [mark + os.urandom(size - 2) for _ in range(count - 1)] + [mark + os.urandom(last - 2)]
                if together:
                    udp.setsockopt(17, 103, size)
                    udp.send(b''.join(burst))
                    udp.setsockopt(17, 103, 0)
                else:
                    for each in burst:
                        udp.send(each)
                back = []
                try:
                    while len(back) < count:
                        data = udp.recv(65536)
                        if data[:2] == mark:
                            back.append(data)
                except TimeoutError:
                    assert all(data in burst for data in back), (size, 'something else came back')
                    return False
                assert back == burst, (size, last, count, 'not the same in the same order')
                return True
            def burst(*what):
                for tries in range(10): # each with more patience, for the machine may be busy with something else
                    udp.settimeout(1 + 2 * tries)
                    if attempt(*what): return
                raise AssertionError((what, 'lost ten times'))
            for size in (2, 3, 64, 1000, 1400, 1472, 1473, 3000, 9000):
                burst(size, size, 20, False)
                burst(size, max(2, size // 2), 20, False)
                if size <= 1400:
                    burst(size, size, 40, True)
                    burst(size, 2, 40, True)
            burst(65507, 65507, 1, False)
            burst(65507, 30000, 2, False)
            for tries in range(10):
                udp.settimeout(1 + 2 * tries)
                udp.send(b'')
                try:
                    while udp.recv(65536) != b'': pass # what came too late of a burst
                    break
                except TimeoutError:
                    pass
            else:
                raise AssertionError('the empty datagram got lost ten times')
            print('all came back')
            """.formatted(Lab.SERVER, PORT);

    @RegisterExtension
    static final Lab lab = Lab.needing("python3");

    @BeforeAll
    static void startServers() {
        lab.server(PORT, "python3", "-c", SERVER);
    }

    @ParameterizedTest
    @ValueSource(ints = {1500, 65520})
    void burstsOfAnySizeComeBackAsTheyWere(int mtu) {
        assertThat(lab.sluice("run", "--mtu", "" + mtu, "--", "python3", "-c", CLIENT)
                        .output())
                .isEqualTo("all came back\n");
    }
}
