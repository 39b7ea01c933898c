/**
 * Who the host's user is, said with the ticket that the user has already.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@link dev.sluice.proxy.negotiate.Negotiate} answers upstreams that ask for {@code Negotiate} (RFC 4559: SPNEGO over HTTP) with a token for
 * the service {@code HTTP@host} of the upstream. Nothing of JGSS or Kerberos is loaded before the first such upstream has asked and there is a
 * file with tickets. Nobody is ever asked for a password: who has no ticket is told how to get one.
 *
 * <p><b>Where the ticket is.</b> {@link dev.sluice.proxy.negotiate.TicketFile}: what {@code KRB5CCNAME} names, else {@code /tmp/krb5cc_UID}. The JDK
 * reads files only, so caches of other kinds ({@code KCM:}, {@code KEYRING:}) are named in the failure.
 *
 * <p><b>Tokens</b> ({@code Tickets}) are made by the JDK's own Kerberos, on a thread of their own, because its talk with a key distribution centre
 * may take minutes where that is silent; after ten seconds nobody waits for it any more, and at most {@code Tickets.AT_A_TIME} are under way.
 * Who was logged in is kept until the file of tickets is another one, and with it the tickets for upstreams, so that the centre is asked
 * once for each upstream and not for each request. A token is used once: upstreams remember them.
 */
@NullMarked
package dev.sluice.proxy.negotiate;

import org.jspecify.annotations.NullMarked;
