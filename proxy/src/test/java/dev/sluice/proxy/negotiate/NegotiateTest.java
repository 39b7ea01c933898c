package dev.sluice.proxy.negotiate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.proxy.ProxyAuthenticator;
import dev.sluice.gateway.proxy.Upstream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is answered to challenges; the tokens are none. With real ones: {@code NegotiateTest} in module it. */
class NegotiateTest {
    private static final Upstream UPSTREAM = new Upstream(Upstream.Kind.HTTP, "proxy.test", 3128, Optional.empty());

    @TempDir
    private Path folder;

    private final List<String> begun = new ArrayList<>();

    private ProxyAuthenticator.Exchange exchange(Map<String, String> environment) {
        return new Negotiate(environment, () -> folder.resolve("usual"), () -> (tickets, host) -> {
                    begun.add(host + " " + tickets.path().getFileName());
                    return heard -> ("token after " + heard.length).getBytes();
                })
                .begin(UPSTREAM);
    }

    private Map<String, String> ticket() throws IOException {
        return Map.of("KRB5CCNAME", "FILE:" + Files.writeString(folder.resolve("mine"), "ticket"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            Negotiate                          | Negotiate dG9rZW4gYWZ0ZXIgMA==
            negotiate                          | Negotiate dG9rZW4gYWZ0ZXIgMA==
            Basic realm="a", Negotiate         | Negotiate dG9rZW4gYWZ0ZXIgMA==
            Negotiate, Basic realm="a"         | Negotiate dG9rZW4gYWZ0ZXIgMA==
            Negotiate YWJj                     | Negotiate dG9rZW4gYWZ0ZXIgMA==
            Basic realm="Negotiate"            |
            NTLM                               |
            ''                                 |
            """)
    void onlyNegotiateIsAnswered(String challenge, String answer) throws IOException {
        assertThat(exchange(ticket()).answer(List.of(challenge))).isEqualTo(Optional.ofNullable(answer));
        assertThat(begun).isEqualTo(answer == null ? List.of() : List.of("proxy.test mine"));
    }

    @Test
    void whatTheUpstreamSaysGoesIntoTheNextToken_andOneThatAsksAnewIsNotContent() throws IOException {
        ProxyAuthenticator.Exchange exchange = exchange(ticket());
        exchange.answer(List.of("Negotiate"));
        assertThat(exchange.answer(List.of("Negotiate YWJj"))).contains("Negotiate dG9rZW4gYWZ0ZXIgMw==");
        assertThatThrownBy(() -> exchange.answer(List.of("Negotiate"))).hasMessageContaining("does not accept");
        assertThat(begun).hasSize(1);
    }

    @Test
    void withoutATicketNothingIsLoadedAndTheReasonIsTold_unlessThereIsAnotherScheme() throws IOException {
        ProxyAuthenticator.Exchange exchange = exchange(Map.of());
        assertThatThrownBy(() -> exchange.answer(List.of("Negotiate")))
                .hasMessageContainingAll("it wants a Kerberos ticket", "usual", "run kinit");
        assertThat(exchange.answer(List.of("Negotiate", "Basic realm=\"a\""))).isEmpty();
        assertThatThrownBy(() -> exchange(Map.of("KRB5CCNAME", "KEYRING:x")).answer(List.of("Negotiate")))
                .hasMessageContainingAll("KEYRING:", "kinit -c FILE:");
        assertThat(begun).isEmpty();
        Files.writeString(folder.resolve("usual"), "ticket");
        assertThat(exchange.answer(List.of("Negotiate"))).isPresent();
        assertThat(begun).containsExactly("proxy.test usual");
    }
}
