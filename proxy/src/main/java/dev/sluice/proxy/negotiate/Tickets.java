package dev.sluice.proxy.negotiate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.security.auth.Subject;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.Configuration;
import javax.security.auth.login.LoginContext;
import javax.security.auth.login.LoginException;
import org.ietf.jgss.GSSContext;
import org.ietf.jgss.GSSCredential;
import org.ietf.jgss.GSSException;
import org.ietf.jgss.GSSManager;
import org.ietf.jgss.GSSName;
import org.ietf.jgss.Oid;
import org.jspecify.annotations.Nullable;

/** Tokens of the JDK's Kerberos. Any thread; blocks. */
final class Tickets implements Negotiate.Tokens {
    /** Under way at a time; one more waits. */
    static final int AT_A_TIME = 8;

    private static final long SECONDS = 10;
    private static final String CONFIGURATION = "java.security.krb5.conf";
    private static final String SPNEGO = "1.3.6.1.5.5.2";
    private static @Nullable Tickets only;

    private final Semaphore places = new Semaphore(AT_A_TIME);
    private @Nullable TicketFile file;
    private @Nullable Subject user;

    private Tickets() {}

    /** The only one there is, as Kerberos is configured for the whole process; where {@code KRB5_CONFIG} says so, if it does. */
    static synchronized Tickets of(Map<String, String> environment) {
        Tickets known = only;
        if (known == null) {
            String said = environment.getOrDefault("KRB5_CONFIG", "");
            if (!said.isEmpty() && System.getProperty(CONFIGURATION) == null && Files.isReadable(Path.of(said))) {
                System.setProperty(CONFIGURATION, said);
            }
            known = new Tickets();
            only = known;
        }
        return known;
    }

    @Override
    public Negotiate.Talk begin(TicketFile tickets, String host) {
        GSSContext[] context = new GSSContext[1];
        return heard -> within(() -> {
            Subject who = user(tickets);
            return Subject.callAs(who, () -> {
                if (context[0] == null) {
                    context[0] = context(host);
                }
                byte[] said = context[0].initSecContext(heard, 0, heard.length);
                return said == null ? new byte[0] : said;
            });
        });
    }

    private static GSSContext context(String host) throws GSSException {
        GSSManager manager = GSSManager.getInstance();
        GSSName service = manager.createName("HTTP@" + host, GSSName.NT_HOSTBASED_SERVICE);
        return manager.createContext(service, new Oid(SPNEGO), (GSSCredential) null, GSSContext.DEFAULT_LIFETIME);
    }

    /** Who the tickets in this file are for; kept until it is another file. */
    private synchronized Subject user(TicketFile tickets) throws LoginException {
        Subject known = user;
        if (known == null || !tickets.equals(file)) {
            LoginContext login = new LoginContext("sluice", null, null, new Configuration() {
                @Override
                public AppConfigurationEntry[] getAppConfigurationEntry(String name) {
                    return new AppConfigurationEntry[] {
                        new AppConfigurationEntry(
                                "com.sun.security.auth.module.Krb5LoginModule",
                                AppConfigurationEntry.LoginModuleControlFlag.REQUIRED,
                                Map.of(
                                        "useTicketCache",
                                        "true",
                                        "doNotPrompt",
                                        "true",
                                        "ticketCache",
                                        tickets.path().toString()))
                    };
                }
            });
            login.login();
            known = login.getSubject();
            user = known;
            file = tickets;
        }
        return known;
    }

    private interface Step {
        byte[] take() throws Exception;
    }

    private byte[] within(Step step) throws IOException {
        try {
            if (!places.tryAcquire(SECONDS, TimeUnit.SECONDS)) {
                throw new TimeoutException();
            }
            FutureTask<byte[]> task = new FutureTask<>(() -> {
                try {
                    return step.take();
                } finally {
                    places.release();
                }
            });
            Thread.ofVirtual().name("kerberos").start(task);
            return task.get(SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (TimeoutException e) {
            throw new IOException("the key distribution centre has not answered within " + SECONDS + " seconds", e);
        } catch (ExecutionException e) {
            throw new IOException(reason(e.getCause()), e);
        }
    }

    private static String reason(@Nullable Throwable cause) {
        Throwable at = cause;
        while (at instanceof CompletionException && at.getCause() != null) {
            at = at.getCause();
        }
        String why = at == null ? "" : String.valueOf(at.getMessage());
        return switch (at) {
            case LoginException _ -> "there is no good ticket (" + why + "): run kinit";
            case GSSException gss
            when gss.getMajor() == GSSException.NO_CRED || gss.getMajor() == GSSException.CREDENTIALS_EXPIRED ->
                "there is no good ticket (" + why + "): run kinit";
            case GSSException _ -> "no ticket for it is to be had: " + why;
            case null, default -> "no token could be made: " + why;
        };
    }
}
