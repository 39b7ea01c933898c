package dev.sluice.it;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The arrows of the house (docs/architecture.md): who may know whom, and what the pure parts must not touch. */
class HouseTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.sluice");

    /** Module → the modules it may use. */
    private static final Map<String, Set<String>> ARROWS = new LinkedHashMap<>();

    static {
        ARROWS.put("wire", Set.of());
        ARROWS.put("posix", Set.of());
        ARROWS.put("loop", Set.of("posix"));
        ARROWS.put("stack", Set.of("wire"));
        ARROWS.put("link", Set.of("loop", "posix", "wire"));
        ARROWS.put("host", Set.of("loop", "posix", "wire"));
        ARROWS.put("net", Set.of("stack", "link", "loop", "posix", "wire"));
        ARROWS.put("testkit", Set.of("net", "link", "stack", "loop", "posix", "wire"));
        ARROWS.put("examples", Set.of("net", "link", "loop", "posix", "wire"));
        ARROWS.put("gateway", Set.of("net", "host", "link", "stack", "loop", "posix", "wire"));
        ARROWS.put("proxy", Set.of("gateway", "host", "wire"));
        ARROWS.put("control", Set.of("gateway", "host", "link", "loop", "posix", "wire"));
        ARROWS.put("cli", Set.of("control", "proxy", "gateway", "host", "link", "loop", "posix", "stack", "wire"));
    }

    private static final Set<String> OWN_SOURCES = Set.of(
            "System.nanoTime",
            "System.currentTimeMillis",
            "Math.random",
            "RandomGenerator.of",
            "RandomGenerator.getDefault");

    static Set<String> modules() {
        return ARROWS.keySet();
    }

    @Test
    void everyModuleIsInTheTable() {
        Set<String> found = new TreeSet<>();
        CLASSES.forEach(c -> found.add(c.getPackageName().split("\\.")[2]));
        found.remove("it");
        assertThat(ARROWS.keySet()).containsAll(found);
    }

    @ParameterizedTest
    @MethodSource("modules")
    void aModuleKnowsOnlyWhatIsBelowIt(String module) {
        Set<String> forbidden = new TreeSet<>(ARROWS.keySet());
        forbidden.remove(module);
        forbidden.removeAll(ARROWS.getOrDefault(module, Set.of()));
        noClasses()
                .that()
                .resideInAPackage("dev.sluice." + module + "..")
                .should()
                .dependOnClassesThat(resideInAnyPackage(
                        forbidden.stream().map(m -> "dev.sluice." + m + "..").toArray(String[]::new)))
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @ParameterizedTest
    @MethodSource("modules")
    void packagesInsideAModuleFormNoCycle(String module) {
        slices().matching("dev.sluice." + module + ".(**)")
                .should()
                .beFreeOfCycles()
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void wireAndStackDoNoInputOrOutput() {
        noClasses()
                .that()
                .resideInAnyPackage("dev.sluice.wire..", "dev.sluice.stack..")
                .should()
                .dependOnClassesThat(resideInAnyPackage(
                                "java.net..", "java.io..", "java.nio.channels..", "java.nio.file..")
                        .and(describe("more than memory", c -> !c.isEquivalentTo(java.io.ByteArrayOutputStream.class))))
                .check(CLASSES);
    }

    /** Time and random numbers come in as parameters, so a generator may be used but not made. */
    @Test
    void wireAndStackHaveNoThreadClockOrRandomnessOfTheirOwn() {
        noClasses()
                .that()
                .resideInAnyPackage("dev.sluice.wire..", "dev.sluice.stack..")
                .should()
                .callMethodWhere(describe(
                        "the clock is read or randomness made",
                        call -> OWN_SOURCES.contains(call.getTargetOwner().getSimpleName() + "." + call.getName())))
                .orShould()
                .dependOnClassesThat(describe(
                        "threads, locks, clocks and generators",
                        c -> c.isAssignableTo(Thread.class)
                                || c.getPackageName().startsWith("java.util.concurrent")
                                || c.isAssignableTo(java.util.Random.class)
                                || c.isEquivalentTo(java.util.SplittableRandom.class)
                                || c.isAssignableTo(java.time.Clock.class)
                                || c.isEquivalentTo(java.time.Instant.class)))
                .check(CLASSES);
    }

    @Test
    void onlyPosixMakesForeignCalls() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.sluice.posix..")
                .should()
                .dependOnClassesThat(describe(
                        "the foreign linker",
                        c -> c.getName().startsWith("java.lang.foreign.Linker")
                                || c.getName().equals("java.lang.foreign.SymbolLookup")))
                .check(CLASSES);
    }

    @Test
    void nothingUsesUnsafeOrPreviewOrInternals() {
        noClasses()
                .that()
                .resideInAPackage("dev.sluice..")
                .should()
                .dependOnClassesThat(describe(
                        "JDK internals",
                        c -> c.getName().equals("sun.misc.Unsafe")
                                || c.getPackageName().startsWith("jdk.internal")))
                .check(CLASSES);
    }
}
