/**
 * The name server on the gateway's port 53: names of this network and of the host's hosts file answered here, everything else passed
 * to the resolvers of the host.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A message comes in from a guest by {@link dev.sluice.gateway.dns.DnsUdpService} (on the loop, copied out of the frame) or by
 * {@link dev.sluice.gateway.dns.DnsTcpSession} (length-prefixed over a stream, RFC 7766) and is given to
 * {@link dev.sluice.gateway.dns.DnsService#query}. That reads header, question and OPT on the caller's thread (a few microseconds, no
 * input throws). {@code Resolver} decides: it asks one source after the other (what the program around the network knows,
 * {@link dev.sluice.gateway.dns.KnownNames}; built-in names, the hosts file, records, guests' names, zones held here), and the first that has something to say wins; else it routes the question to the servers of its zone, the configured
 * ones, or those of the host, and what those of the host do not know to its search domains and its name service switch. The same code
 * explains a lookup ({@link dev.sluice.gateway.dns.DnsService#explain}): it leaves a {@code Trail} then.
 *
 * <p><b>Three speeds.</b> A question whose answer is kept ({@code AnswerCache}) is answered in place: read once, looked up and written
 * without allocation, and sent on the same turn of the loop. Over UDP most others never leave the loop either: where settings and hosts file
 * need no look at the disk (once a second one query pays for that), names known here are answered at once, and
 * {@link dev.sluice.gateway.dns.DirectTries} sends the question to the first server and its reply back. Only a try that ends otherwise
 * (silence, refusal, SERVFAIL, an unusual address), several servers at a time, TCP, TLS and aliases take a virtual thread, where blocking is
 * free; there everything is as if the first server had failed. A thread, a socket and four wake-ups less were half of the latency.
 *
 * <p><b>Shared lookups.</b> Equal questions under way at the same time share one ({@code Flights}); each asker gets its own id and letter case.
 *
 * <p><b>What is known for how long.</b> The cache is emptied by whatever may make it wrong: a record, zone or server added or removed,
 * another resolv.conf or hosts file. An answer that was asked for before that is not kept after it. Why a table of our own and not a library's
 * stands in {@code AnswerCache}.
 *
 * <p><b>What stays untouched.</b> The forwarder does not decode: it changes the 16-bit id and passes the bytes, both ways, so every
 * type, flag, rcode, TTL and option survives, including those not invented yet. A reply is changed only when it is larger than the guest can
 * take over UDP: then header, question and OPT remain, with TC set (RFC 2181 §9, RFC 6891 §7), and the guest comes back over TCP.
 *
 * <p><b>Against forged replies</b> (RFC 5452): every try of a thread has its own connected socket, so the kernel picks an unpredictable port and
 * filters on the server's address; tries of the loop share a port, few of them and for a second, and check the address themselves; the
 * id is from a secure generator; and id and question, letter case included, must match. What
 * does not match is counted and the wait goes on.
 *
 * <p><b>When a server fails.</b> Tries follow resolv.conf: timeout, attempts, rotate. Within a try the datagram is sent again each second, as it may have
 * been lost. A server that refuses or stays silent is asked
 * last for some seconds, so only the first lookup waits for it. SERVFAIL, NOTIMP and REFUSED make the next server's turn, as in libc;
 * if none has better, the guest sees the first such reply. If nobody answers, the guest gets SERVFAIL, never silence. In a race all are asked
 * at the same time, and the best answer of the lowest order is taken; who has failed is waited for again once it has answered.
 *
 * <p><b>systemd-resolved</b> is a server like others where it has a stub. Where it has none, {@code ResolvedNames} asks it over varlink and makes
 * DNS of what it says; such lookups take a virtual thread each.
 *
 * <p><b>Names</b> are compared without case (RFC 4343), the question goes back byte for byte as it came (so 0x20 randomisation
 * works). A name that exists without the asked type gives NOERROR and no records, which is not NXDOMAIN (RFC 2308 §2). Nothing under
 * {@code sluice.internal}, and no reverse name of the guest network, is ever forwarded; nor is ANY (RFC 8482).
 *
 * <p><b>Bounds</b>: queries under way (all, and half of that for one guest), TCP sessions (all, and per guest), queries and bytes in
 * flight per session, message sizes. Each has a counter in {@link dev.sluice.gateway.dns.DnsCounters} and a stated behaviour.
 *
 * <p><b>Why an own reader.</b> Four fields of the header, one question and the walk to the OPT record are all that is needed; a DNS
 * library decodes every record, costs tens of milliseconds at the first lookup of a fresh process, and its strictness would decide what
 * guests may ask. It serves as the oracle of the tests. The accessors of {@code wire} stay out as well: they run per packet on native memory
 * only, and byte arrays would spoil what the compiler knows about them.
 *
 * <p>RFC 1035 §4 (messages), 2181, 2308 (negative answers), 3596 (AAAA, ip6.arpa), 5452, 6761 (localhost), 6891 (EDNS), 7766 (TCP),
 * 9267 (hostile compression).
 */
@NullMarked
package dev.sluice.gateway.dns;

import org.jspecify.annotations.NullMarked;
