package dev.sluice.proxy.pac;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PacScriptTest {
    /** Saturday. */
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 11, 21, 22, 30, 15);

    private static final PacHost HOST = new PacHost() {
        @Override
        public List<InetAddress> addresses(String name) {
            return switch (name) {
                case "intern.test" -> List.of(address("fd00::7"), address("10.1.2.3"));
                case "six.test" -> List.of(address("fd00::8"));
                default ->
                    Character.isDigit(name.charAt(0)) || name.indexOf(':') >= 0 ? List.of(address(name)) : List.of();
            };
        }

        @Override
        public List<InetAddress> own() {
            return List.of(address("10.9.8.7"), address("fd00::9"));
        }

        @Override
        public ZonedDateTime now(ZoneId zone) {
            return NOW.atZone(zone);
        }
    };

    private static InetAddress address(String text) {
        try {
            return InetAddress.getByName(text);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static PacScript compile(String source) throws PacException {
        return compile(source, 30_000);
    }

    private static PacScript compile(String source, int millis) throws PacException {
        return PacScript.compile("test.pac", source, HOST, new PacLimits(millis, 64 << 20, 32));
    }

    private static String eval(String expression) throws PacException {
        return compile("function FindProxyForURL(url, host) { return String(" + expression + "); }")
                .ask("http://www.example.com/", "www.example.com")
                .text();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            isPlainHostName("www")                                     | true
            isPlainHostName("www.example.com")                         | false
            isPlainHostName("fd00::7")                                 | false
            dnsDomainIs("www.example.com", ".example.com")             | true
            dnsDomainIs("WWW.Example.com", ".example.COM")             | true
            dnsDomainIs("www", ".example.com")                         | false
            localHostOrDomainIs("www.example.com", "www.example.com")  | true
            localHostOrDomainIs("www", "www.example.com")              | true
            localHostOrDomainIs("www.other.com", "www.example.com")    | false
            localHostOrDomainIs("home.example.com", "www.example.com") | false
            dnsDomainLevels("www")                                     | 0
            dnsDomainLevels("www.example.com")                         | 2
            isResolvable("intern.test")                                | true
            isResolvable("nowhere.test")                               | false
            isResolvable("six.test")                                   | false
            isResolvableEx("six.test")                                 | true
            dnsResolve("intern.test")                                  | 10.1.2.3
            dnsResolve("nowhere.test")                                 | null
            dnsResolveEx("intern.test")                                | fd00:0:0:0:0:0:0:7;10.1.2.3
            myIpAddress()                                              | 10.9.8.7
            myIpAddressEx()                                            | 10.9.8.7;fd00:0:0:0:0:0:0:9
            isInNet("intern.test", "10.0.0.0", "255.0.0.0")            | true
            isInNet("10.1.2.3", "10.1.2.0", "255.255.255.0")           | true
            isInNet("11.1.2.3", "10.0.0.0", "255.0.0.0")               | false
            isInNet("nowhere.test", "10.0.0.0", "255.0.0.0")           | false
            isInNet("10.1.2.3", "rubbish", "255.0.0.0")                | false
            isInNetEx("six.test", "fd00::/8")                          | true
            isInNetEx("10.1.2.3", "10.0.0.0/8")                        | true
            isInNetEx("10.1.2.3", "nonsense")                          | false
            convert_addr("104.16.41.2")                                | 1745889538
            convert_addr("255.255.255.255")                            | 4294967295
            shExpMatch("http://a.test/x/ari.html", "*/ari.html")       | true
            shExpMatch("http://a.test/x/ari.html", "*/b/*")            | false
            shExpMatch("abc", "a?c")                                   | true
            shExpMatch("a.c", "a.c")                                   | true
            shExpMatch("abc", "a.c")                                   | false
            shExpMatch("", "*")                                        | true
            shExpMatch("aaa", "*a*a*a*")                               | true
            shExpMatch("a*c", "a**c")                                  | true
            sortIpAddressList("10.0.0.1;fd00::1")                      | fd00::1;10.0.0.1
            sortIpAddressList("x")                                     | false
            weekdayRange("SAT")                                        | true
            weekdayRange("MON", "FRI")                                 | false
            weekdayRange("FRI", "MON")                                 | true
            weekdayRange("SAT", "GMT")                                 | true
            weekdayRange("NEVER")                                      | false
            dateRange(21)                                              | true
            dateRange(1, 15)                                           | false
            dateRange("NOV")                                           | true
            dateRange("OCT", "DEC")                                    | true
            dateRange("DEC", "FEB")                                    | false
            dateRange(2026)                                            | true
            dateRange(2025, 2026)                                      | true
            dateRange(21, "NOV")                                       | true
            dateRange(1, "NOV", 20, "NOV")                             | false
            dateRange("NOV", 2026, "JAN", 2027)                        | true
            dateRange(21, "NOV", 2026)                                 | true
            dateRange(1, "JAN", 2026, 31, "DEC", 2026, "GMT")          | true
            dateRange(99)                                              | false
            timeRange(22)                                              | true
            timeRange(8, 18)                                           | false
            timeRange(22, 6)                                           | true
            timeRange(22, 0, 22, 45)                                   | true
            timeRange(22, 30, 15, 22, 30, 16)                          | true
            timeRange(0, 0, 0, 1, 0, 0, "GMT")                         | false
            typeof alert("x")                                          | object
            typeof java                                                | undefined
            typeof Packages                                            | undefined
            typeof JavaImporter                                        | undefined
            typeof "x".repeat                                          | undefined
            typeof XMLHttpRequest                                      | undefined
            [1, 2].includes(2)                                         | true
            "abc".startsWith("ab")                                     | true
            """)
    void functionsOfScripts(String expression, String result) throws PacException {
        assertThat(eval(expression)).isEqualTo(result);
    }

    @Test
    void aScriptIsToldUrlAndHost_andTheLineOfItsReturnIsKnown() throws PacException {
        PacScript script = compile("""
                // a comment
                var corp = ".corp.test";
                function via(port) {
                    return "PROXY proxy.test:" + port;
                }
                function FindProxyForURL(url, host) {
                    if (dnsDomainIs(host, corp))
                        return "DIRECT";
                    if (url.substring(0, 6) == "https:") {
                        return via(3129);
                    }
                    return via(3128);
                }
                """);
        assertThat(script.ask("http://a.corp.test/", "a.corp.test")).isEqualTo(new PacScript.Answer("DIRECT", 8));
        assertThat(script.ask("https://x.test/", "x.test"))
                .isEqualTo(new PacScript.Answer("PROXY proxy.test:3129", 10));
        assertThat(script.ask("http://x.test/", "x.test")).isEqualTo(new PacScript.Answer("PROXY proxy.test:3128", 12));
    }

    @Test
    void oneQuestionLeavesNothingForTheNext() throws PacException {
        PacScript script = compile("""
                var count = 0;
                function FindProxyForURL(url, host) {
                    var found = ("x".left || "-") + " " + ({}.left || "-");
                    count++; String.prototype.left = 1; Object.prototype.left = 1; this.more = (this.more || 0) + 1;
                    return count + " " + more + " " + found;
                }
                """);
        assertThat(script.ask("u", "h").text()).isEqualTo("1 1 - -");
        assertThat(script.ask("u", "h").text()).isEqualTo("1 1 - -");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            function FindProxyForURL(url, host) {                           | line 1:
            var x = ;                                                       | line 1: syntax error
            throw new Error("broken by purpose")                            | broken by purpose
            undefinedFunction();                                            | "undefinedFunction" is not defined
            var FindProxyForURL = 5;                                        | has no function FindProxyForURL
            // nothing                                                      | has no function FindProxyForURL
            """)
    void aBrokenScriptIsRefusedBeforeAnybodyAsks_withLineAndReason(String source, String message) {
        assertThatThrownBy(() -> compile(source))
                .isInstanceOf(PacException.class)
                .hasMessageContaining("test.pac")
                .hasMessageContaining(message.strip());
    }

    @Test
    void whatFailsForOneQuestionSaysItsLine() throws PacException {
        PacScript script = compile("function FindProxyForURL(url, host) {\n  return host.nothing.more;\n}");
        assertThatThrownBy(() -> script.ask("u", "h")).hasMessageContaining("test.pac line 2");
        PacScript number = compile("function FindProxyForURL(url, host) {\n  return 5;\n}");
        assertThatThrownBy(() -> number.ask("u", "h")).hasMessageContaining("line 2: FindProxyForURL returned no text");
    }

    /** Each of them would go on, or take all memory, if it were let. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "while (true) {}",
                "for (;;) { try { while (true) {} } catch (e) { continue; } finally { continue; } }",
                "var s = 'x'; while (true) s += s + 'y'.length;",
                "var a = []; while (true) a.push([1, 2, 3, 4, 5, 6, 7, 8]);",
                "function f() { f(); f(); } f();",
                "function f(n) { return [1].map(function () { return f(n + 1); }); } f(0);",
                "new Array(60000000).join('xxxxxxxxxx');",
                "/(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab');",
                "while (true) dnsResolve('x.test');",
                "var p = '*'; for (var i = 0; i < 9; i++) p += p; var t = 'a'; for (var i = 0; i < 18; i++) t += t;"
                        + " while (true) shExpMatch(t, p + 'b');",
                "eval('while (true) {}');",
                "new Function('while (true) {}')();",
                "var o = {}; o.toString = function () { while (true) {} }; dnsResolve(o);",
                "(function* () { while (true) yield 1; })().next(); var g = (function* () { while (true) yield 1; })();"
                        + " for (var x of g) {}",
            })
    void aScriptThatNeverEndsIsStopped(String body) throws PacException {
        PacScript script = compile("function FindProxyForURL(url, host) { " + body + " return 'DIRECT'; }", 1_000);
        long began = System.nanoTime();
        assertThatThrownBy(() -> script.ask("u", "h")).isInstanceOf(PacException.class);
        assertThat(System.nanoTime() - began).isLessThan(60_000_000_000L);
    }

    /** Where names of the world are not known inside a company's network, its server may well be silent about them. */
    @Test
    void aNameThatNobodyFindsInTimeHasNoAddressAndTheScriptGoesOn() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        PacHost slow = PacHost.with(name -> {
            try {
                end.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return List.of(address("10.0.0.1"));
        });
        try {
            PacScript script = PacScript.compile(
                    "test.pac",
                    "function FindProxyForURL(url, host) {"
                            + " return isInNet(host, '10.0.0.0', '255.0.0.0') ? 'DIRECT' : 'PROXY p.test:1'; }",
                    slow,
                    new PacLimits(8_000, 64 << 20, 32));
            for (int i = 0; i < 2; i++) {
                assertThat(script.ask("http://slow.test/", "slow.test").text()).isEqualTo("PROXY p.test:1");
            }
        } finally {
            end.countDown();
        }
    }

    @Test
    void questionsMayBeAskedAtTheSameTime() throws Exception {
        PacScript script = compile(
                "var seen; function FindProxyForURL(url, host) { seen = host; for (var i = 0; i < 20000; i++) {}"
                        + " return 'PROXY ' + seen + ':1'; }");
        Thread[] threads = new Thread[16];
        String[] answers = new String[threads.length];
        for (int i = 0; i < threads.length; i++) {
            int number = i;
            threads[i] = Thread.ofVirtual().start(() -> {
                try {
                    answers[number] = script.ask("u", "h" + number).text();
                } catch (PacException e) {
                    answers[number] = e.getMessage();
                }
            });
        }
        for (int i = 0; i < threads.length; i++) {
            threads[i].join();
            assertThat(answers[i]).isEqualTo("PROXY h" + i + ":1");
        }
    }

    /** As a library call of the script's that does not come back: nothing can stop it, so nobody may wait for it. */
    private static final class Stuck implements PacHost, AutoCloseable {
        final CountDownLatch end = new CountDownLatch(1);

        /** Those of other tests are counted, too. */
        Stuck() throws InterruptedException {
            awaitNone();
        }

        @Override
        public List<InetAddress> addresses(String name) {
            return List.of();
        }

        @Override
        public List<InetAddress> own() {
            boolean interrupted = false;
            while (end.getCount() > 0) {
                try {
                    end.await();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            return List.of();
        }

        @Override
        public ZonedDateTime now(ZoneId zone) {
            return NOW.atZone(zone);
        }

        PacScript script(int millis) throws PacException {
            return PacScript.compile(
                    "stuck.pac",
                    "function FindProxyForURL(url, host) {"
                            + " if (host == 'stuck.test') myIpAddress(); return 'DIRECT'; }",
                    this,
                    new PacLimits(millis, 64 << 20, 32));
        }

        @Override
        public void close() throws InterruptedException {
            end.countDown();
            awaitNone();
        }

        private static void awaitNone() throws InterruptedException {
            for (int i = 0; PacScript.stuck() > 0; i++) {
                assertThat(i).as("stuck threads that have not ended").isLessThan(6_000);
                Thread.sleep(10);
            }
        }
    }

    @Test
    void aScriptThatIsStuckIsGivenUp_andRefusedAtOnce_untilItComesBack() throws Exception {
        PacScript script;
        try (Stuck stuck = new Stuck()) {
            script = stuck.script(3_000); // it is asked something that it can answer, too
            assertThatThrownBy(() -> script.ask("u", "stuck.test"))
                    .isInstanceOfSatisfying(
                            PacException.class, e -> assertThat(e.late()).isTrue())
                    .hasMessageContaining("stuck.pac was given up");
            assertThat(PacScript.stuck()).isEqualTo(1);
            assertThatThrownBy(() -> script.ask("u", "fine.test")).hasMessageContaining("not run any more");
            assertThat(PacScript.stuck()).isEqualTo(1);
            assertThat(stuck.script(30_000).ask("u", "fine.test").text())
                    .as("another script")
                    .isEqualTo("DIRECT");
        }
        assertThat(script.ask("u", "fine.test").text()).isEqualTo("DIRECT");
    }

    @Test
    void soManyStuckThreadsAndNoMore() throws Exception {
        try (Stuck stuck = new Stuck()) {
            PacScript fine = stuck.script(30_000);
            for (int i = 0; i < PacScript.MAX_STUCK; i++) {
                PacScript script = stuck.script(1_000);
                assertThatThrownBy(() -> script.ask("u", "stuck.test")).hasMessageContaining("was given up");
            }
            assertThatThrownBy(() -> fine.ask("u", "stuck.test"))
                    .hasMessageContaining("4 questions to scripts were given up");
            assertThat(PacScript.stuck()).isEqualTo(PacScript.MAX_STUCK);
        }
        assertThat(eval("1 + 1")).isEqualTo("2");
    }
}
