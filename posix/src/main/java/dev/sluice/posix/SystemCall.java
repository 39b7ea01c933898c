package dev.sluice.posix;

/** System calls that {@link CallFilter} knows by name, with their numbers (asm/unistd.h); {@link #ABSENT} where there is no such call. */
enum SystemCall {
    ACCT(163, 89),
    ADD_KEY(248, 217),
    ADJTIMEX(159, 171),
    BPF(321, 280),
    CAPSET(126, 91),
    CHROOT(161, 51),
    CLOCK_ADJTIME(305, 266),
    CLOCK_SETTIME(227, 112),
    CLONE(56, 220),
    CLONE3(435, 435),
    DELETE_MODULE(176, 106),
    EXECVE(59, 221),
    EXECVEAT(322, 281),
    FANOTIFY_INIT(300, 262),
    FANOTIFY_MARK(301, 263),
    FCNTL(72, 25),
    FINIT_MODULE(313, 273),
    FORK(57, -1),
    FSCONFIG(431, 431),
    FSMOUNT(432, 432),
    FSOPEN(430, 430),
    FSPICK(433, 433),
    INIT_MODULE(175, 105),
    IOCTL(16, 29),
    IOPERM(173, -1),
    IOPL(172, -1),
    IO_URING_ENTER(426, 426),
    IO_URING_REGISTER(427, 427),
    IO_URING_SETUP(425, 425),
    KCMP(312, 272),
    KEXEC_FILE_LOAD(320, 294),
    KEXEC_LOAD(246, 104),
    KEYCTL(250, 219),
    KILL(62, 129),
    LOOKUP_DCOOKIE(212, 18),
    MIGRATE_PAGES(256, 238),
    MKNOD(133, -1),
    MKNODAT(259, 33),
    MODIFY_LDT(154, -1),
    MOUNT(165, 40),
    MOUNT_SETATTR(442, 442),
    MOVE_MOUNT(429, 429),
    MOVE_PAGES(279, 239),
    NAME_TO_HANDLE_AT(303, 264),
    OPEN_BY_HANDLE_AT(304, 265),
    OPEN_TREE(428, 428),
    PERF_EVENT_OPEN(298, 241),
    PERSONALITY(135, 92),
    PIDFD_GETFD(438, 438),
    PIDFD_OPEN(434, 434),
    PIDFD_SEND_SIGNAL(424, 424),
    PIVOT_ROOT(155, 41),
    PROCESS_MADVISE(440, 440),
    PROCESS_MRELEASE(448, 448),
    PROCESS_VM_READV(310, 270),
    PROCESS_VM_WRITEV(311, 271),
    PTRACE(101, 117),
    QUOTACTL(179, 60),
    QUOTACTL_FD(443, 443),
    REBOOT(169, 142),
    REQUEST_KEY(249, 218),
    RT_SIGQUEUEINFO(129, 138),
    RT_TGSIGQUEUEINFO(297, 240),
    SETDOMAINNAME(171, 162),
    SETFSGID(123, 152),
    SETFSUID(122, 151),
    SETGID(106, 144),
    SETGROUPS(116, 159),
    SETHOSTNAME(170, 161),
    SETNS(308, 268),
    SETREGID(114, 143),
    SETRESGID(119, 149),
    SETRESUID(117, 147),
    SETREUID(113, 145),
    SETTIMEOFDAY(164, 170),
    SETUID(105, 146),
    SOCKET(41, 198),
    SWAPOFF(168, 225),
    SWAPON(167, 224),
    SYSLOG(103, 116),
    TGKILL(234, 131),
    TKILL(200, 130),
    UMOUNT2(166, 39),
    UNSHARE(272, 97),
    USELIB(134, -1),
    USERFAULTFD(323, 282),
    VFORK(58, -1),
    VHANGUP(153, 58);

    static final int ABSENT = -1;

    private final int x86;
    private final int aarch64;

    SystemCall(int x86, int aarch64) {
        this.x86 = x86;
        this.aarch64 = aarch64;
    }

    int number(Architecture architecture) {
        return switch (architecture) {
            case X86_64 -> x86;
            case AARCH64 -> aarch64;
        };
    }

    /** Whose numbers count. */
    enum Architecture {
        X86_64(0xC000_003E),
        AARCH64(0xC000_00B7);

        /** Its name towards seccomp (linux/audit.h). */
        final int audit;

        Architecture(int audit) {
            this.audit = audit;
        }

        /** The one that this process runs on. */
        static Architecture own() throws PosixException {
            String name = System.getProperty("os.arch", "");
            return switch (name) {
                case "amd64", "x86_64" -> X86_64;
                case "aarch64" -> AARCH64;
                default -> throw new PosixException("the numbers of system calls on " + name, Errno.ENOSYS);
            };
        }
    }
}
