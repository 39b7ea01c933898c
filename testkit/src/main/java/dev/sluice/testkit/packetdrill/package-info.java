/**
 * Packetdrill scripts, run against our TCP in virtual time: no kernel, no device, no privileges, thousands a minute.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A script says what a program calls, which packets come from the network, and which must leave, each with its time. {@code Lexer}
 * and {@code Parser} (with {@code PacketParser} and {@code CallParser}) make a {@code Script} of it: events, each with a time and an
 * {@code Action}. What they do not understand becomes an action too, so that what comes before it is still run.
 *
 * <p>{@code Runner} goes through the events. Between two of them it lets time pass on the stack's clock, stopping at every timer. A packet
 * that comes is encoded and given to {@code Stack}; a system call goes to {@code Calls}; a packet that must leave is taken from what
 * the stack has sent, or waited for, and compared by {@code Matcher}. Blocking calls are tried again whenever anything has happened. As
 * in the original, packets are looked at only when the script asks for one, in the order in which they left, and what is left at the
 * end does not matter.
 *
 * <p>{@code Stack} owns {@link dev.sluice.stack.tcp.Tcb}s as {@code net.TcpEngine} does: it finds, opens and ends connections. It has no
 * IP layer: the version of IP only changes segment sizes, and TTL and traffic class are the values that the script has set on its
 * sockets. {@code Settings} turns what a script sets by sysctl into a {@link dev.sluice.stack.tcp.TcpProfile}.
 *
 * <p><b>Hostile scripts.</b> Nothing that a script says may keep the interpreter: {@code Budget} bounds its length, its real time and
 * what is looked at by patterns; a year is all its virtual time; brackets nest 64 deep. What is beyond is told with its line, and the
 * other scripts of a folder go on. Each script has a stack of its own, and shares nothing: {@code Main} runs many at a time.
 *
 * <p><b>Numbers.</b> Scripts count sequence numbers from 0 and cannot know our timestamps. {@code Flow} maps them to the wire and back, so
 * that every script can be run with any pair of initial sequence numbers.
 *
 * <p><b>Verdicts.</b> A script <em>passes</em> when all its events came true. It <em>fails</em> when our stack did something else, or when it
 * contradicts itself. It is <em>unsupported</em> when it reaches something that we lack; that is never counted as passed.
 *
 * <p>A run is confined to one thread. The language is that of the public packetdrill and of the fork that FreeBSD's test suite uses;
 * docs/packetdrill.md says what is understood.
 */
@NullMarked
package dev.sluice.testkit.packetdrill;

import org.jspecify.annotations.NullMarked;
