package dev.sluice.posix;

import dev.sluice.posix.BpfAssembler.Label;
import dev.sluice.posix.SystemCall.Architecture;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The program that judges each system call of a confined process: what a network translator never needs is refused with EPERM. Pure.
 *
 * <p>It is a list of what is refused, not of what is allowed: which calls a Java runtime makes differs with its version, the libc and the
 * kernel, and one that is missing in a list of the allowed ends in a wreck at some odd moment. What is listed gives a process new powers
 * (programs, namespaces, mounts, identities, keys), reaches into others (ptrace and its like, signals), or opens large parts of the
 * kernel that are of no use here (bpf, io_uring, perf events, modules, rare socket families).
 *
 * <p>Everything is decided by the call's number alone, but for the few where an argument tells. Kernels from 5.11 remember which numbers
 * are always allowed and don't run the program for them; older ones take some eight comparisons.
 */
final class CallFilter {
    /** Offsets within {@code struct seccomp_data}; of an argument the low half, little-endian. */
    static final int NUMBER = 0;

    static final int ARCHITECTURE = 4;
    static final int FIRST_ARGUMENT = 16;
    static final int SECOND_ARGUMENT = 24;

    /** Results (linux/seccomp.h). */
    static final int ALLOWED = 0x7fff_0000;

    static final int REFUSED = 0x0005_0000 | Errno.EPERM;
    static final int UNKNOWN = 0x0005_0000 | Errno.ENOSYS;

    /** This bit marks calls of the x32 ABI, which x86-64 kernels may answer, too. */
    static final int X32 = 0x4000_0000;

    static final int CLONE_THREAD = 0x0001_0000;
    /** Puts characters into a terminal as if they had been typed; loads a line discipline (ioctl_tty(2)). */
    static final int TIOCSTI = 0x5412;

    static final int TIOCLINUX = 0x541c;
    static final int TIOCSETD = 0x5423;

    /** Each lets the kernel signal another process when a file has something to read (O_ASYNC, fcntl(2)), or says by which signal. */
    static final int F_SETOWN = 8;

    static final int F_SETSIG = 10;
    static final int F_SETOWN_EX = 15;
    static final int FIOSETOWN = 0x8901;
    static final int SIOCSPGRP = 0x8902;

    static final List<Integer> FAMILIES =
            List.of(Sockets.AF_UNIX, Sockets.AF_INET, Sockets.AF_INET6, Sockets.AF_NETLINK, Sockets.AF_VSOCK);

    private static final int LEAF = 4;

    private final BpfAssembler to = new BpfAssembler();
    private final Label allow = new Label();
    private final Label refuse = new Label();
    private final Map<SystemCall, Label> special = new EnumMap<>(SystemCall.class);

    private CallFilter() {}

    /**
     * The program.
     *
     * @param pid this process, the only one that it may send signals to
     * @param pidfd the descriptor of the one process that it may still take descriptors from and send signals to; -1 for none
     */
    static long[] program(Architecture architecture, int pid, int pidfd) {
        return new CallFilter().build(architecture, pid, pidfd);
    }

    private long[] build(Architecture architecture, int pid, int pidfd) {
        Label known = new Label();
        Label unknown = new Label();
        Label clone = new Label();
        Label socket = new Label();
        Label ioctl = new Label();
        Label fcntl = new Label();
        Label signal = new Label();
        Label process = new Label();
        special.put(SystemCall.CLONE, clone);
        special.put(SystemCall.CLONE3, unknown);
        special.put(SystemCall.SOCKET, socket);
        special.put(SystemCall.IOCTL, ioctl);
        special.put(SystemCall.FCNTL, fcntl);
        special.put(SystemCall.KILL, signal);
        special.put(SystemCall.TGKILL, signal);
        special.put(SystemCall.RT_SIGQUEUEINFO, signal);
        special.put(SystemCall.RT_TGSIGQUEUEINFO, signal);
        special.put(SystemCall.PIDFD_GETFD, process);
        special.put(SystemCall.PIDFD_SEND_SIGNAL, process);

        to.load(ARCHITECTURE).jumpIfEqual(architecture.audit, known).answer(REFUSED);
        to.place(known).load(NUMBER).jumpIfAtLeast(X32, refuse);
        decide(List.copyOf(byNumber(architecture).entrySet()));

        // a process of its own, rather than a thread, would be there to execute something
        to.place(clone).load(FIRST_ARGUMENT).jumpIfSet(CLONE_THREAD, allow).answer(REFUSED);
        // its flags lie in memory, where no filter sees them; libc then takes clone(2)
        to.place(unknown).answer(UNKNOWN);
        to.place(socket).load(FIRST_ARGUMENT);
        FAMILIES.forEach(family -> to.jumpIfEqual(family, allow));
        to.answer(REFUSED);
        to.place(ioctl)
                .load(SECOND_ARGUMENT)
                .jumpIfEqual(TIOCSTI, refuse)
                .jumpIfEqual(TIOCLINUX, refuse)
                .jumpIfEqual(TIOCSETD, refuse)
                .jumpIfEqual(FIOSETOWN, refuse)
                .jumpIfEqual(SIOCSPGRP, refuse)
                .answer(ALLOWED);
        to.place(fcntl)
                .load(SECOND_ARGUMENT)
                .jumpIfEqual(F_SETOWN, refuse)
                .jumpIfEqual(F_SETSIG, refuse)
                .jumpIfEqual(F_SETOWN_EX, refuse)
                .answer(ALLOWED);
        to.place(signal).load(FIRST_ARGUMENT).jumpIfEqual(pid, allow).answer(REFUSED);
        to.place(process).load(FIRST_ARGUMENT);
        if (pidfd >= 0) {
            to.jumpIfEqual(pidfd, allow);
        }
        to.place(refuse).answer(REFUSED);
        to.place(allow).answer(ALLOWED);
        return to.assemble();
    }

    private TreeMap<Integer, Label> byNumber(Architecture architecture) {
        TreeMap<Integer, Label> all = new TreeMap<>();
        for (SystemCall call : SystemCall.values()) {
            if (call.number(architecture) != SystemCall.ABSENT) {
                all.put(call.number(architecture), special.getOrDefault(call, refuse));
            }
        }
        return all;
    }

    /** Halves the sorted calls until few are left. */
    private void decide(List<Map.Entry<Integer, Label>> calls) {
        if (calls.size() <= LEAF) {
            calls.forEach(call -> to.jumpIfEqual(call.getKey(), call.getValue()));
            to.answer(ALLOWED);
            return;
        }
        int middle = calls.size() / 2;
        Label upper = new Label();
        to.jumpIfAtLeast(calls.get(middle).getKey(), upper);
        decide(calls.subList(0, middle));
        to.place(upper);
        decide(calls.subList(middle, calls.size()));
    }
}
