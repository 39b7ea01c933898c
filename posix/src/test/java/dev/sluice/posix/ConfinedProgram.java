package dev.sluice.posix;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.stream.Stream;

/**
 * Confines itself, and prints what is refused before and afterwards, on a thread that was there before and on one that came later, and how
 * the Java runtime fares. Harmless forms of the calls are taken: they fail, or change nothing, where they are not refused.
 */
final class ConfinedProgram {
    private ConfinedProgram() {}

    public static void main(String[] args) throws Exception {
        CountDownLatch confined = new CountDownLatch(1);
        FutureTask<Map<String, Long>> old = new FutureTask<>(() -> {
            confined.await();
            return attempts();
        });
        Thread.ofPlatform().start(old);
        Map<String, Long> before = attempts();
        Process helper = new ProcessBuilder("sleep", "1000").start();
        try {
            int pidfd = PosixException.check(Namespaces.pidfdOpen((int) helper.pid()), "pidfd_open");
            int other = PosixException.check(
                    Namespaces.pidfdOpen((int) ProcessHandle.current().pid()), "pidfd_open");
            Seccomp.check();
            Seccomp.confine(pidfd);
            confined.countDown();
            Map<String, Long> after = old.get();
            before.forEach((name, result) -> System.out.println(name + " " + result + " " + after.get(name)));
            FutureTask<Map<String, Long>> young = new FutureTask<>(ConfinedProgram::attempts);
            Thread.ofPlatform().start(young);
            System.out.println("young " + young.get().equals(after));
            System.out.println(
                    "fetch " + (Namespaces.pidfdGetfd(pidfd, 0) >= 0) + " " + Namespaces.pidfdGetfd(other, 0));
            System.out.println("program " + program());
            System.out.println("filters " + filters());
            System.out.println("runtime " + runtime());
            System.out.println("signal " + Processes.signal(pidfd, Processes.SIGKILL));
        } finally {
            helper.destroy();
        }
    }

    private static Map<String, Long> attempts() throws IOException {
        Map<String, Long> results = new LinkedHashMap<>();
        SystemCall.Architecture own = SystemCall.Architecture.own();
        long parent = ProcessHandle.current().parent().orElseThrow().pid();
        results.put("execve", call(SystemCall.EXECVE, own, 0, 0, 0));
        results.put("ptrace", call(SystemCall.PTRACE, own, 3, 0, 0));
        results.put("unshare", call(SystemCall.UNSHARE, own, 0, 0, 0));
        results.put("mount", call(SystemCall.MOUNT, own, 0, 0, 0));
        results.put("personality", call(SystemCall.PERSONALITY, own, 0xffff_ffffL, 0, 0));
        results.put("clone3", call(SystemCall.CLONE3, own, 0, 0, 0));
        results.put("kill", call(SystemCall.KILL, own, parent, 0, 0));
        results.put("fcntl", call(SystemCall.FCNTL, own, 0, CallFilter.F_SETOWN, 0)); // nobody
        results.put("io_uring_setup", call(SystemCall.IO_URING_SETUP, own, 1, 0, 0));
        results.put("open_by_handle_at", call(SystemCall.OPEN_BY_HANDLE_AT, own, -1, 0, 0));
        results.put("socket", call(SystemCall.SOCKET, own, 38, 99, 0)); // AF_ALG, and a type that there is not
        return results;
    }

    private static long call(SystemCall call, SystemCall.Architecture own, long a, long b, long c) {
        return Processes.syscall(call.number(own), a, b, c, 0);
    }

    private static String program() {
        try {
            return "ended with " + new ProcessBuilder("true").start().waitFor();
        } catch (IOException | InterruptedException e) {
            return String.valueOf(e.getMessage());
        }
    }

    /** Every thread's line of that name. */
    private static List<String> filters() throws IOException {
        List<String> lines = new ArrayList<>();
        try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
            for (Path thread : threads.toList()) {
                Files.readAllLines(thread.resolve("status")).stream()
                        .filter(line -> line.startsWith("Seccomp:") || line.startsWith("NoNewPrivs:"))
                        .map(line -> line.replaceAll("\\s+", ""))
                        .forEach(lines::add);
            }
        }
        return lines.stream().distinct().sorted().toList();
    }

    /** A bit of everything that it does for programs, and that it does by itself. */
    private static String runtime() throws Exception {
        long sum = 0;
        try (ExecutorService threads =
                        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory());
                ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor();
                ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            List<Future<Integer>> all = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                int n = i;
                all.add((i % 2 == 0 ? threads : virtual)
                        .submit(() -> ByteBuffer.allocateDirect(1 << 20)
                                        .put(n, (byte) n)
                                        .get(n)
                                + 0));
            }
            for (Future<Integer> future : all) {
                sum += future.get();
            }
            try (Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
                    Socket accepted = server.accept()) {
                client.getOutputStream().write(1);
                sum += accepted.getInputStream().read();
            }
            // closing wakes whoever waits by a signal
            Future<Boolean> waiting = threads.submit(() -> {
                try {
                    server.accept();
                    return false;
                } catch (IOException e) {
                    return true;
                }
            });
            server.close();
            sum += waiting.get() ? 1 : 0;
        }
        byte[][] garbage = new byte[200][];
        for (int i = 0; i < 2000; i++) {
            garbage[i % garbage.length] = new byte[100_000];
        }
        System.gc();
        Path file = Files.createTempFile("confined", "");
        Files.writeString(file, "x");
        Files.delete(file);
        return "%d".formatted(sum) + String.format(Locale.GERMANY, " %,d", 1000);
    }
}
