package dev.sluice.stack.dhcp6;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.Dhcpv6Message;
import dev.sluice.wire.Dhcpv6Reply;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.MacAddress;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** RFC 8415 §18.2 from the client's side, against servers that are the test, in virtual time. */
class Dhcpv6ClientTest {
    private static final long SECOND = 1_000_000_000L;
    private static final String DUID = "00030001020000000001";
    private static final String SERVER = "000300010200000000aa";
    private static final String OTHER = "000300010200000000bb";
    private static final Ipv6Address GIVEN = Ipv6Address.parse("2001:db8::77");
    private static final Ipv6Address SECOND_GIVEN = Ipv6Address.parse("2001:db8::78");
    private static final int IAID = 1;

    private record Sent(long at, Dhcpv6Message message, int elapsed) {
        int type() {
            return message.type();
        }
    }

    private final Dhcpv6Client client = new Dhcpv6Client(MacAddress.parse("02:00:00:00:00:01"), new Random(8415));
    private final List<Sent> sent = new ArrayList<>();
    /** Deadlines are those of any clock, one near its end, too. */
    private long now = 5 * SECOND;

    private void take(byte @Nullable [] bytes) {
        if (bytes == null) {
            return;
        }
        Dhcpv6Message message = Dhcpv6Message.parse(MemorySegment.ofArray(bytes), 0, bytes.length);
        assertThat(message).isNotNull();
        assertThat(message.client()).isEqualTo(DUID);
        sent.add(new Sent(now, message, elapsed(bytes)));
    }

    /** The Elapsed Time option, which every message must have (§21.9). */
    private static int elapsed(byte[] bytes) {
        for (int i = 4; i < bytes.length; ) {
            int size = (bytes[i + 2] & 0xff) << 8 | bytes[i + 3] & 0xff;
            if (bytes[i] == 0 && bytes[i + 1] == 8) {
                assertThat(size).isEqualTo(2);
                return (bytes[i + 4] & 0xff) << 8 | bytes[i + 5] & 0xff;
            }
            i += 4 + size;
        }
        throw new AssertionError("no elapsed time");
    }

    private void advance(long nanos) {
        long end = now + nanos;
        for (int steps = 0; client.deadline() <= end; steps++) {
            assertThat(steps).as("turns without end").isLessThan(100_000);
            now = Math.max(now, client.deadline());
            take(client.onTimer(now));
        }
        now = end;
    }

    private Sent last() {
        return sent.getLast();
    }

    private List<Integer> types() {
        return sent.stream().map(Sent::type).toList();
    }

    /** What a server says; each with a change of one thing. */
    private record Answer(
            int type,
            int transaction,
            String client,
            String server,
            boolean rapidCommit,
            int preference,
            int status,
            List<Dhcpv6Reply.Association> associations,
            Dhcpv6Reply.Settings settings) {
        Answer from(String id) {
            return new Answer(type, transaction, client, id, rapidCommit, preference, status, associations, settings);
        }

        Answer to(String id) {
            return new Answer(type, transaction, id, server, rapidCommit, preference, status, associations, settings);
        }

        Answer in(int other) {
            return new Answer(type, other, client, server, rapidCommit, preference, status, associations, settings);
        }

        Answer atOnce() {
            return new Answer(type, transaction, client, server, true, preference, status, associations, settings);
        }

        Answer preferring(int other) {
            return new Answer(type, transaction, client, server, rapidCommit, other, status, associations, settings);
        }

        Answer saying(int other) {
            return new Answer(
                    type, transaction, client, server, rapidCommit, preference, other, associations, settings);
        }

        Answer with(Dhcpv6Reply.Association... others) {
            return new Answer(
                    type, transaction, client, server, rapidCommit, preference, status, List.of(others), settings);
        }

        Answer with(Dhcpv6Reply.Settings other) {
            return new Answer(type, transaction, client, server, rapidCommit, preference, status, associations, other);
        }
    }

    private static Dhcpv6Reply.Association association(long t1, long t2, Dhcpv6Reply.Given... given) {
        return new Dhcpv6Reply.Association(IAID, t1, t2, List.of(given), Dhcpv6Message.SUCCESS);
    }

    private static Dhcpv6Reply.Association refusing(int status) {
        return new Dhcpv6Reply.Association(IAID, 0, 0, List.of(), status);
    }

    private static Dhcpv6Reply.Given given(Ipv6Address address, long preferred, long valid) {
        return new Dhcpv6Reply.Given(address, preferred, valid);
    }

    private Answer answer(int type) {
        return new Answer(
                type,
                last().message().transaction(),
                DUID,
                SERVER,
                false,
                0,
                Dhcpv6Message.SUCCESS,
                List.of(association(1000, 1600, given(GIVEN, 2000, 4000))),
                Dhcpv6Reply.Settings.NONE);
    }

    private void hear(Answer answer) {
        take(client.onMessage(
                new Dhcpv6Reply(
                        answer.type,
                        answer.transaction,
                        answer.client,
                        answer.server,
                        answer.rapidCommit,
                        answer.preference,
                        answer.status,
                        answer.associations,
                        answer.settings),
                now));
    }

    private List<String> held() {
        return client.addresses().stream().map(l -> l.address().toString()).toList();
    }

    private void solicit() {
        client.seekAddress(now);
        while (sent.isEmpty()) {
            advance(SECOND / 10);
        }
    }

    private void bind() {
        solicit();
        hear(answer(Dhcpv6Message.REPLY).atOnce());
        assertThat(held()).containsExactly(GIVEN.toString());
        sent.clear();
    }

    // ---- soliciting

    @Test
    void nothingIsSentBeforeItIsAskedFor() {
        assertThat(client.deadline()).isEqualTo(Long.MAX_VALUE);
        assertThat(client.stop()).isNull();
    }

    @Test
    void theFirstSolicitLeavesWithinASecondAndAsksForOneAddress() {
        client.seekAddress(now);
        assertThat(client.deadline() - now).isBetween(0L, SECOND);
        advance(SECOND);
        assertThat(types()).containsExactly(Dhcpv6Message.SOLICIT);
        assertThat(last().message().rapidCommit()).isTrue();
        assertThat(last().message().server()).isEmpty();
        assertThat(last().message().associations())
                .containsExactly(new Dhcpv6Message.Association(IAID, List.of(), Dhcpv6Message.SUCCESS));
        assertThat(last().elapsed()).isZero();
    }

    /** §15, §18.2.1: 1 s, never less the first time, then doubled up to an hour, each give or take a tenth. */
    @Test
    void withoutAnswerItIsRepeatedAtGrowingIntervals() {
        solicit();
        int transaction = last().message().transaction();
        advance(20_000 * SECOND);
        double expected = 1;
        for (int i = 1; i < sent.size(); i++) {
            double gap = (sent.get(i).at() - sent.get(i - 1).at()) / 1e9;
            if (i == 1) {
                assertThat(gap).isGreaterThan(1).isLessThanOrEqualTo(1.1);
            } else {
                assertThat(gap).isBetween(Math.min(1.9 * expected, 3240), Math.min(2.1 * expected, 3960));
            }
            expected = gap;
            assertThat(sent.get(i).message().transaction()).isEqualTo(transaction);
            long since = (sent.get(i).at() - sent.getFirst().at()) / (SECOND / 100);
            assertThat(sent.get(i).elapsed()).isEqualTo((int) Math.min(since, 0xffff));
        }
        assertThat(expected).isGreaterThan(3000);
    }

    @Test
    void aServerMayMakeTheLongestIntervalAnother() {
        solicit();
        hear(answer(Dhcpv6Message.ADVERTISE)
                .with(refusing(Dhcpv6Message.NO_ADDRESSES))
                .with(new Dhcpv6Reply.Settings(List.of(), List.of(), 0, 120, 0)));
        hear(answer(Dhcpv6Message.ADVERTISE)
                .with(refusing(Dhcpv6Message.NO_ADDRESSES))
                .with(new Dhcpv6Reply.Settings(List.of(), List.of(), 0, 59, 0))); // out of its range
        // from the next exchange on; this one has its times already
        bindAndExpire();
        sent.clear();
        advance(10_000 * SECOND);
        for (int i = 8; i < sent.size(); i++) {
            assertThat(sent.get(i).at() - sent.get(i - 1).at()).isBetween(107 * SECOND, 133 * SECOND);
        }
        assertThat(sent).hasSizeGreaterThan(60);
    }

    private void bindAndExpire() {
        hear(answer(Dhcpv6Message.REPLY).atOnce().with(association(0, 0, given(GIVEN, 20, 20))));
        advance(20 * SECOND);
        assertThat(held()).isEmpty();
    }

    @Test
    void ofSeveralServersTheMostPreferredIsRequestedAfterTheFirstTimeOut() {
        solicit();
        hear(answer(Dhcpv6Message.ADVERTISE).preferring(5));
        hear(answer(Dhcpv6Message.ADVERTISE)
                .from(OTHER)
                .preferring(9)
                .with(association(0, 0, given(SECOND_GIVEN, 10, 20))));
        hear(answer(Dhcpv6Message.ADVERTISE).preferring(9)); // not more than the one before
        assertThat(sent).hasSize(1);
        advance(1_100_000_000L);
        assertThat(types()).containsExactly(Dhcpv6Message.SOLICIT, Dhcpv6Message.REQUEST);
        assertThat(last().message().server()).isEqualTo(OTHER);
        assertThat(last().message().transaction())
                .isNotEqualTo(sent.getFirst().message().transaction());
        assertThat(last().message().associations().getFirst().addresses()).containsExactly(SECOND_GIVEN);
        hear(answer(Dhcpv6Message.REPLY).from(OTHER).with(association(0, 0, given(SECOND_GIVEN, 10, 20))));
        assertThat(held()).containsExactly(SECOND_GIVEN.toString());
    }

    @Test
    void theHighestPreferenceIsRequestedAtOnce() {
        solicit();
        hear(answer(Dhcpv6Message.ADVERTISE).preferring(255));
        assertThat(types()).containsExactly(Dhcpv6Message.SOLICIT, Dhcpv6Message.REQUEST);
    }

    @Test
    void afterTheFirstTimeOutAnyServerIsRequestedAtOnce() {
        solicit();
        advance(2 * SECOND);
        assertThat(types()).containsExactly(Dhcpv6Message.SOLICIT, Dhcpv6Message.SOLICIT);
        hear(answer(Dhcpv6Message.ADVERTISE));
        assertThat(last().type()).isEqualTo(Dhcpv6Message.REQUEST);
    }

    @Test
    void aReplyWithRapidCommitEndsItAndOneWithoutDoesNot() {
        solicit();
        hear(answer(Dhcpv6Message.REPLY));
        assertThat(held()).isEmpty();
        hear(answer(Dhcpv6Message.REPLY).atOnce());
        assertThat(held()).containsExactly(GIVEN.toString());
        assertThat(sent).hasSize(1);
    }

    @Test
    void whatIsForOthersOrMakesNoSenseIsIgnored() {
        client.seekAddress(now);
        hear0(); // before anything was asked
        solicit();
        int transaction = last().message().transaction();
        Answer good = answer(Dhcpv6Message.REPLY).atOnce();
        for (Answer bad : List.of(
                good.in(transaction ^ 1),
                good.to("00030001020000000002"),
                good.from(""),
                good.with(),
                good.with(new Dhcpv6Reply.Association(
                        IAID + 1, 0, 0, List.of(given(GIVEN, 1, 2)), Dhcpv6Message.SUCCESS)),
                good.with(association(5, 4, given(GIVEN, 10, 20))),
                good.with(association(0, 0, given(GIVEN, 21, 20))),
                good.with(association(0, 0, given(Ipv6Address.parse("ff02::1"), 10, 20))),
                good.with(association(0, 0, given(Ipv6Address.parse("fe80::1"), 10, 20))),
                good.with(association(0, 0, given(Ipv6Address.parse("::ffff:1.2.3.4"), 10, 20))),
                good.with(refusing(Dhcpv6Message.NO_ADDRESSES)),
                good.saying(1),
                answer(Dhcpv6Message.ADVERTISE).with(),
                answer(Dhcpv6Message.ADVERTISE).preferring(255).with(refusing(Dhcpv6Message.NO_ADDRESSES)),
                answer(Dhcpv6Message.ADVERTISE).preferring(255).saying(Dhcpv6Message.NO_ADDRESSES))) {
            hear(bad);
            assertThat(held()).as("after " + bad).isEmpty();
            assertThat(sent).as("after " + bad).hasSize(1);
        }
        hear(good);
        assertThat(held()).hasSize(1);
    }

    private void hear0() {
        take(client.onMessage(
                new Dhcpv6Reply(
                        Dhcpv6Message.REPLY,
                        0,
                        DUID,
                        SERVER,
                        true,
                        0,
                        0,
                        List.of(association(0, 0, given(GIVEN, 10, 20))),
                        Dhcpv6Reply.Settings.NONE),
                now));
        assertThat(held()).isEmpty();
    }

    @Test
    void moreAddressesThanItHoldsAreNotTaken() {
        solicit();
        var many = new Dhcpv6Reply.Given[8];
        for (int i = 0; i < many.length; i++) {
            many[i] = given(GIVEN.plus(i), 2000, 4000);
        }
        hear(answer(Dhcpv6Message.REPLY).atOnce().with(association(0, 0, many)));
        assertThat(held()).hasSize(Dhcpv6Client.MOST);
    }

    // ---- requesting

    @Test
    void aRequestIsSentTenTimesThenItBeginsAgain() {
        solicit();
        hear(answer(Dhcpv6Message.ADVERTISE).preferring(255));
        advance(400 * SECOND);
        long requests =
                sent.stream().filter(s -> s.type() == Dhcpv6Message.REQUEST).count();
        assertThat(requests).isEqualTo(10);
        assertThat(last().type()).isEqualTo(Dhcpv6Message.SOLICIT);
        // 1, 2, 4, 8, 16, then 30 seconds, each give or take a tenth
        long before = sent.get(9).at();
        assertThat(sent.get(10).at() - before).isBetween(27 * SECOND, 33 * SECOND);
    }

    @Test
    void aRefusedRequestBeginsAgainAfterARest() {
        for (Answer refusal : List.of(
                refusalOf(Dhcpv6Message.SUCCESS, Dhcpv6Message.NO_ADDRESSES),
                refusalOf(Dhcpv6Message.NOT_ON_LINK, Dhcpv6Message.SUCCESS))) {
            hear(refusal.in(last().message().transaction()));
            int before = sent.size();
            advance(9 * SECOND);
            assertThat(sent).hasSize(before);
            advance(2 * SECOND);
            assertThat(sent.get(before).type()).isEqualTo(Dhcpv6Message.SOLICIT);
            hear(answer(Dhcpv6Message.ADVERTISE).preferring(255));
        }
    }

    private Answer refusalOf(int whole, int association) {
        if (sent.isEmpty()) {
            solicit();
            hear(answer(Dhcpv6Message.ADVERTISE).preferring(255));
        }
        return answer(Dhcpv6Message.REPLY).saying(whole).with(refusing(association));
    }

    // ---- bound

    @Test
    void aLeaseIsRenewedWithItsServerAtT1() {
        bind();
        advance(999 * SECOND);
        assertThat(sent).isEmpty();
        advance(SECOND);
        assertThat(types()).containsExactly(Dhcpv6Message.RENEW);
        assertThat(last().message().server()).isEqualTo(SERVER);
        assertThat(last().message().associations().getFirst().addresses()).containsExactly(GIVEN);
        Dhcpv6Client.Leased before = client.addresses().getFirst();
        hear(answer(Dhcpv6Message.REPLY));
        assertThat(client.addresses()).containsExactly(before);
        sent.clear();
        advance(999 * SECOND);
        assertThat(sent).isEmpty();
        advance(SECOND);
        assertThat(types()).containsExactly(Dhcpv6Message.RENEW);
    }

    @Test
    void aSilentServerIsAskedUntilT2ThenAnyOneThenTheAddressIsOver() {
        bind();
        advance(3999 * SECOND);
        long start = now - 3999 * SECOND;
        assertThat(sent).hasSizeBetween(8, 20);
        for (Sent s : sent) {
            assertThat(s.type())
                    .isEqualTo(s.at() - start >= 1600 * SECOND ? Dhcpv6Message.REBIND : Dhcpv6Message.RENEW);
            assertThat(s.message().server()).isEqualTo(s.type() == Dhcpv6Message.RENEW ? SERVER : "");
        }
        assertThat(sent.stream()
                                .filter(s -> s.type() == Dhcpv6Message.REBIND)
                                .findFirst()
                                .orElseThrow()
                                .at()
                        - start)
                .isEqualTo(1600 * SECOND);
        assertThat(held()).hasSize(1);
        assertThat(client.addresses().getFirst().isPreferred(now)).isFalse();
        advance(SECOND);
        assertThat(held()).isEmpty();
        advance(SECOND);
        assertThat(last().type()).isEqualTo(Dhcpv6Message.SOLICIT);
    }

    @Test
    void anotherServerMayAnswerARebind() {
        bind();
        advance(1600 * SECOND);
        hear(answer(Dhcpv6Message.REPLY).from(OTHER));
        advance(1000 * SECOND);
        assertThat(last().type()).isEqualTo(Dhcpv6Message.RENEW);
        assertThat(last().message().server()).isEqualTo(OTHER);
    }

    @Test
    void aServerThatHasForgottenIsAskedAgainForTheSame() {
        bind();
        advance(1000 * SECOND);
        hear(answer(Dhcpv6Message.REPLY).with(refusing(Dhcpv6Message.NO_BINDING)));
        assertThat(types()).containsExactly(Dhcpv6Message.RENEW, Dhcpv6Message.REQUEST);
        assertThat(last().message().associations().getFirst().addresses()).containsExactly(GIVEN);
        assertThat(held()).hasSize(1);
        hear(answer(Dhcpv6Message.REPLY));
        assertThat(held()).hasSize(1);
    }

    @Test
    void aRefusalToRenewLeavesTheAddressItsTime() {
        bind();
        advance(1000 * SECOND);
        hear(answer(Dhcpv6Message.REPLY).with(refusing(Dhcpv6Message.NO_ADDRESSES)));
        assertThat(held()).hasSize(1);
        advance(700 * SECOND);
        assertThat(last().type()).isEqualTo(Dhcpv6Message.REBIND);
    }

    @Test
    void aValidLifetimeOfZeroTakesAnAddressBack() {
        bind();
        advance(1000 * SECOND);
        hear(answer(Dhcpv6Message.REPLY)
                .with(association(1000, 1600, given(GIVEN, 0, 0), given(SECOND_GIVEN, 2000, 4000))));
        assertThat(held()).containsExactly(SECOND_GIVEN.toString());
    }

    @Test
    void whereTheServerLeavesItTheTimesAreHalfAndFourFifths() {
        solicit();
        hear(answer(Dhcpv6Message.REPLY).atOnce().with(association(0, 0, given(GIVEN, 1000, 4000))));
        sent.clear();
        advance(499 * SECOND);
        assertThat(sent).isEmpty();
        advance(SECOND);
        assertThat(types()).containsExactly(Dhcpv6Message.RENEW);
        advance(301 * SECOND);
        assertThat(last().type()).isEqualTo(Dhcpv6Message.REBIND);
    }

    @Test
    void aLeaseForEverIsNeverRenewed() {
        solicit();
        long ever = Dhcpv6Reply.INFINITY;
        hear(answer(Dhcpv6Message.REPLY).atOnce().with(association(0, 0, given(GIVEN, ever, ever))));
        assertThat(client.deadline()).isEqualTo(Long.MAX_VALUE);
        assertThat(client.addresses().getFirst().isPreferred(now + 1_000_000 * SECOND))
                .isTrue();
    }

    @Test
    void tinyLifetimesMakeNoStorm() {
        solicit();
        for (int i = 0; i < 100; i++) {
            long before = now;
            hear(answer(Dhcpv6Message.REPLY).atOnce().with(association(1, 1, given(GIVEN, 1, 1))));
            int count = sent.size();
            while (sent.size() == count) {
                advance(SECOND / 10);
            }
            assertThat(now - before).isGreaterThan(SECOND);
        }
        assertThat(sent).hasSize(101);
    }

    // ---- the end

    @Test
    void anAddressThatSomebodyHasIsDeclinedFourTimesAtMostAndAnotherAskedForLater() {
        bind();
        take(client.onDuplicate(GIVEN, now));
        assertThat(held()).isEmpty();
        assertThat(types()).containsExactly(Dhcpv6Message.DECLINE);
        assertThat(last().message().server()).isEqualTo(SERVER);
        assertThat(last().message().associations().getFirst().addresses()).containsExactly(GIVEN);
        advance(17 * SECOND);
        assertThat(types()).containsOnly(Dhcpv6Message.DECLINE).hasSize(4);
        advance(30 * SECOND);
        assertThat(types().get(4)).isEqualTo(Dhcpv6Message.SOLICIT);
    }

    @Test
    void anAnswerEndsTheDeclining() {
        bind();
        take(client.onDuplicate(GIVEN, now));
        hear(answer(Dhcpv6Message.REPLY).with());
        advance(9 * SECOND);
        assertThat(sent).hasSize(1);
        advance(2 * SECOND);
        assertThat(last().type()).isEqualTo(Dhcpv6Message.SOLICIT);
    }

    @Test
    void decliningOneAddressKeepsTheOther() {
        solicit();
        hear(answer(Dhcpv6Message.REPLY)
                .atOnce()
                .with(association(1000, 1600, given(GIVEN, 2000, 4000), given(SECOND_GIVEN, 2000, 4000))));
        take(client.onDuplicate(GIVEN, now));
        hear(answer(Dhcpv6Message.REPLY).with());
        sent.clear();
        advance(1001 * SECOND);
        assertThat(types()).containsExactly(Dhcpv6Message.RENEW);
        assertThat(last().message().associations().getFirst().addresses()).containsExactly(SECOND_GIVEN);
        assertThat(client.onDuplicate(GIVEN, now)).isNull();
    }

    @Test
    void stoppingGivesBackWhatIsHeldAndIsSilentThen() {
        bind();
        take(client.stop());
        assertThat(types()).containsExactly(Dhcpv6Message.RELEASE);
        assertThat(last().message().server()).isEqualTo(SERVER);
        assertThat(last().message().associations().getFirst().addresses()).containsExactly(GIVEN);
        assertThat(held()).isEmpty();
        assertThat(client.deadline()).isEqualTo(Long.MAX_VALUE);
        assertThat(client.stop()).isNull();
    }

    // ---- settings only

    private void inform() {
        client.seekSettings(now);
        assertThat(client.deadline() - now).isBetween(0L, SECOND);
        advance(SECOND);
        assertThat(types()).containsExactly(Dhcpv6Message.INFORMATION_REQUEST);
        assertThat(last().message().associations()).isEmpty();
    }

    private static Dhcpv6Reply.Settings settings(long refresh) {
        return new Dhcpv6Reply.Settings(List.of(GIVEN), List.of("corp.example"), refresh, 0, 0);
    }

    @Test
    void settingsAreAskedForAgainAfterTheirTime() {
        inform();
        hear(answer(Dhcpv6Message.REPLY).with().with(settings(1200)));
        assertThat(client.settings().nameServers()).containsExactly(GIVEN);
        assertThat(client.settings().searchDomains()).containsExactly("corp.example");
        sent.clear();
        advance(1199 * SECOND);
        assertThat(sent).isEmpty();
        advance(SECOND);
        assertThat(types()).containsExactly(Dhcpv6Message.INFORMATION_REQUEST);
        assertThat(client.settings().nameServers()).hasSize(1);
        hear(answer(Dhcpv6Message.REPLY).with().with(settings(5))); // at least ten minutes
        sent.clear();
        advance(599 * SECOND);
        assertThat(sent).isEmpty();
        advance(SECOND);
        hear(answer(Dhcpv6Message.REPLY).with().with(settings(0))); // a day
        sent.clear();
        advance(86_399 * SECOND);
        assertThat(sent).isEmpty();
        advance(SECOND);
        hear(answer(Dhcpv6Message.REPLY).with().with(settings(Dhcpv6Reply.INFINITY)));
        assertThat(client.deadline()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void whoAskedForSettingsMayAskForAnAddressLaterButNotTheOtherWayRound() {
        inform();
        client.seekAddress(now);
        advance(SECOND);
        assertThat(last().type()).isEqualTo(Dhcpv6Message.SOLICIT);
        hear(answer(Dhcpv6Message.REPLY).atOnce());
        client.seekSettings(now);
        client.seekAddress(now);
        sent.clear();
        advance(900 * SECOND);
        assertThat(sent).isEmpty();
        assertThat(held()).hasSize(1);
    }

    /** Servers and time at random: never without end, never more addresses than there may be, at most a message a second in the mean. */
    @Test
    void whateverServersSayItStaysQuietAndBounded() {
        for (long seed = 1; seed <= 300; seed++) {
            Random random = new Random(seed);
            Dhcpv6ClientTest run = new Dhcpv6ClientTest();
            run.client.seekAddress(run.now);
            long start = run.now;
            for (int i = 0; i < 300; i++) {
                run.advance(random.nextLong(20 * SECOND));
                if (!run.sent.isEmpty() && random.nextInt(4) != 0) {
                    run.hear(run.anything(random));
                }
                if (random.nextInt(20) == 0 && !run.client.addresses().isEmpty()) {
                    run.take(run.client.onDuplicate(
                            run.client.addresses().getFirst().address(), run.now));
                }
                run.advance(0); // what was late is done at once
                assertThat(run.client.addresses()).as("seed " + seed).hasSizeLessThanOrEqualTo(Dhcpv6Client.MOST);
                assertThat(run.client.deadline() - run.now).as("seed " + seed).isPositive();
            }
            assertThat(run.sent.size()).as("seed " + seed).isLessThan((int) ((run.now - start) / SECOND) + 300);
        }
    }

    private Answer anything(Random random) {
        int[] statuses = {0, 0, 0, 1, 2, 3, 4, 5, 6, 99};
        long[] times = {0, 1, 5, 100, 4000, Dhcpv6Reply.INFINITY};
        var given = new Dhcpv6Reply.Given[random.nextInt(4)];
        for (int i = 0; i < given.length; i++) {
            given[i] = given(
                    GIVEN.plus(random.nextInt(6)),
                    times[random.nextInt(times.length)],
                    times[random.nextInt(times.length)]);
        }
        var association = new Dhcpv6Reply.Association(
                IAID,
                times[random.nextInt(times.length)],
                times[random.nextInt(times.length)],
                List.of(given),
                statuses[random.nextInt(statuses.length)]);
        Answer answer = answer(random.nextBoolean() ? Dhcpv6Message.ADVERTISE : Dhcpv6Message.REPLY)
                .from(random.nextBoolean() ? SERVER : OTHER)
                .saying(statuses[random.nextInt(statuses.length)])
                .preferring(random.nextInt(256))
                .with(association);
        return random.nextBoolean() ? answer : answer.atOnce();
    }
}
