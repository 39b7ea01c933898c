package dev.sluice.proxy.negotiate;

import dev.sluice.gateway.proxy.ProxyAuthenticator;
import dev.sluice.gateway.proxy.Upstream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Answers upstreams that ask for {@code Negotiate} with the user's ticket; see the package. Any thread. */
public final class Negotiate implements ProxyAuthenticator {
    private static final String SCHEME = "negotiate";

    /** Makes tokens; asked for when the first is needed. */
    interface Tokens {
        Talk begin(TicketFile tickets, String host);
    }

    /** What is said to one upstream on one connection. */
    interface Talk {
        /**
         * The next token; blocks.
         *
         * @param heard from the upstream; empty at first
         * @throws IOException saying why there is none
         */
        byte[] next(byte[] heard) throws IOException;
    }

    private final Map<String, String> environment;
    private final Supplier<Path> usual;
    private final Supplier<Tokens> tokens;

    /** @param environment of this process */
    public Negotiate(Map<String, String> environment) {
        // lambdas, not method references: those would load the classes with this one
        this(environment, () -> TicketFile.usual(), () -> Tickets.of(environment));
    }

    Negotiate(Map<String, String> environment, Supplier<Path> usual, Supplier<Tokens> tokens) {
        this.environment = environment;
        this.usual = usual;
        this.tokens = tokens;
    }

    @Override
    public Exchange begin(Upstream upstream) {
        return new Conversation(upstream.host());
    }

    private final class Conversation implements Exchange {
        private final String host;
        private @Nullable Talk talk;

        Conversation(String host) {
            this.host = host;
        }

        @Override
        public Optional<String> answer(List<String> challenges) throws IOException {
            Challenges said = Challenges.of(challenges);
            byte[] heard = said.token(SCHEME);
            if (heard == null) {
                return Optional.empty();
            }
            Talk known = talk;
            if (known != null && heard.length == 0) {
                throw new IOException("it does not accept the ticket of the host's user");
            }
            try {
                if (known == null) {
                    known = tokens.get().begin(TicketFile.find(environment, usual.get()), host);
                    talk = known;
                    heard = new byte[0]; // remembered ones of another connection mean nothing
                }
                return Optional.of("Negotiate " + Base64.getEncoder().encodeToString(known.next(heard)));
            } catch (IOException e) {
                if (said.hasOther(SCHEME)) {
                    return Optional.empty(); // the guest may know what to say in another way
                }
                throw new IOException("it wants a Kerberos ticket (Negotiate), and " + e.getMessage(), e);
            }
        }
    }

    /** What {@code Proxy-Authenticate} says (RFC 9110 §11.3). */
    record Challenges(List<String> fields) {
        static Challenges of(List<String> fields) {
            return new Challenges(fields);
        }

        /** What stands behind the scheme, decoded: nothing if nothing does; null if the scheme is not there. */
        byte @Nullable [] token(String scheme) {
            for (String field : fields) {
                for (String part : field.split(",")) {
                    String[] words = part.strip().split("\\s+", 2);
                    if (words[0].toLowerCase(Locale.ROOT).equals(scheme)) {
                        try {
                            return words.length == 1
                                    ? new byte[0]
                                    : Base64.getDecoder().decode(words[1].strip());
                        } catch (IllegalArgumentException e) {
                            return new byte[0];
                        }
                    }
                }
            }
            return null;
        }

        /** Whether any other scheme is there: a word with parameters behind it, or alone. */
        boolean hasOther(String scheme) {
            for (String field : fields) {
                for (String part : field.split(",")) {
                    String word = part.strip().split("\\s+", 2)[0].toLowerCase(Locale.ROOT);
                    if (!word.isEmpty() && word.indexOf('=') < 0 && !word.equals(scheme)) {
                        return true;
                    }
                }
            }
            return false;
        }
    }
}
