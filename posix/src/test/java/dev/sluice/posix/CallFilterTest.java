package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.posix.SystemCall.Architecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the filter answers, by an interpreter; what a kernel does with it is {@link SeccompTest}'s. */
class CallFilterTest {
    private static final int PID = 4242;
    private static final int PIDFD = 17;
    private static final Set<SystemCall> DEPENDS = EnumSet.of(
            SystemCall.CLONE,
            SystemCall.CLONE3,
            SystemCall.FCNTL,
            SystemCall.IOCTL,
            SystemCall.KILL,
            SystemCall.PIDFD_GETFD,
            SystemCall.PIDFD_SEND_SIGNAL,
            SystemCall.RT_SIGQUEUEINFO,
            SystemCall.RT_TGSIGQUEUEINFO,
            SystemCall.SOCKET,
            SystemCall.TGKILL);

    private static BpfMachine machine(Architecture architecture) {
        return new BpfMachine(CallFilter.program(architecture, PID, PIDFD));
    }

    private static int judge(Architecture architecture, SystemCall call, long... arguments) {
        return machine(architecture).judge(architecture.audit, call.number(architecture), arguments);
    }

    @ParameterizedTest
    @EnumSource
    void everyCallOfTheListIsRefusedWhateverItsArguments(Architecture architecture) {
        for (SystemCall call : EnumSet.complementOf(EnumSet.copyOf(DEPENDS))) {
            if (call.number(architecture) == SystemCall.ABSENT) {
                continue;
            }
            assertThat(judge(architecture, call)).as("%s", call).isEqualTo(CallFilter.REFUSED);
            assertThat(judge(architecture, call, -1, -1, -1, -1, -1, -1))
                    .as("%s", call)
                    .isEqualTo(CallFilter.REFUSED);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyOtherCallIsAllowedByItsNumberAloneAndSoon(Architecture architecture) {
        BpfMachine machine = machine(architecture);
        Set<Integer> listed = new java.util.HashSet<>();
        for (SystemCall call : SystemCall.values()) {
            listed.add(call.number(architecture));
        }
        for (int number = 0; number < 600; number++) {
            if (!listed.contains(number)) {
                assertThat(machine.judge(architecture.audit, number))
                        .as("%d", number)
                        .isEqualTo(CallFilter.ALLOWED);
                // so that the kernel can remember the answer
                assertThat(machine.loaded).containsExactly(CallFilter.NUMBER, CallFilter.ARCHITECTURE);
                assertThat(machine.steps).isLessThanOrEqualTo(16);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void threadsMayBeStartedAndProcessesNot(Architecture architecture) {
        long thread = 0x3d0f00; // what glibc's pthread_create(3) asks for
        long fork = 17 | 0x0120_0000; // and its fork(3)
        long spawn = 17 | 0x4100; // posix_spawn(3): CLONE_VM | CLONE_VFORK
        assertThat(judge(architecture, SystemCall.CLONE, thread)).isEqualTo(CallFilter.ALLOWED);
        assertThat(judge(architecture, SystemCall.CLONE, fork)).isEqualTo(CallFilter.REFUSED);
        assertThat(judge(architecture, SystemCall.CLONE, spawn)).isEqualTo(CallFilter.REFUSED);
        assertThat(judge(architecture, SystemCall.CLONE, 0x1_0000_0000L)).isEqualTo(CallFilter.REFUSED);
        assertThat(judge(architecture, SystemCall.CLONE3)).isEqualTo(CallFilter.UNKNOWN);
    }

    @ParameterizedTest
    @EnumSource
    void signalsReachNobodyElse(Architecture architecture) {
        for (SystemCall call : EnumSet.of(
                SystemCall.KILL, SystemCall.TGKILL, SystemCall.RT_SIGQUEUEINFO, SystemCall.RT_TGSIGQUEUEINFO)) {
            assertThat(judge(architecture, call, PID)).as("%s", call).isEqualTo(CallFilter.ALLOWED);
            for (long other : new long[] {0, 1, -1, PID - 1, PID + 1}) {
                assertThat(judge(architecture, call, other)).as("%s", call).isEqualTo(CallFilter.REFUSED);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void onlyTheOneProcessIsWithinReach(Architecture architecture) {
        for (SystemCall call : EnumSet.of(SystemCall.PIDFD_GETFD, SystemCall.PIDFD_SEND_SIGNAL)) {
            assertThat(judge(architecture, call, PIDFD)).isEqualTo(CallFilter.ALLOWED);
            assertThat(judge(architecture, call, PIDFD + 1)).isEqualTo(CallFilter.REFUSED);
            BpfMachine none = new BpfMachine(CallFilter.program(architecture, PID, -1));
            for (long fd : new long[] {-1, 0, PIDFD}) {
                assertThat(none.judge(architecture.audit, call.number(architecture), fd))
                        .isEqualTo(CallFilter.REFUSED);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void socketsAreThoseOfTheInternetTheMachineAndItsGuests(Architecture architecture) {
        for (int family = -1; family < 50; family++) {
            assertThat(judge(architecture, SystemCall.SOCKET, family))
                    .as("%d", family)
                    .isEqualTo(CallFilter.FAMILIES.contains(family) ? CallFilter.ALLOWED : CallFilter.REFUSED);
        }
    }

    @ParameterizedTest
    @EnumSource
    void devicesAreControlledButNothingIsTypedIntoTerminals(Architecture architecture) {
        assertThat(judge(architecture, SystemCall.IOCTL, 5, 0x400454ca)).isEqualTo(CallFilter.ALLOWED);
        assertThat(judge(architecture, SystemCall.IOCTL, 0, CallFilter.TIOCSTI)).isEqualTo(CallFilter.REFUSED);
        assertThat(judge(architecture, SystemCall.IOCTL, 0, CallFilter.TIOCSTI | 1L << 32))
                .isEqualTo(CallFilter.REFUSED);
        assertThat(judge(architecture, SystemCall.IOCTL, 0, CallFilter.TIOCLINUX))
                .isEqualTo(CallFilter.REFUSED);
        assertThat(judge(architecture, SystemCall.IOCTL, 0, CallFilter.TIOCSETD))
                .isEqualTo(CallFilter.REFUSED);
    }

    /** The kernel sends signals for whoever owns a file. */
    @ParameterizedTest
    @EnumSource
    void noFileSendsSignalsToOthers(Architecture architecture) {
        for (int command : new int[] {CallFilter.F_SETOWN, CallFilter.F_SETSIG, CallFilter.F_SETOWN_EX}) {
            assertThat(judge(architecture, SystemCall.FCNTL, 5, command)).isEqualTo(CallFilter.REFUSED);
            assertThat(judge(architecture, SystemCall.FCNTL, 5, command | 1L << 32))
                    .isEqualTo(CallFilter.REFUSED);
        }
        for (int request : new int[] {CallFilter.FIOSETOWN, CallFilter.SIOCSPGRP}) {
            assertThat(judge(architecture, SystemCall.IOCTL, 5, request)).isEqualTo(CallFilter.REFUSED);
        }
        // F_DUPFD, F_GETFD to F_SETLKW, F_GETOWN, F_DUPFD_CLOEXEC, F_SETPIPE_SZ
        for (int command : new int[] {0, 1, 2, 3, 4, 5, 6, 7, 9, 1030, 1031}) {
            assertThat(judge(architecture, SystemCall.FCNTL, 5, command)).isEqualTo(CallFilter.ALLOWED);
        }
        assertThat(judge(architecture, SystemCall.IOCTL, 5, 0x5421))
                .as("FIONBIO")
                .isEqualTo(CallFilter.ALLOWED);
    }

    /** The same numbers mean other calls there. */
    @Test
    void callsOfAnotherArchitectureAreRefused() {
        int read = 0;
        int i386 = 0x4000_0003;
        BpfMachine machine = machine(Architecture.X86_64);
        assertThat(machine.judge(Architecture.X86_64.audit, read)).isEqualTo(CallFilter.ALLOWED);
        assertThat(machine.judge(i386, read)).isEqualTo(CallFilter.REFUSED);
        assertThat(machine.judge(Architecture.AARCH64.audit, read)).isEqualTo(CallFilter.REFUSED);
        assertThat(machine.judge(Architecture.X86_64.audit, CallFilter.X32 | read))
                .isEqualTo(CallFilter.REFUSED);
        assertThat(machine.judge(Architecture.X86_64.audit, -1)).isEqualTo(CallFilter.REFUSED);
    }

    @Test
    void numbersAreThoseOfTheHeaders() throws IOException {
        compare(Architecture.X86_64, Path.of("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"));
        // what aarch64 has is the generic list
        compare(Architecture.AARCH64, Path.of("/usr/include/asm-generic/unistd.h"));
    }

    private static void compare(Architecture architecture, Path header) throws IOException {
        if (!Files.exists(header)) {
            System.out.println("SKIPPED: numbers of " + architecture + " are not compared, there is no " + header);
            return;
        }
        Map<String, Integer> numbers = new HashMap<>();
        Matcher line =
                Pattern.compile("(?m)^#define __NR(?:3264)?_(\\w+)\\s+(\\d+)").matcher(Files.readString(header));
        while (line.find()) {
            numbers.put(line.group(1), Integer.parseInt(line.group(2)));
        }
        for (SystemCall call : SystemCall.values()) {
            Integer theirs = numbers.get(call.name().toLowerCase(Locale.ROOT));
            // calls newer than the header are missing there
            if (theirs != null || call.number(architecture) < 424) {
                assertThat(call.number(architecture))
                        .as("%s of %s", call, architecture)
                        .isEqualTo(theirs == null ? SystemCall.ABSENT : theirs);
            }
        }
    }
}
